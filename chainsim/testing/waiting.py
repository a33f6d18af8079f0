"""What ``run_until`` can wait for."""

from __future__ import annotations

from typing import Final

from chainsim.trace import Executed, NodeChanged, Persisted, Reached, Record, TimerExpired
from chainsim.trace import Final as FinalRecord
from consensus.types import NodeId, Sequence, View
from scenarios.schema import MILESTONES

EVENTS: Final = (
    *MILESTONES,
    "executed",
    "height",
    "final",
    "timer-fired",
    "persisted",
    "up",
    "down",
)
"""Milestones of the protocol and, as in a fault's ``when``, executed, height, timer-fired and
persisted; ``final``: a client has its answer; ``up`` and ``down``: a process.

They are met when the trace tells them: what a validator reached, once a power cut can't undo it.
To strike before its fsync, give the scenario a fault with ``when``."""


class Watch:
    """Counts records that match; true once there were ``count`` of them."""

    def __init__(
        self,
        event: str,
        node: NodeId | None,
        view: View | None,
        sequence: Sequence | None,
        count: int,
    ) -> None:
        self._event: Final = event
        self._node: Final = node
        self._view: Final = view
        self._sequence: Final = sequence
        self._left = count

    def __call__(self, record: Record) -> bool:
        if self._matches(record):
            self._left -= 1
        return self._left <= 0

    def _matches(self, record: Record) -> bool:
        if self._node is not None and record.node != self._node:
            return False
        event = self._event
        match record:
            case Reached():
                return record.event == event and self._slot(record.view, record.sequence)
            case Executed(replayed=False):
                if event == "height":
                    return self._sequence is None or record.sequence >= self._sequence
                view = record.block.certificate.view if record.block is not None else 0
                return event == "executed" and self._slot(view, record.sequence)
            case FinalRecord():
                return event == "final" and self._sequence in (None, record.number)
            case TimerExpired():
                return event == "timer-fired"
            case Persisted():
                return event == "persisted"
            case NodeChanged(state=state):
                return event == state
            case _:
                return False

    def _slot(self, view: View, sequence: Sequence) -> bool:
        return self._view in (None, view) and self._sequence in (None, sequence)

    def __str__(self) -> str:
        parts = [f'"{self._event}"']
        if self._node is not None:
            parts.append(f"at {self._node}")
        if self._view is not None:
            parts.append(f"in view {self._view}")
        if self._sequence is not None:
            parts.append(f"for sequence {self._sequence}")
        if self._left > 1:
            parts.append(f"({self._left} times more)")
        return " ".join(parts)
