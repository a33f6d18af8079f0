"""The other figures: views and heights, finality, throughput, traffic and CPU."""

from __future__ import annotations

from math import log10
from typing import Any, Final

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    FixedTicker,
    LinearColorMapper,
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

WORK: Final = ("sign", "verify", "execute")


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
    drawn.varea(
        times / 1e6, low, high, fill_color=style.BLUE, fill_alpha=0.25, legend_label="between"
    )
    drawn.line(times / 1e6, high, line_color=style.BLUE, legend_label="highest")
    drawn.line(
        times / 1e6, low, line_color=style.VERMILION, line_dash="dashed", legend_label="lowest"
    )
    style.legend(drawn)


def _views(observed: Observed, span_s: float, x_range: Range1d) -> Any:
    """A row for each validator; hatched while it waits for the view."""
    rows: dict[str, list[Any]] = {key: [] for key in ("y", "left", "right", "text", "view")}
    hatch, colour = [], []
    for lane, views in enumerate(observed.timeline.views.values()):
        ends = [*(at_us for at_us, _, _ in views[1:]), observed.summary.virtual_time_us]
        for (at_us, view, active), end_us in zip(views, ends, strict=True):
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


def traffic(observed: Observed) -> Any:
    """Messages by type, as the summary counts them. None if nothing was sent."""
    by_type = observed.summary.messages.by_type
    kinds = style.ordered(by_type)
    if not kinds:
        return None
    drawn = style.plot(
        60 + 26 * len(kinds), "", y_range=kinds[::-1], tools="", x_axis_label="messages sent"
    )
    drawn.toolbar_location = None
    source = ColumnDataSource(
        {
            "type": kinds,
            "sent": [by_type[kind] for kind in kinds],
            "text": [f"{by_type[kind]:,}" for kind in kinds],
            "colour": [style.stroke(kind).colour for kind in kinds],
        }
    )
    drawn.hbar(
        y="type", right="sent", height=0.7, source=source, color="colour", alpha=0.75, name="bars"
    )
    drawn.text(
        "sent",
        "type",
        text="text",
        source=source,
        x_offset=5,
        text_baseline="middle",
        text_font=style.GLYPH_FONT,
        text_font_size="12px",
        text_color=style.INK,
    )
    drawn.x_range = Range1d(0, max(by_type.values()) * 1.12)
    drawn.xaxis.formatter.use_scientific = False
    drawn.ygrid.grid_line_color = None
    return drawn


def cpu(observed: Observed) -> Any:
    """What each validator's CPU did, by kind of work, and how busy it was over time."""
    nodes = list(observed.validators)
    work = {node: observed.workload.work.get(node, [0, 0, 0]) for node in nodes}
    drawn = style.plot(
        min(90 + 24 * len(nodes), 700),
        "",
        y_range=nodes[::-1],
        tools="",
        x_axis_label="CPU work (s of virtual time)",
        name="cpu",
    )
    drawn.toolbar_location = None
    data: dict[str, Any] = {"node": nodes}
    for kind, name in enumerate(WORK):
        data[name] = [seconds(work[node][kind]) for node in nodes]
    bars = drawn.hbar_stack(
        list(WORK),
        y="node",
        height=0.7,
        source=ColumnDataSource(data),
        color=[style.VERMILION, style.BLUE, style.GREEN],
        fill_alpha=0.65,
        hatch_pattern=["/", " ", "x"],
        hatch_color="white",
        line_color="white",
        legend_label=list(WORK),
    )
    style.hover(drawn, bars, [("$name", "@$name{0.000} s"), ("node", "@node")])
    drawn.x_range.start = 0
    drawn.ygrid.grid_line_color = None
    style.legend(drawn)
    return column(drawn, _busy(observed), sizing_mode="stretch_width")


def _busy(observed: Observed) -> Any:
    work = observed.workload
    nodes = observed.validators
    empty = [0] * work.bins
    share = np.array([work.busy.get(node, empty) for node in nodes], dtype=np.float32)
    share = np.minimum(share * (100 / work.bin_us), 100)
    top = max(float(share.max(initial=0)), 1.0)
    drawn = style.timed(
        min(80 + 22 * len(nodes), 620),
        "",
        seconds(observed.summary.virtual_time_us),
        y_range=Range1d(len(nodes) - 0.5, -0.5),
    )
    mapper = LinearColorMapper(palette=_shades(), low=0, high=top)
    image = drawn.image(
        [share],
        x=0,
        y=-0.5,
        dw=seconds(work.bin_us * work.bins),
        dh=len(nodes),
        color_mapper=mapper,
        origin="bottom_left",  # row 0 lies at the lowest y, which this axis has on top
        anchor="bottom_left",
    )
    step = -(-len(nodes) * 14 // 560)
    drawn.yaxis.ticker = FixedTicker(ticks=list(range(0, len(nodes), step)))
    drawn.yaxis.major_label_overrides = dict(enumerate(nodes))
    drawn.grid.grid_line_color = None
    bar = ColorBar(
        color_mapper=mapper,
        ticker=BasicTicker(desired_num_ticks=4),
        title="busy %",
        width=10,
        title_text_font=style.FONT,
        major_label_text_font=style.FONT,
    )
    drawn.add_layout(bar, "right")
    style.hover(drawn, [image], [("busy", "@image{0.0} %"), ("at", "$x{0.000} s")])
    return drawn


def _shades() -> list[str]:
    """White to dark blue, evenly lighter and darker, so that grey prints tell it too."""
    steps = 64
    light, dark = (247, 250, 252), (8, 48, 107)
    mixed = [
        tuple(round(a + (b - a) * step / (steps - 1)) for a, b in zip(light, dark, strict=True))
        for step in range(steps)
    ]
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in mixed]
