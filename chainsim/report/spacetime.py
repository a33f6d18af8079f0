"""The space-time diagram: a lane for each node, a line for each message from sender to receiver.

The page's script (``page.js``) finds what it filters and what is clicked by the names given here:
``messages/TYPE`` and ``lost/TYPE`` are the renderers of a type.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    BooleanFilter,
    BoxZoomTool,
    CDSView,
    ColumnDataSource,
    FixedTicker,
    PanTool,
    Range1d,
    RangeTool,
    ResetTool,
    TapTool,
    WheelZoomTool,
)

from chainsim.report import backdrop, style
from chainsim.report.backdrop import lanes_of, lowest
from chainsim.report.messages import Flight
from chainsim.report.observed import Observed
from chainsim.report.style import seconds

LANE: Final = 17
"""Pixels between two lanes of clients, half of those of validators; fewer where there are many."""

TALLEST: Final = 900
SHORTEST: Final = 300

FIRST_LOOK: Final = 300
"""Messages in the window that is shown first."""

STUB: Final = 0.4
"""How much of its way a message is drawn that was lost at once."""

MARKS: Final = 6_000
"""Executed blocks that are marked at most."""


class Diagram(msgspec.Struct, frozen=True):
    """The figure, and what the page says about it."""

    model: Any
    types: tuple[tuple[str, int, int], ...]
    """(type, drawn, of which lost)"""
    window: tuple[float, float]
    """What is shown first, in seconds."""


def diagram(observed: Observed) -> Diagram:
    """Draws the messages of a run, with an overview to move about in."""
    span_s = seconds(observed.summary.virtual_time_us)
    lanes = lanes_of(observed)
    first, last = _window(observed)
    main = _empty(lanes, Range1d(first, last, bounds=(-0.05, span_s + 0.05), min_interval=1e-5))
    backdrop.primaries(main, observed, lanes, span_s)
    backdrop.faults(main, observed, lanes, span_s)
    backdrop.outages(main, observed, lanes, span_s)
    types = _messages(main, observed, lanes)
    _blocks(main, observed, lanes)
    overview = _overview(observed, span_s, main.x_range)
    model = column(overview, main, sizing_mode="stretch_width", name="space-time")
    return Diagram(model, types, (first, last))


def _empty(lanes: dict[str, int], x_range: Range1d) -> Any:
    height = min(TALLEST, max(SHORTEST, 70 + LANE * (lowest(lanes) + 1)))
    wheel = WheelZoomTool(dimensions="width")
    main = style.timed(
        height,
        "",
        0,
        x_range=x_range,
        y_range=Range1d(lowest(lanes), -1),
        tools=[PanTool(), wheel, BoxZoomTool(dimensions="width"), ResetTool(), TapTool()],
        active_scroll=wheel,
        output_backend="webgl",
        name="messages",
    )
    step = -(-lowest(lanes) * 7 // height)
    main.yaxis.ticker = FixedTicker(ticks=list(lanes.values())[::step])
    main.yaxis.major_label_overrides = {lane: node for node, lane in lanes.items()}
    main.yaxis.major_label_text_color = style.INK
    main.xgrid.grid_line_color = None
    return main


def _window(observed: Observed) -> tuple[float, float]:
    """Around the first thing that went wrong; else around the first messages."""
    sent = [flight.sent_us for flight in observed.messages.flights.values()]
    span_us = observed.summary.virtual_time_us
    at_us = next(
        (moment.at_us for moment in observed.timeline.moments if moment.kind == "view change"),
        observed.summary.faults[0].from_us if observed.summary.faults else None,
    )
    if observed.summary.first_violation is not None:
        at_us = observed.summary.first_violation.at_us
    if at_us is None or not sent or at_us > sent[-1]:
        at_us = sent[0] if sent else 0
    from_us = max(0, at_us - 15_000)
    after = [time for time in sent if time >= from_us]
    to_us = after[min(FIRST_LOOK, len(after)) - 1] if after else from_us
    to_us = min(max(to_us, from_us + 60_000), from_us + 2_000_000, max(span_us, 1000))
    return seconds(from_us), seconds(to_us)


def _messages(
    main: Any, observed: Observed, lanes: dict[str, int]
) -> tuple[tuple[str, int, int], ...]:
    by_type: dict[str, list[Flight]] = {}
    for flight in observed.messages.flights.values():
        by_type.setdefault(flight.type, []).append(flight)
    end_us = observed.summary.virtual_time_us
    found = []
    for kind in style.ordered(by_type):
        flights = by_type[kind]
        arrived = [flight for flight in flights if not flight.lost]
        lost = [flight for flight in flights if flight.lost]
        if arrived:
            _lines(main, kind, arrived, lanes, end_us)
        if lost:
            _losses(main, kind, lost, lanes)
        found.append((kind, len(flights), len(lost)))
    return tuple(found)


def _lines(main: Any, kind: str, flights: list[Flight], lanes: dict[str, int], end_us: int) -> None:
    ends = [flight.ended_us if flight.ended_us >= 0 else end_us for flight in flights]
    columns = _columns(flights, lanes)
    columns["t1"] = np.array(ends, dtype=np.float64) / 1e6
    columns["y1"] = np.array([lanes[flight.receiver] for flight in flights], dtype=np.float32)
    _segments(main, f"messages/{kind}", kind, columns, _thinness(lanes))


def _losses(main: Any, kind: str, flights: list[Flight], lanes: dict[str, int]) -> None:
    """Up to where each was lost, with a cross there; a part of the way if it never left."""
    columns = _columns(flights, lanes)
    starts = columns["y0"]
    ends = np.array([lanes[flight.receiver] for flight in flights], dtype=np.float32)
    at_once = np.array([flight.ended_us <= flight.sent_us for flight in flights])
    columns["y1"] = np.where(at_once, starts + (ends - starts) * STUB, ends).astype(np.float32)
    columns["t1"] = np.array([flight.ended_us for flight in flights], dtype=np.float64) / 1e6
    source = _segments(main, f"lost/{kind}", kind, columns, _thinness(lanes), 0.5)
    main.scatter(
        "t1",
        "y1",
        source=source.data_source,
        view=source.view,
        name=f"crosses/{kind}",
        marker="x",
        size=7,
        line_color=style.INK,
        line_width=1.4,
        nonselection_line_alpha=0.3,
    )


def _thinness(lanes: dict[str, int]) -> float:
    """Everybody sends to everybody: lines grow with the square of the lanes."""
    return min(1.0, max(0.4, 20 / (len(lanes) or 1)))


def _columns(flights: list[Flight], lanes: dict[str, int]) -> dict[str, Any]:
    return {
        "t0": np.array([flight.sent_us for flight in flights], dtype=np.float64) / 1e6,
        "y0": np.array([lanes[flight.sender] for flight in flights], dtype=np.float32),
        "content": np.array([flight.content for flight in flights], dtype=np.uint32),
    }


def _segments(
    main: Any,
    name: str,
    kind: str,
    columns: dict[str, Any],
    thinness: float,
    alpha: float = 0.75,
) -> Any:
    """``thinness``: of lines that would hide one another, below 1."""
    look = style.stroke(kind)
    width, alpha = look.width * thinness, alpha * thinness
    return main.segment(
        "t0",
        "y0",
        "t1",
        "y1",
        source=ColumnDataSource(columns),
        view=CDSView(filter=BooleanFilter()),
        name=name,
        line_color=look.colour,
        line_dash=look.dash,
        line_width=width,
        line_alpha=alpha,
        selection_line_width=width + 2.5,
        selection_line_alpha=1.0,
        nonselection_line_alpha=0.25,
    )


def _blocks(main: Any, observed: Observed, lanes: dict[str, int]) -> None:
    rows = [
        (at_us, lanes[node], height)
        for node, heights in observed.timeline.heights.items()
        for at_us, height in heights[1:]
    ]
    every = -(-len(rows) // MARKS) or 1
    rows = [row for row in rows if row[2] % every == 0]
    source = ColumnDataSource(
        {
            "t": np.array([row[0] for row in rows], dtype=np.float64) / 1e6,
            "y": np.array([row[1] for row in rows], dtype=np.float32),
            "height": np.array([row[2] for row in rows], dtype=np.uint32),
        }
    )
    marks = main.scatter(
        "t",
        "y",
        source=source,
        marker="square",
        size=7,
        fill_color="white",
        line_color=style.INK,
        line_width=1.2,
        nonselection_alpha=0.8,
        name="blocks",
    )
    style.hover(main, [marks], [("block executed", "@height"), ("at", "@t{0.000000} s")])


def _overview(observed: Observed, span_s: float, shown: Range1d) -> Any:
    """All messages over the whole run; the window of the diagram can be dragged in it."""
    work = observed.workload
    sent = [sum(bins[at] for bins in work.sent.values()) for at in range(work.bins)]
    overview = style.timed(
        110, "sent", span_s, tools="", x_range=style.whole(span_s), name="overview"
    )
    overview.yaxis.ticker.desired_num_ticks = 2
    width = seconds(work.bin_us)
    starts = [at * width for at in range(work.bins)]
    overview.quad(
        left=starts,
        right=[start + width for start in starts],
        bottom=0,
        top=sent,
        fill_color=style.BLUE,
        fill_alpha=0.55,
        line_color=None,
    )
    top = max([*sent, 1])
    overview.y_range = Range1d(0, top * 1.1)
    for fault in observed.summary.faults:
        until = span_s if fault.until_us is None else seconds(fault.until_us)
        overview.quad(
            left=[seconds(fault.from_us)],
            right=[until],
            bottom=0,
            top=top * 1.1,
            fill_color=style.RED,
            fill_alpha=0.05,
            hatch_pattern="/",
            hatch_color=style.RED,
            hatch_alpha=0.2,
            line_color=None,
        )
    tool = RangeTool(x_range=shown)
    tool.overlay.fill_color = style.INK
    tool.overlay.fill_alpha = 0.12
    tool.overlay.line_color = style.INK
    overview.add_tools(tool)
    overview.toolbar_location = None
    return overview
