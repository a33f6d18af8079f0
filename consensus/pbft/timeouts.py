"""Timers: request deadlines, the new-view timer and its back-off (rules 18 and 20).

One request timer serves all clients. Deadlines are kept per client for its oldest waiting
request, in order of expiry (they all last equally long, so that is order of insertion).
"""

from __future__ import annotations

from typing import Final

from consensus.effects import TimerKey
from consensus.messages import Batch, Request
from consensus.pbft.core import Core
from consensus.types import NodeId

REQUEST: Final[TimerKey] = ("request",)
NEW_VIEW: Final[TimerKey] = ("new-view",)
FILL: Final[NodeId] = ""
"""Stands among the clients for the wish to reach the end of the epoch (rule 27)."""
MAX_DOUBLINGS: Final = 40
"""2 s doubled forty times is 70,000 years: the cap only keeps integers small."""


class Timeouts:
    """Decides when to give up on a primary."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self.doublings = 0
        self._deadlines: dict[NodeId, tuple[int, int]] = {}
        self._armed = False
        self._new_view_running = False

    @property
    def request_timeout_us(self) -> int:
        """How long a request may wait in the active view."""
        return self.core.parameters.request_timeout_us << self.doublings

    @property
    def view_change_timeout_us(self) -> int:
        """How long a new view may take to execute a request."""
        return self.core.parameters.view_change_timeout_us << self.doublings

    # -- request deadlines (rule 18) --------------------------------------------------

    def request_waiting(self, request: Request) -> None:
        """A request entered the pool. Who has no vote can't depose anybody."""
        if not self.core.active or not self.core.votes or request.sender in self._deadlines:
            return
        self._deadlines[request.sender] = (
            request.number,
            self.core.now_us + self.request_timeout_us,
        )
        self._arm()

    def fill_waiting(self) -> None:
        """A change of the committee waits for the last slot of the epoch: each slot up to it has
        a deadline, so that a primary that doesn't fill them is deposed."""
        core = self.core
        if core.active and core.membership.must_fill:
            due = core.now_us + self.request_timeout_us
            self._deadlines.pop(FILL, None)
            self._deadlines[FILL] = (core.executed + 1, due)
            self._arm()

    def executed(self, batch: Batch, fresh: bool) -> None:
        """``batch`` was executed and left the pool; ``fresh`` if it held a waiting request."""
        if fresh and self._new_view_running and self.core.active:
            self.stop_new_view()
        if not self.core.active:
            return
        if self._deadlines.pop(FILL, None) is not None:
            self.fill_waiting()
        oldest = self.core.pool.oldest()
        for request in batch.requests:
            entry = self._deadlines.get(request.sender)
            if entry is None:
                continue
            waiting = oldest.get(request.sender)
            if waiting == entry[0]:
                continue
            del self._deadlines[request.sender]
            if waiting is not None:
                due = self.core.now_us + self.request_timeout_us
                self._deadlines[request.sender] = (waiting, due)
        self._disarm_if_idle()

    def view_entered(self) -> None:
        """Start all deadlines afresh for what waits in the new view."""
        due = self.core.now_us + self.request_timeout_us
        self._deadlines = {
            client: (number, due) for client, number in self.core.pool.oldest().items()
        }
        self._armed = False
        self.fill_waiting()
        self._disarm_if_idle(cancel=True)
        self._arm()

    def epoch_entered(self) -> None:
        """A new committee begins, with the configured time-outs."""
        self.doublings = 0
        self.stop_new_view()
        self.view_entered()

    def jumped(self) -> None:
        """A later state was installed: what waits still gets its whole time."""
        if self.core.active:
            self.stop_new_view()
            self.view_entered()
        else:
            self.core.views.count_again()

    def view_left(self) -> None:
        """A view change began: no request deadlines until a view is entered."""
        self._deadlines.clear()
        self._disarm_if_idle(cancel=True)
        self.stop_new_view()

    def request_timer_fired(self) -> None:
        """Leave the view if a deadline has passed, else wait for the next one."""
        core = self.core
        self._armed = False
        if not core.active or not self._deadlines:
            return
        client, (number, due) = next(iter(self._deadlines.items()))
        if due > core.now_us:
            self._arm()
            return
        what = f"request {number} of {client}" if client != FILL else f"slot {number} of the epoch"
        self.give_up(f"{what} not executed in time")

    def _arm(self) -> None:
        if self._armed or not self._deadlines:
            return
        _, due = next(iter(self._deadlines.values()))
        self._armed = True
        self.core.set_timer(REQUEST, max(0, due - self.core.now_us))

    def _disarm_if_idle(self, *, cancel: bool = False) -> None:
        if not self._deadlines and (self._armed or cancel):
            self._armed = False
            self.core.cancel_timer(REQUEST)

    # -- the new-view timer (rule 20) -------------------------------------------------

    def quorum_wants_view(self) -> None:
        """Q replicas' latest VIEW-CHANGE is for the pending view or higher."""
        if not self._new_view_running:
            self._new_view_running = True
            self.core.set_timer(NEW_VIEW, self.view_change_timeout_us)

    def stop_new_view(self) -> None:
        """A request executed in the new view, or none waits."""
        if self._new_view_running:
            self._new_view_running = False
            self.core.cancel_timer(NEW_VIEW)

    def new_view_timer_fired(self) -> None:
        """The view brought nothing: try the next one."""
        self._new_view_running = False
        cause = "no request executed in the new view" if self.core.active else "no valid NEW-VIEW"
        self.give_up(f"{cause} in time")

    def give_up(self, cause: str) -> None:
        """Go to the next view after an expiry, with doubled time-outs.

        Doubling stops to count only when a checkpoint became stable in the view that is left
        (rule 20), so a view in which requests still starve counts as a failed one. View 0
        starts undoubled.
        """
        core = self.core
        if not core.active or (not core.checkpoints.stable_in_view and core.view > 0):
            self.doublings = min(self.doublings + 1, MAX_DOUBLINGS)
        core.views.start(core.view + 1, cause)

    def checkpoint_stable_in_view(self) -> None:
        """The view works: back to the configured time-outs, for those who wait already too."""
        if not self.doublings:
            return
        self.doublings = 0
        latest = self.core.now_us + self.request_timeout_us
        self._deadlines = {c: (t, min(due, latest)) for c, (t, due) in self._deadlines.items()}
        self._armed = False
        self._arm()
