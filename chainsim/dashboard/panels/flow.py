"""Time: finality and throughput as sparklines, and faults on a timeline."""

from __future__ import annotations

from chainsim.dashboard.facts import FaultRow, Planned
from chainsim.dashboard.rows import Row, cells, row, span
from chainsim.dashboard.scene import Scene
from chainsim.dashboard.wording import clock, sparkline
from chainsim.dashboard.wording import span as shown


def finality(scene: Scene, width: int, height: int) -> list[Row]:
    """p50 and p99 of finality, and transactions, per second of virtual time."""
    pulse, now_us = scene.model.pulse, scene.now_us
    p50, p99, transactions = pulse.recent(now_us)
    count = max(10, width - 30)
    waiting = pulse.submitted - pulse.finals
    lines = [
        ("finality p50", shown(p50), sparkline(pulse.percentiles(now_us, count, 50))),
        ("finality p99", shown(p99), sparkline(pulse.percentiles(now_us, count, 99))),
        (
            "transactions",
            f"{transactions / 10:.1f}/s",
            sparkline([*pulse.throughput(now_us, count)]),
        ),
    ]
    rows = [row(f" {name} {value:>8} ", span(drawn, "spark")) for name, value, drawn in lines]
    rows.append(
        row(
            f" {pulse.finals:,} of {pulse.submitted:,} final, ",
            span(f"{waiting} wait", "warn" if waiting > 50 else "dim"),
            span("; 1 s a column", "dim"),
        )
    )
    return rows[:height]


def timeline(scene: Scene, width: int, height: int) -> list[Row]:
    """Faults that were, are and will be, over the whole duration; │ is now."""
    faults = scene.cast.faults
    if not faults:
        return [row(span(" none planned: press c, i, b or f to do something", "dim"))]
    label = min(34, max(16, width * 2 // 5))
    chart = max(10, width - label - 3)
    ends = f"{clock(scene.cast.duration_us, 0)} s"
    rows = [row(span(f" {'':<{label}} 0 s{ends:>{chart - 3}}", "head"))]
    acted: dict[int, list[FaultRow]] = {}
    for each in scene.model.faults:
        acted.setdefault(each.index, []).append(each)
    order = sorted(range(len(faults)), key=lambda i: not _active(acted.get(i, [])))
    first = order if len(faults) > height - 1 else range(len(faults))
    for index in list(first)[: height - 1]:
        rows.append(_fault(scene, faults[index], acted.get(index, []), (label, chart)))
    return rows


def _active(windows: list[FaultRow]) -> bool:
    return any(each.until_us is None for each in windows)


def _fault(scene: Scene, fault: Planned, acted: list[FaultRow], form: tuple[int, int]) -> Row:
    label, chart = form
    duration_us = scene.cast.duration_us
    marks = ["·"] * chart

    def place(at_us: int) -> int:
        return min(chart - 1, at_us * chart // duration_us)

    def draw(from_us: int, until_us: int, mark: str) -> None:
        for cell in range(place(from_us), place(max(from_us, until_us - 1)) + 1):
            marks[cell] = mark

    if fault.from_us is not None:
        until_us = duration_us if fault.until_us is None else fault.until_us
        draw(max(fault.from_us, scene.now_us), max(until_us, fault.from_us), "░")
        if scene.now_us > until_us:
            marks = ["·"] * chart
    for each in acted:
        draw(each.from_us, each.until_us or scene.now_us, "█")
    active = _active(acted)
    now = place(scene.now_us)
    whom = fault.what
    name = cells(f"{'*' if fault.live else ''}{fault.kind} {whom}", label)
    style = "live" if fault.live else "fault"
    return row(
        span("!" if active else " ", "bad"),
        span(name, style if active else "" if not acted else "dim"),
        " ",
        span("".join(marks[:now]), style),
        span("│", "strong"),
        span("".join(marks[now + 1 :]), "dim"),
        span(" acts" if active else "", "bad"),
    )
