"""Why a network stands still: which of four kinds a stall is, and what each node waits for."""

from __future__ import annotations

from chainsim.checks.context import CheckContext, RunEnd
from chainsim.trace import Reached
from consensus.types import NodeId, View

NODES_NAMED = 7
"""Nodes whose wait is spelt out; the rest are counted."""


class Stall:
    """Follows view changes since the last progress, and words the diagnosis.

    - *lost state beyond the model*: more than f validators are hostile;
    - *no quorum possible*: fewer than Q validators are up and can reach each other;
    - *livelock*: views go on changing and nothing is executed;
    - *deadlock*: nobody even tries.
    """

    def __init__(self, context: CheckContext) -> None:
        self._context = context
        self._views: set[View] = set()

    def progressed(self) -> None:
        """A height was executed for the first time."""
        self._views.clear()

    def view_change_started(self, record: Reached) -> None:
        """An honest validator gave up on a view."""
        self._views.add(record.view)

    def connected(self, end: RunEnd) -> frozenset[NodeId]:
        """The validators of the largest group that is up and can talk."""
        up = [node for node, status in sorted(end.nodes.items()) if status.up]
        largest = up if not end.reachable else []
        for group in end.reachable:
            running = [node for node in group if node in up]
            largest = max(largest, running, key=len)
        return frozenset(largest)

    def classify(self, end: RunEnd) -> str:
        """The kind of the stall and what each node waits for."""
        return f"{self._kind(end)}; {self._waits(end)}"

    def _kind(self, end: RunEnd) -> str:
        committee = end.committee or self._context.committee
        hostile = sum(id_ not in self._context.honest for id_ in committee.ids)
        if hostile > committee.f:
            return f"lost state beyond the model ({hostile} hostile, at most {committee.f} allowed)"
        connected = sum(id_ in committee for id_ in self.connected(end))
        if connected < committee.quorum:
            return (
                f"no quorum possible ({connected} of {committee.n} validators are up and "
                f"connected, {committee.quorum} are needed)"
            )
        if len(self._views) >= 2:
            return f"livelock ({len(self._views)} views tried since the last block)"
        return "deadlock"

    def _waits(self, end: RunEnd) -> str:
        words = []
        for node, status in sorted(end.nodes.items()):
            if not status.up:
                words.append(f"{node} is down")
            else:
                view = f"view {status.view}" if status.active else f"changing to {status.view}"
                wait = f", waits for {status.waits_for}" if status.waits_for else ""
                words.append(f"{node} at height {status.executed}, {view}{wait}")
        more = len(words) - NODES_NAMED
        return "; ".join(words[:NODES_NAMED]) + (f"; and {more} more" if more > 0 else "")
