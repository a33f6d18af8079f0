"""Breakpoints in words: ``prepared at sbp``, ``height 40``, ``view-change``, ``violation``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Any, Final

from chainsim import trace
from chainsim.dashboard.live_run import Condition
from chainsim.trace import Accused, Executed, FaultChanged, NodeChanged, Reached, Record

REACHED: Final = (
    "pre-prepare-accepted",
    "prepared",
    "committed",
    "checkpoint-stable",
    "view-change-started",
    "new-view-entered",
    "halted",
)

_OTHERS: Final[dict[str, Callable[[Any], bool]]] = {
    "executed": lambda r: type(r) is Executed and not r.replayed,
    "height": lambda r: type(r) is Executed and not r.replayed,
    "timer-fired": lambda r: type(r) is trace.TimerExpired,
    "final": lambda r: type(r) is trace.Final,
    "refused": lambda r: type(r) is trace.Final and r.code != "OK",
    "fault": lambda r: type(r) is FaultChanged,
    "down": lambda r: type(r) is NodeChanged and r.state == "down",
    "up": lambda r: type(r) is NodeChanged and r.state == "up",
    "accused": lambda r: type(r) is Accused,
    "view-change": lambda r: type(r) is Reached and r.event == "view-change-started",
}

EVENTS: Final = (*REACHED, *_OTHERS)
EXAMPLE: Final = "prepared at sbp, height 40, view-change, new-view-entered view 2, refused"


class BadBreakpoint(Exception):
    """The message says what was wanted."""


def parse(text: str, nodes: Collection[str]) -> Condition:
    """``EVENT [at NODE] [view N] [sequence N]``; ``height N`` is a height of at least N.

    Raises ``BadBreakpoint``.
    """
    words = text.split()
    event, rest = (words[0], words[1:]) if words else ("", [])
    if event not in EVENTS:
        raise BadBreakpoint(_unknown("event", event, EVENTS))
    if event == "height" and len(rest) == 1:
        rest = ["sequence", *rest]
    if len(rest) % 2:
        raise BadBreakpoint(f"wanted EVENT [at NODE] [view N] [sequence N], like: {EXAMPLE}")
    node = ""
    numbers: dict[str, int] = {}
    for key, value in zip(rest[::2], rest[1::2], strict=True):
        if key == "at":
            if value not in nodes:
                raise BadBreakpoint(_unknown("validator or client", value, nodes))
            node = value
        elif key in ("view", "sequence", "height") and value.isdecimal():
            numbers["view" if key == "view" else "sequence"] = int(value)
        else:
            raise BadBreakpoint(f'can\'t read "{key} {value}"; like: {EXAMPLE}')
    return _condition(event, node, numbers)


def _condition(event: str, node: str, numbers: dict[str, int]) -> Condition:
    wanted = _OTHERS.get(event)

    def holds(record: Record) -> bool:
        if wanted is not None:
            if not wanted(record):
                return False
        elif type(record) is not Reached or record.event != event:
            return False
        if node and record.node != node:
            return False
        for field, number in numbers.items():
            value = getattr(record, field, None)
            if value != number and not (event == "height" and value is not None and value > number):
                return False
        return True

    return holds


def _unknown(what: str, word: str, known: Collection[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; one of {', '.join(known)}"
    return f'no {what} is called "{word}"{hint}'
