"""The event log, and the properties, each green until it isn't."""

from __future__ import annotations

from chainsim.dashboard.rows import Row, cells, row, span, wrapped
from chainsim.dashboard.scene import Property, Scene
from chainsim.dashboard.wording import clock, worded
from chainsim.trace import FaultChanged, Record


def log(scene: Scene, width: int, height: int) -> list[Row]:
    """The newest at the bottom; with a filter, everything that matches, else the news."""
    found = _matching(scene)
    end = len(found) - min(scene.log_back, max(0, len(found) - height))
    rows = [_event(scene, record, width) for record in found[max(0, end - height) : end]]
    if not rows:
        nothing = f" nothing matches {scene.filter!r}" if scene.filter else " nothing yet"
        rows.append(row(span(nothing, "dim")))
    return rows


def _matching(scene: Scene) -> list[Record]:
    if not scene.filter:
        return list(scene.model.news)
    words = scene.filter.lower().split()
    return [r for r in scene.model.log if _matches(r, words)]


def _matches(record: Record, words: list[str]) -> bool:
    text = f"{record.node} {worded(record)[2]}".lower()
    return all(word in text for word in words)


def _event(scene: Scene, record: Record, width: int) -> Row:
    mark, style, text = worded(record)
    if isinstance(record, FaultChanged) and record.index < len(scene.cast.faults):
        planned = scene.cast.faults[record.index]
        # Who is cut off from whom says more than that all are concerned.
        text = text if "|" not in planned.what else f"{text.partition(':')[0]}: {planned.what}"
    who = f"{cells(record.node, 10)} " if record.node else ""
    at = f"{clock(record.at_us):>9} "
    return row(span(at, "dim"), span(f"{mark} ", style), who, span(cells(text, width - 23), style))


def properties(scene: Scene, width: int, height: int) -> list[Row]:
    """Broken ones first, in full; the others as room allows."""
    broken = [p for p in scene.properties if p.breaches]
    fine = [p for p in scene.properties if not p.breaches]
    rows: list[Row] = []
    for each in broken:
        rows += _broken(each, width)
    if height - len(rows) >= len(fine):
        rows += [_fine(each, width) for each in fine]
    elif fine:
        names = " ".join(f"✓ {each.name}" for each in fine)
        rows += [row(span(f" {line}", "ok")) for line in wrapped(names, width - 2, height)]
    return rows[:height]


def _fine(each: Property, width: int) -> Row:
    verdict = f"  {each.verdict}" if each.verdict else ""
    return row(span(f" ✓ {each.name:<24}", "ok"), span(cells(verdict, max(0, width - 28)), "dim"))


def _broken(each: Property, width: int) -> list[Row]:
    many = f" ({each.breaches} times)" if each.breaches > 1 else ""
    first = row(span(cells(f" ✗ {each.name} IS VIOLATED{many}", width), "alarm"))
    lines = wrapped(each.first, width - 6, 3)
    return [first, *(row(span(f"     {line}", "bad")) for line in lines)]
