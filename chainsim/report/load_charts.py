"""Figures of what the run cost: traffic and CPU."""

from __future__ import annotations

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
)

from chainsim.report import style
from chainsim.report.observed import Observed
from chainsim.report.style import seconds

WORK: Final = ("sign", "verify", "execute")


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
