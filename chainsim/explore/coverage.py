"""Coverage: what happened in a run, so that a sweep in which nothing happened says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from chainsim.checks import COVERAGE
from chainsim.run_result import RunResult
from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    NodeChanged,
    Reached,
    Record,
    Recorder,
    TimerExpired,
)

WANTED: Final = (
    "view-change",
    "checkpoint",
    "timeout",
    "null-request",
    "crash",
    "restart",
    "misbehaviour",
)
"""What a sweep of any length should have seen, besides each kind of fault that may be drawn."""


class Coverage:
    """Collects names of ``chainsim.checks.COVERAGE``, milestones, kinds of faults, and types of
    messages that were sent (as ``message:fetch-batch``)."""

    def __init__(self, recorder: Recorder) -> None:
        self._seen: dict[str, None] = {}
        self._down: set[str] = set()
        readers: dict[type[Record], Callable[[Any], None]] = {
            Reached: self._reached,
            Executed: self._executed,
            TimerExpired: self._timer,
            NodeChanged: self._node,
            FaultChanged: self._fault,
            Accused: self._accused,
        }
        for kind, reader in readers.items():
            recorder.subscribe(kind, reader)

    def seen(self, result: RunResult) -> tuple[str, ...]:
        """All names, sorted, once the run is over."""
        messages = result.messages
        names = [f"message:{kind}" for kind, count in messages.sent.items() if count]
        names += [f"dropped:{cause}" for cause, count in messages.dropped_by_cause.items() if count]
        return tuple(sorted({*self._seen, *names}))

    def _reached(self, record: Reached) -> None:
        self._seen[record.event] = None
        if record.event == "new-view-entered" and record.view > 0:
            self._seen["view-change"] = None
        elif record.event == "checkpoint-stable":
            self._seen["checkpoint"] = None
        elif record.event == "state-transferred":
            self._seen["state-transfer"] = None

    def _executed(self, record: Executed) -> None:
        self._seen["block" if record.transactions else "null-request"] = None

    def _timer(self, record: Record) -> None:
        if COVERAGE["timeout"](record, set()):
            self._seen["timeout"] = None

    def _node(self, record: NodeChanged) -> None:
        if record.state == "down":
            self._down.add(record.node)
            self._seen["crash"] = None
        elif record.state == "up" and record.node in self._down:
            self._seen["restart"] = None

    def _fault(self, record: FaultChanged) -> None:
        self._seen[f"fault:{record.kind}"] = None

    def _accused(self, _record: Accused) -> None:
        self._seen["misbehaviour"] = None
