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
    TimerExpired,
)


def _view_change(record: Record) -> bool:
    return type(record) is Reached and record.event == "new-view-entered" and record.view > 0


def _checkpoint(record: Record) -> bool:
    return type(record) is Reached and record.event == "checkpoint-stable"


def _state_transfer(record: Record) -> bool:
    return type(record) is Reached and record.event.startswith("state-transfer")


def _timeout(record: Record) -> bool:
    return type(record) is TimerExpired and record.key.startswith(("request", "new-view"))


def _crash(record: Record) -> bool:
    return type(record) is NodeChanged and record.state == "down"


def _restart(record: Record) -> bool:
    return type(record) is NodeChanged and record.state == "up" and record.at_us > 0


def _block(record: Record) -> bool:
    return type(record) is Executed and record.transactions > 0


def _null_request(record: Record) -> bool:
    return type(record) is Executed and record.transactions == 0


def _retransmission(record: Record) -> bool:
    return type(record) is TimerExpired and record.key.startswith("retransmit")


def _misbehaviour(record: Record) -> bool:
    return type(record) is Accused


COVERAGE: Final[dict[str, Callable[[Record], bool]]] = {
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
    """Each named event happened at least once; the others are counted for the record."""

    name = "sometimes"
    kind = "coverage"
    subscribes = (Reached, Executed, TimerExpired, NodeChanged, FaultChanged, Accused)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._missing: dict[str, Callable[[Record], bool]] = {
            name: COVERAGE[name] for name in context.sometimes if name in COVERAGE
        }
        self._missing_names = {name for name in context.sometimes if name not in COVERAGE}
        self._seen: list[str] = []

    def on_record(self, record: Record) -> None:
        if self._missing:
            for name in [name for name, happened in self._missing.items() if happened(record)]:
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
