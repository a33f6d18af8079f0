"""Figures of the chain over time: views and heights, finality, throughput."""

from __future__ import annotations

from math import log10
from typing import Any, Final

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    Range1d,
    Span,
)

from chainsim.report import style
from chainsim.report.observed import Observed
from chainsim.report.style import seconds

LINES: Final = 12
"""More validators than this are drawn as a band between the lowest and the highest."""

POINTS: Final = 700
"""Points of one line; more are thinned."""

DOTS: Final = 4_000
"""Requests drawn one by one at most: the slowest, and an even choice of the others."""


def heights(observed: Observed) -> Any:
    """The last block that each validator executed, and under it the view that each is in."""
    span_s = seconds(observed.summary.virtual_time_us)
    drawn = style.timed(240, "height", span_s, name="heights")
    if len(observed.validators) <= LINES:
        for number, (node, points) in enumerate(observed.timeline.heights.items()):
            times, values = _steps(points, observed.summary.virtual_time_us)
            drawn.step(
                times,
                values,
                mode="after",
                legend_label=node,
                line_color=style.SERIES[number % len(style.SERIES)],
                line_dash=style.DASHES[number % len(style.DASHES)],
                line_width=1.8,
            )
        style.legend(drawn)
    else:
        _band(drawn, observed)
    return column(
        drawn, _views(observed, span_s, drawn.x_range), sizing_mode="stretch_width", name="views"
    )


