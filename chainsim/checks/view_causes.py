"""Why views change: hostile validators alone must not be able to move honest ones.

An honest validator leaves a view when a timer of its own ran out, when a NEW-VIEW for its pending
view is invalid, or when f+1 others did (rules 15, 18 to 20), and one of those is honest. So the
first honest one to go anywhere has a reason of its own. (FISCO-BCOS#2211: one VIEW-CHANGE was
enough, and views changed for ever.)
"""

from __future__ import annotations

from typing import Final

from chainsim.trace import Accused, Reached, TimerExpired
from consensus.messages import NewView
from consensus.types import NodeId, View

NO_REASON: Final = ("status", "batch", "held")
"""Timers that say nothing of a view; any other one, of whatever protocol, may be why it is left."""


class ViewCauses:
    """Follows what entitles whom to leave a view; only honest validators are told to it."""

    def __init__(self) -> None:
        self._entitled: dict[NodeId, None] = {}
        self._left_for: dict[NodeId, View] = {}
        self._bogus: dict[tuple[NodeId, View], None] = {}
        """Views whose NEW-VIEW a node has shown to be a lie."""

    def timer(self, record: TimerExpired) -> None:
        """A timer ran out. The view may be left somewhat later, when the CPU gets to it."""
        if not record.key.startswith(NO_REASON):
            self._entitled[record.node] = None

    def accused(self, record: Accused) -> None:
        """Somebody's lie was seen. One about a NEW-VIEW is a reason to leave that view whenever
        it comes to be the pending one: a lie is reported once."""
        self._entitled[record.node] = None
        first = None if record.evidence is None else record.evidence.first
        if isinstance(first, NewView):
            self._bogus[record.node, first.view] = None

    def groundless(self, record: Reached) -> bool:
        """Whether nobody honest had a reason for this start of a view change."""
        node, view = record.node, record.view
        own = node in self._entitled or (node, view - 1) in self._bogus
        self._entitled.pop(node, None)
        joined = any(
            other != node and left_for >= view for other, left_for in self._left_for.items()
        )
        self._left_for[node] = max(view, self._left_for.get(node, 0))
        return not own and not joined
