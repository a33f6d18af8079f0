"""The network as a matrix, and why messages were lost."""

from __future__ import annotations

from typing import Final

from chainsim.dashboard.rows import Row, cells, joined, row, span, wrapped
from chainsim.dashboard.scene import Scene

MOST_IN_MATRIX: Final = 24
STYLES: Final = {"·": "dim", "✗": "alarm", "~": "warn", " ": ""}


def network(scene: Scene, width: int, height: int) -> list[Row]:
    """Who reaches whom (from a row to a column), then the sides, then losses."""
    rows: list[Row] = []
    n = len(scene.cast.seats)
    step = 3 if width >= 24 + 3 * n else 2
    if n <= MOST_IN_MATRIX and 15 + step * n <= width and n + 1 <= height:
        rows += _matrix(scene, step)
    rows += _sides(scene, width)
    probe = scene.probe
    lost = ", ".join(f"{cause} {count:,}" for cause, count in probe.causes[:4])
    rows.append(row(span(f" {probe.messages:,} sent, {probe.dropped:,} lost", "dim")))
    if lost:
        rows.append(row(span(f" lost by {lost}", "dim")))
    return rows[:height]


def _matrix(scene: Scene, step: int) -> list[Row]:
    ids = scene.cast.ids
    numbers = "".join(f"{place + 1:>{step}}" for place in range(len(ids)))
    rows = [row(span(f" {'from / to':<13}{numbers}", "head"))]
    for place, (node, marks) in enumerate(zip(scene.probe.nodes, scene.probe.lines, strict=True)):
        name = row(span(f" {place + 1:>2} {cells(node.id, 10)}", "" if node.up else "bad"))
        if not node.up:
            rows.append((*name, span("  down", "bad")))
            continue
        line = joined(row(" " * (step - 1), span(mark, STYLES[mark])) for mark in marks)
        rows.append((*name, *line))
    return rows


def _sides(scene: Scene, width: int) -> list[Row]:
    """Who can talk with whom."""
    if len(scene.groups) > 1:
        words = "≠ SPLIT " + " | ".join(", ".join(group) for group in scene.groups)
        return [row(span(f" {line}", "bad")) for line in wrapped(words, width - 1, 3)]
    marks = "".join(scene.probe.lines)
    if "✗" in marks:
        return [row(span(f" ✗ {marks.count('✗')} of the lines are cut", "warn"))]
    if "~" in marks:
        return [row(span(f" ~ {marks.count('~')} of the lines are impaired", "warn"))]
    return [row(span(" · all lines are open", "ok"))]
