"""What the page says in words and numbers: plain values for its template.

Every number that the run's ``summary.json`` holds is shown as it stands there, with the place that
it has in that file (``path``), so that a test can hold the page against the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from chainsim.quantities import per_second, percent, seconds
from chainsim.report.observed import Observed
from chainsim.report.style import DASHES, ordered, stroke
from chainsim.report.timeline import Moment
from chainsim.report.words import fault_words
from chainsim.run_summary import Auction, Beside, RunSummary, Settlement

MOMENTS: Final = 150
"""Moments listed at most."""

BURST_US: Final = 150_000
"""What several nodes do within so short a time is one line."""

DASHED: Final = {
    "solid": "",
    "dashed": "6 4",
    "dotted": "2 3",
    "dotdash": "2 3 6 3",
    "dashdot": "6 3 2 3",
}
"""For SVG: what Bokeh's dashes look like."""
assert DASHED.keys() == frozenset(DASHES)


class Number(msgspec.Struct, frozen=True):
    """A number of the summary."""

    label: str
    text: str
    value: Any
    path: str
    """Where it stands in ``summary.json``."""


def headline(summary: RunSummary) -> list[Number]:
    """The figures at the top of the page."""
    work, sent, took = summary.transactions, summary.messages, summary.finality_us
    rows = [
        _count("height", summary.height, "height"),
        _time("simulated", summary.virtual_time_us, "virtual_time_us"),
        _count("submitted", work.submitted, "transactions.submitted"),
        _count("transactions final", work.final, "transactions.final"),
        _count("refused", work.failed, "transactions.failed"),
        _time("finality p50", took.p50, "finality_us.p50"),
        _time("finality p99", took.p99, "finality_us.p99"),
        _time("slowest", took.max, "finality_us.max"),
        _count("view changes", summary.view_changes, "view_changes"),
        _count("messages sent", sent.sent, "messages.sent"),
        _count("delivered", sent.delivered, "messages.delivered"),
        _count("dropped", sent.dropped, "messages.dropped"),
    ]
    return [row for row in rows if row.value is not None]


def beside(found: Beside | None) -> list[tuple[Number, Number, str]]:
    """Each figure of the run, the undisturbed run's, and the first in terms of the second."""
    if found is None:
        return []
    one, other = found.disturbed, found.undisturbed
    rates = one.throughput_per_hour, other.throughput_per_hour
    rows = [(*_both("throughput", "throughput_per_hour", rates, per_second), percent(*rates))]
    for name in ("p50", "p99", "max"):
        times = getattr(one.finality_us, name), getattr(other.finality_us, name)
        pair = _both(f"finality {name}", f"finality_us.{name}", times, _seconds_or_never)
        rows.append((*pair, "-" if None in times else percent(*times)))
    for name in ("submitted", "final", "view_changes"):
        counts = getattr(one, name), getattr(other, name)
        rows.append((*_both(name.replace("_", " "), name, counts, "{:,}".format), ""))
    return rows


def _both(
    label: str, path: str, values: tuple[Any, Any], text: Callable[[Any], str]
) -> tuple[Number, Number]:
    names = ("disturbed", "undisturbed")
    one, other = (
        Number(label, text(value), value, f"beside.{name}.{path}")
        for name, value in zip(names, values, strict=True)
    )
    return one, other


def _seconds_or_never(us: int | None) -> str:
    return "never" if us is None else seconds(us)


def _count(label: str, value: int, path: str) -> Number:
    return Number(label, f"{value:,}", value, path)


def _time(label: str, value: int | None, path: str) -> Number:
    return Number(label, "" if value is None else seconds(value), value, path)


def traffic(observed: Observed) -> list[dict[str, Any]]:
    """By type: what the summary counts, how many bytes that was, and what was lost to what."""
    work = observed.workload
    rows = []
    for kind in ordered(observed.summary.messages.by_type):
        lost = {cause: n for (type_, cause), n in sorted(work.lost.items()) if type_ == kind}
        rows.append(
            {
                "type": kind,
                "sent": _count("sent", observed.summary.messages.by_type[kind], f"by_type.{kind}"),
                "bytes": work.sent_bytes[kind],
                "lost": ", ".join(f"{cause} {count:,}" for cause, count in lost.items()),
            }
        )
    return rows


def types(drawn: tuple[tuple[str, int, int], ...]) -> list[dict[str, Any]]:
    """What the diagram's filter offers."""
    return [
        {
            "name": kind,
            "count": count,
            "lost": lost,
            "colour": stroke(kind).colour,
            "dash": DASHED[stroke(kind).dash],
            "width": stroke(kind).width,
        }
        for kind, count, lost in drawn
    ]


def faults(summary: RunSummary) -> list[dict[str, Any]]:
    """As they acted."""
    return [
        {
            "what": fault_words(fault),
            "from_us": fault.from_us,
            "from": seconds(fault.from_us),
            "until": "the end" if fault.until_us is None else seconds(fault.until_us),
        }
        for fault in summary.faults
    ]


def moments(observed: Observed) -> tuple[list[dict[str, Any]], int]:
    """What stands out, bursts summed up; and how many lines are left out."""
    lines: list[dict[str, Any]] = []
    open_: dict[tuple[str, str], dict[str, Any]] = {}
    for moment in observed.timeline.moments:
        key = (moment.kind, _gist(moment))
        line = open_.get(key)
        if line is not None and moment.at_us - line["at_us"] < BURST_US:
            if moment.node not in line["nodes"]:
                line["nodes"].append(moment.node)
            continue
        line = {
            "at_us": moment.at_us,
            "at": seconds(moment.at_us),
            "kind": moment.kind,
            "nodes": [moment.node] if moment.node else [],
            "text": moment.text,
        }
        open_[key] = line
        lines.append(line)
    return lines[:MOMENTS], max(0, len(lines) - MOMENTS) + observed.timeline.left_out


def _gist(moment: Moment) -> str:
    """What it has in common with the same at another node."""
    return moment.text.partition(":")[0] if moment.kind == "view change" else moment.text


def settlement(settled: Settlement) -> list[dict[str, Any]]:
    """Every field of the settlement summary but the auctions: counts by name."""
    tables = []
    for name in settled.__struct_fields__:
        value = getattr(settled, name)
        if name == "auctions" or not value:
            continue
        plain = msgspec.to_builtins(value)
        rows = plain.items() if isinstance(plain, dict) else [("", plain)]
        tables.append(
            {
                "name": "DvP" if name == "dvp" else name.replace("_", " "),
                "rows": [(key, _readable(item), f"settlement.{name}.{key}") for key, item in rows],
            }
        )
    return tables


def _readable(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"{value:,}"


def auction(found: Auction) -> dict[str, Any]:
    """One auction's table: our figures, and the published ones where they differ or exist."""
    names = list(dict.fromkeys(name for row in found.rows for name in row.figures))
    return {
        "title": ": ".join(part for part in (found.series, found.title) if part),
        "state": found.state,
        "source": found.source,
        "compared": found.compared,
        "differing": found.differing,
        "totals": found.totals,
        "columns": names,
        "rows": [(row, [row.figures.get(name) for name in names]) for row in found.rows],
    }
