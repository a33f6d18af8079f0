"""The order in which a node went through what happened to it.

The trace tells what a node reached once that is durable (rule 23), and says at once what arrives.
So a vote that came after a decision, and before its fsync, stands before it in the trace. Who asks
whether the node was entitled to decide has to know what it had heard *then*.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from chainsim.trace import (
    Accused,
    Executed,
    Installed,
    MessageMoved,
    NodeChanged,
    Reached,
    Record,
    TimerExpired,
    Withheld,
)
from consensus.types import NodeId

LATER: Final = frozenset((Reached, Executed, Installed, TimerExpired, Accused))
"""Types of records that may be withheld."""


class LivedOrder:
    """Passes records on, those of what arrives at a node behind what it has reached before.

    What is withheld is never passed on before it is told: what a crash undoes never was.
    """

    def __init__(self, pass_on: Callable[[Record], None]) -> None:
        self._pass_on: Final = pass_on
        self._waiting: Final[dict[NodeId, deque[MessageMoved | None]]] = {}
        """By node: what arrived, and None in the place of what is withheld, the first of them."""

    def take(self, record: Record) -> None:
        """One record, in trace order."""
        kind = type(record)
        if kind is Withheld:
            self._waiting.setdefault(record.node, deque()).append(None)
            return
        waiting = self._waiting.get(record.node)
        if not waiting:
            self._pass_on(record)
        elif type(record) is MessageMoved and record.what == "delivered":
            waiting.append(record)
        elif kind in LATER:
            waiting.popleft()
            self._pass_on(record)
            self._catch_up(waiting)
        else:
            if type(record) is NodeChanged and record.state == "down":
                self._lose(waiting)
            self._pass_on(record)

    def _catch_up(self, waiting: deque[MessageMoved | None]) -> None:
        """What arrived before the next that is withheld."""
        while waiting and waiting[0] is not None:
            self._pass_on(waiting[0])
            waiting.popleft()

    def _lose(self, waiting: deque[MessageMoved | None]) -> None:
        """The node forgets; that something had reached it stays true."""
        for arrival in waiting:
            if arrival is not None:
                self._pass_on(arrival)
        waiting.clear()