def _steps(points: list[tuple[int, int]], end_us: int) -> tuple[list[float], list[int]]:
    every = -(-len(points) // POINTS)
    kept = [*points[::every], *points[-1:]]
    times = [seconds(at_us) for at_us, _ in kept]
    return [*times, seconds(end_us)], [*(height for _, height in kept), kept[-1][1]]


def _band(drawn: Any, observed: Observed) -> None:
    """Lowest and highest of all validators, at even steps of time."""
    times = np.linspace(0, observed.summary.virtual_time_us, POINTS)
    rows = []
    for points in observed.timeline.heights.values():
        at = np.array([at_us for at_us, _ in points])
        height = np.array([height for _, height in points])
        rows.append(height[np.searchsorted(at, times, side="right") - 1])
    low, high = np.min(rows, axis=0), np.max(rows, axis=0)
    drawn.varea_step(
        times / 1e6,
        low,
        high,
        step_mode="after",
        fill_color=style.BLUE,
        fill_alpha=0.25,
        legend_label="between",
    )
    for label, values, colour, dash in (
        ("highest", high, style.BLUE, "solid"),
        ("lowest", low, style.VERMILION, "dashed"),
    ):
        drawn.step(
            times / 1e6,
            values,
            mode="after",
            line_color=colour,
            line_dash=dash,
            legend_label=label,
        )
    style.legend(drawn)


def _intervals(observed: Observed) -> list[tuple[int, int, int, int, bool]]:
    """(lane, from, until, view, whether active in it), of every validator."""
    found = []
    for lane, views in enumerate(observed.timeline.views.values()):
        ends = [*(at_us for at_us, _, _ in views[1:]), observed.summary.virtual_time_us]
        found += [
            (lane, at_us, end_us, view, active)
            for (at_us, view, active), end_us in zip(views, ends, strict=True)
        ]
    return found


def _views(observed: Observed, span_s: float, x_range: Range1d) -> Any:
    """A row for each validator; hatched while it waits for the view."""
    rows: dict[str, list[Any]] = {key: [] for key in ("y", "left", "right", "text", "view")}
    hatch, colour = [], []
    for lane, at_us, end_us, view, active in style.longest(_intervals(observed)):
        text = f"view {view}" if active else f"waits for view {view}"
        values = (lane, seconds(at_us), seconds(end_us), text, str(view))
        for key, value in zip(rows, values, strict=True):
            rows[key].append(value)
        hatch.append(" " if active else "/")
        colour.append(style.SERIES[view % len(style.SERIES)])
    nodes = observed.validators
    drawn = style.timed(
        min(70 + 22 * len(nodes), 600),
        "view",
        span_s,
        x_range=x_range,
        y_range=Range1d(len(nodes) - 0.4, -0.6),
    )
    source = ColumnDataSource({**rows, "hatch": hatch, "colour": colour})
    bars = drawn.hbar(
        y="y",
        left="left",
        right="right",
        height=0.8,
        source=source,
        fill_color="colour",
        fill_alpha=0.3,
        hatch_pattern="hatch",
        hatch_color=style.INK,
        hatch_alpha=0.6,
        line_color="white",
    )
    drawn.text(
        "left",
        "y",
        text="view",
        source=source,
        text_font=style.GLYPH_FONT,
        text_font_size="11px",
        text_color=style.INK,
        text_baseline="middle",
        x_offset=4,
    )
    step = -(-len(nodes) * 14 // 560)
    drawn.yaxis.ticker = FixedTicker(ticks=list(range(0, len(nodes), step)))
    drawn.yaxis.major_label_overrides = dict(enumerate(nodes))
    drawn.grid.grid_line_color = None
    style.hover(drawn, [bars], [("", "@text"), ("from", "@left{0.000} s")])
    return drawn


def finality(observed: Observed) -> Any:
    """How long requests took: the distribution, and each one over time. None if none is final."""
    rows = observed.workload.finality
    figures = observed.summary.finality_us
    if not rows or figures.p50 is None or figures.p99 is None:
        return None
    took = np.array([max(latency_us, 1) for _, latency_us, _ in rows], dtype=np.float64) / 1000
    low, high = log10(took.min() * 0.9), log10(took.max() * 1.1)
    counts, edges = np.histogram(took, bins=np.logspace(low, high, 50))
    drawn = style.plot(
        230, "requests", x_axis_type="log", x_axis_label="finality (ms)", name="finality"
    )
    drawn.xaxis.formatter.min_exponent = 6
    quads = drawn.quad(
        left=edges[:-1],
        right=edges[1:],
        bottom=0,
        top=counts,
        fill_color=style.BLUE,
        fill_alpha=0.6,
        line_color="white",
    )
    style.hover(drawn, [quads], [("requests", "@top"), ("ms", "@left{0.0} to @right{0.0}")])
    drawn.y_range.start = 0
    for name, value, dash in (("p50", figures.p50, "solid"), ("p99", figures.p99, "dashed")):
        drawn.add_layout(
            Span(
                location=value / 1000,
                dimension="height",
                line_color=style.VERMILION,
                line_dash=dash,
                line_width=2,
            )
        )
        drawn.text(
            [value / 1000],
            [counts.max()],
            text=[name],
            x_offset=4,
            text_color=style.VERMILION,
            text_font=style.GLYPH_FONT,
            text_font_size="12px",
            text_baseline="top",
        )
    return column(drawn, _requests(observed), sizing_mode="stretch_width")


def _requests(observed: Observed) -> Any:
    rows = observed.workload.finality
    if len(rows) > DOTS:
        slowest = sorted(rows, key=lambda row: row[1])[-DOTS // 4 :]
        rows = [*rows[:: -(-len(rows) * 4 // (DOTS * 3))], *slowest]
    drawn = style.timed(
        230,
        "finality (ms)",
        seconds(observed.summary.virtual_time_us),
        y_axis_type="log",
        output_backend="webgl",
    )
    drawn.yaxis.formatter.min_exponent = 6
    looks = ((True, "OK", "circle", style.BLUE), (False, "refused", "x", style.VERMILION))
    for ok, label, marker, colour in looks:
        chosen = [row for row in rows if row[2] is ok]
        if chosen:
            drawn.scatter(
                np.array([at_us for at_us, _, _ in chosen], dtype=np.float64) / 1e6,
                np.array([took for _, took, _ in chosen], dtype=np.float64) / 1e3,
                marker=marker,
                size=6 if ok else 9,
                color=colour,
                alpha=0.6,
                legend_label=label,
            )
    style.legend(drawn)
    return drawn


def throughput(observed: Observed) -> Any:
    """Requests sent for the first time, and final, per second."""
    work = observed.workload
    drawn = style.timed(
        210, "requests/s", seconds(observed.summary.virtual_time_us), name="throughput"
    )
    # Whole pieces of a readable width: single ones are mostly empty.
    merge = max(1, -(-work.bins // 80))
    width = seconds(work.bin_us) * merge
    for label, bins, colour, dash in (
        ("submitted", work.submitted, style.VERMILION, "dashed"),
        ("final", work.final, style.BLUE, "solid"),
    ):
        rates = [sum(bins[at : at + merge]) / width for at in range(0, len(bins), merge)]
        times = [number * width for number in range(len(rates) + 1)]
        drawn.step(
            times,
            [*rates, rates[-1]],
            mode="after",
            legend_label=label,
            line_color=colour,
            line_dash=dash,
            line_width=2,
        )
    drawn.y_range.start = 0
    style.legend(drawn)
    return drawn
