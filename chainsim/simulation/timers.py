"""The timers of one host: what runs, when it expires, and what a wrong clock makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chainsim.simulation.clock import RIGHT, Clock
from chainsim.simulation.scheduler import TIMER
from consensus.effects import TimerKey

if TYPE_CHECKING:
    from chainsim.simulation.host import Host


class Timers:
    """Timers that run, by key; each has an event of its own."""

    __slots__ = ("_host", "_ids", "due_us")

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ids: Final[dict[TimerKey, int]] = {}
        """The ids of their events."""
        self.due_us: Final[dict[TimerKey, int]] = {}
        """When they expire."""

    @property
    def ids(self) -> dict[TimerKey, int]:
        """Timers that run, with the ids of their events."""
        return dict(self._ids)

    def set(self, now_us: int, key: TimerKey, delay_us: int) -> None:
        """(Re)arms ``key`` to expire after ``delay_us`` of the node's local clock."""
        host = self._host
        if host.clock is not None:
            delay_us = host.clock.delay(now_us, delay_us)
        at_us = self.due_us[key] = now_us + delay_us
        self._ids[key] = host.push(at_us, TIMER, host.timer_expires, key)

    def forget(self, key: TimerKey) -> None:
        """``key`` doesn't run any more, if it did."""
        self._ids.pop(key, None)
        self.due_us.pop(key, None)

    def runs(self, key: TimerKey, event_id: int) -> bool:
        """Whether ``key`` runs and ``event_id`` is its event: it wasn't cancelled or armed anew,
        and the process is the same."""
        return self._ids.get(key) == event_id

    def clear(self) -> None:
        """The process is gone."""
        self._ids.clear()
        self.due_us.clear()

    def discard(self) -> None:
        """Lets go of everything: see ``World.discard``."""
        self.clear()
        del self._host

    def follow(self, now_us: int, clock: Clock | None, unnoticed_us: int) -> None:
        """The host goes by another clock from now on, which it has already (``clock`` is the one
        before). Timers keep the local time that they have left, less ``unnoticed_us``."""
        before, after = clock or RIGHT, self._host.clock or RIGHT
        if before.rate_ppm == after.rate_ppm and not unnoticed_us:
            return
        due = {entry[2]: entry[0] for entry in self._host.events()}
        for key, event_id in self.ids.items():
            if event_id in due:  # else it has run out, and waits for the CPU
                left_us = before.elapses(due[event_id] - now_us) - unnoticed_us
                self.set(now_us, key, max(0, left_us))
