"""Trace records as lines of the event log, and numbers as a dashboard shows them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from chainsim import trace
from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    NodeChanged,
    Reached,
    Record,
    TimerExpired,
    Violation,
)

_STATES: Final = {
    "down": "process is down",
    "up": "process started",
    "paused": "process stands still",
    "resumed": "process goes on",
}

_REACHED: Final[dict[str, Callable[[Reached], str]]] = {
    "pre-prepare-accepted": lambda r: (
        f"accepted the proposal for height {r.sequence}, view {r.view}"
    ),
    "prepared": lambda r: f"prepared height {r.sequence}, view {r.view}",
    "committed": lambda r: f"committed height {r.sequence}, view {r.view}",
    "checkpoint-stable": lambda r: f"checkpoint {r.sequence} is stable",
    "view-change-started": lambda r: f"calls for view {r.view}: {r.cause or 'no cause given'}",
    "new-view-entered": lambda r: f"entered view {r.view}",
    "halted": lambda r: f"halted for good: {r.cause}",
}


def _reached(record: Reached) -> str:
    word = _REACHED.get(record.event)
    if word is not None:
        return word(record)
    return record.event.replace("-", " ") + (f": {record.cause}" if record.cause else "")


def _executed(record: Executed) -> str:
    count = f"{record.transactions} transaction{'s' if record.transactions != 1 else ''}"
    return f"block {record.sequence}: {count}"


def _fault(record: FaultChanged) -> str:
    whom = ", ".join(record.nodes)
    return f"{record.kind} {'begins' if record.active else 'is over'}{': ' if whom else ''}{whom}"


_WORDS: Final[dict[type[Record], tuple[str, str, Callable[[Any], str]]]] = {
    Executed: ("▪", "dim", _executed),
    Reached: ("•", "", _reached),
    TimerExpired: ("◷", "dim", lambda r: f"timer {r.key} ran out"),
    trace.Final: ("$", "", lambda r: f"request {r.number} final: {r.code}"),
    FaultChanged: ("!", "fault", _fault),
    NodeChanged: ("!", "fault", lambda r: _STATES.get(r.state, r.state)),
    Accused: ("‼", "bad", lambda r: f"proves that {r.culprit} lied: {r.kind}"),
    Violation: ("✗", "bad", lambda r: f"VIOLATED {r.check}: {r.detail}"),
}
"""Mark, style and words, by type of record."""

_VIEWS: Final = ("view-change-started", "new-view-entered")


def worded(record: Record) -> tuple[str, str, str]:
    """(mark, style, text) of a record; the text doesn't name the node."""
    mark, style, words = _WORDS[type(record)]
    if isinstance(record, Reached):
        if record.event in _VIEWS:
            mark, style = "⟳", "warn"
        elif record.event == "halted":
            mark, style = "✗", "bad"
        elif record.event == "checkpoint-stable":
            mark, style = "■", "dim"
    return mark, style, words(record)


def clock(at_us: int, digits: int = 3) -> str:
    """Virtual seconds, cut after ``digits`` places: ``12.345``."""
    whole, part = divmod(at_us, 1_000_000)
    return f"{whole}.{part:06d}"[: -(6 - digits) or None] if digits else str(whole)


def span(us: int | None) -> str:
    """A duration in at most six characters: ``850us``, ``12.3ms``, ``1.25s``; - for None."""
    if us is None:
        return "-"
    if us < 1_000:
        return f"{us}us"
    if us < 1_000_000:
        tenths = us // 100
        return f"{tenths // 10}.{tenths % 10}ms" if us < 100_000 else f"{us // 1_000}ms"
    hundredths = us // 10_000
    return f"{hundredths // 100}.{hundredths % 100:02d}s"


def amount(minor: int) -> str:
    """Minor units as a short number of units: ``1,521.15 m``, ``30.00 bn``."""
    units, sign = abs(minor) // 100, "-" if minor < 0 else ""
    for size, name in ((10**9, " bn"), (10**6, " m")):
        if units >= size:
            hundredths = units * 100 // size
            return f"{sign}{hundredths // 100:,}.{hundredths % 100:02d}{name}"
    return f"{sign}{units:,}.{abs(minor) % 100:02d}"


def sparkline(values: list[int | None]) -> str:
    """One character per value, by the largest; a gap for None."""
    top = max((value for value in values if value is not None), default=0)
    bars = "▁▂▃▄▅▆▇█"
    return "".join(
        " " if value is None else bars[0] if not top else bars[min(7, value * 8 // (top + 1))]
        for value in values
    )


def bar(part: int, whole: int, width: int) -> str:
    """``part`` of ``whole`` as a bar of ``width`` characters."""
    full = width if part >= whole else part * width // max(1, whole)
    return "■" * full + "□" * (width - full)
