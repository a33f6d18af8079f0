"""Coverage: what a scenario says must have happened did happen, or the run proved nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chainsim.checks.base import Check
from chainsim.checks.context import CheckContext, RunEnd
from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    NodeChanged,
    Reached,
    Record,
    Signed,
    TimerExpired,
)
from consensus.types import NodeId

_Memory = set[tuple[NodeId, int]]
"""What a predicate wants to remember of earlier records."""


def _view_change(record: Record, _memory: _Memory) -> bool:
    return type(record) is Reached and record.event == "new-view-entered" and record.view > 0


def _checkpoint(record: Record, _memory: _Memory) -> bool:
    return type(record) is Reached and record.event == "checkpoint-stable"


def _state_transfer(record: Record, _memory: _Memory) -> bool:
    return type(record) is Reached and record.event == "state-transferred"


def _timeout(record: Record, _memory: _Memory) -> bool:
    return type(record) is TimerExpired and record.key.startswith(("request", "new-view"))


def _crash(record: Record, _memory: _Memory) -> bool:
    return type(record) is NodeChanged and record.state == "down"


def _restart(record: Record, memory: _Memory) -> bool:
    if type(record) is not NodeChanged:
        return False
    if record.state == "down":
        memory.add((record.node, 0))
    return record.state == "up" and (record.node, 0) in memory


def _block(record: Record, _memory: _Memory) -> bool:
    return type(record) is Executed and record.transactions > 0


def _null_request(record: Record, _memory: _Memory) -> bool:
    return type(record) is Executed and record.transactions == 0


def _retransmission(record: Record, memory: _Memory) -> bool:
    if type(record) is not Signed or record.type != "request":
        return False
    key = (record.node, record.sequence)
    again = key in memory
    memory.add(key)
    return again


def _misbehaviour(record: Record, _memory: _Memory) -> bool:
    return type(record) is Accused


COVERAGE: Final[dict[str, Callable[[Record, _Memory], bool]]] = {
    "view-change": _view_change,
    "checkpoint": _checkpoint,
    "state-transfer": _state_transfer,
    "timeout": _timeout,
    "crash": _crash,
    "restart": _restart,
    "block": _block,
    "null-request": _null_request,
    "retransmission": _retransmission,
    "misbehaviour": _misbehaviour,
}
"""Events that ``expect.sometimes`` can name; besides them any milestone's or fault's own name."""


class Sometimes(Check):
    """Each named event happened at least once."""

    name = "sometimes"
    kind = "coverage"
    subscribes: tuple[type[Record], ...] = (
        Reached,
        Executed,
        Signed,
        TimerExpired,
        NodeChanged,
        FaultChanged,
        Accused,
    )

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        names = context.sometimes
        self._missing = {name: _Memory() for name in names if name in COVERAGE}
        self._missing_names = {name for name in names if name not in COVERAGE}
        self._seen: list[str] = []
        if not names:
            self.subscribes = ()

    def on_record(self, record: Record) -> None:
        for name, memory in list(self._missing.items()):
            if COVERAGE[name](record, memory):
                del self._missing[name]
                self._seen.append(name)
        if self._missing_names:
            name = _own_name(record)
            if name in self._missing_names:
                self._missing_names.remove(name)
                self._seen.append(name)

    def at_end(self, end: RunEnd) -> None:
        for name in self.context.sometimes:
            if name in self._missing or name in self._missing_names:
                self.fail(
                    end.at_us, "", 0, f"never saw {name}: the run doesn't show what it should"
                )

    def held(self) -> str:
        return f"seen: {', '.join(self._seen)}" if self._seen else "nothing was asked for"


def _own_name(record: Record) -> str:
    if type(record) is Reached:
        return record.event
    if type(record) is FaultChanged and record.active:
        return record.kind
    return ""
