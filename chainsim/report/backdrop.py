"""What lies behind the messages of the space-time diagram: lanes, primaries, faults, outages."""

from __future__ import annotations

from typing import Any

from bokeh.models import ColumnDataSource

from chainsim.report import style
from chainsim.report.observed import Observed
from chainsim.report.style import seconds
from chainsim.report.words import fault_words


def lanes_of(observed: Observed) -> dict[str, int]:
    """Node -> its y: validators on top, with twice the room."""
    count = len(observed.validators)
    return {
        node: 2 * number if number < count else count + number
        for number, node in enumerate(observed.nodes)
    }


def lowest(lanes: dict[str, int]) -> int:
    """The y below the last lane."""
    return max(lanes.values(), default=0) + 1


def primaries(main: Any, observed: Observed, lanes: dict[str, int], span_s: float) -> None:
    """A band on the lane of whoever leads, from the first entry into the view to the next's."""
    validators = observed.validators
    entered: dict[int, int] = {0: 0}
    for views in observed.timeline.views.values():
        for at_us, view, active in views:
            if active and at_us < entered.get(view, at_us + 1):
                entered[view] = at_us
    led = sorted(entered)
    starts = [seconds(entered[view]) for view in led]
    lane = [lanes[validators[view % len(validators)]] for view in led]
    source = ColumnDataSource(
        {
            "left": starts,
            "right": [*starts[1:], span_s],
            "top": [y - 0.45 for y in lane],
            "bottom": [y + 0.45 for y in lane],
            "text": [f"primary of view {view}" for view in led],
        }
    )
    band = main.quad(
        left="left",
        right="right",
        top="top",
        bottom="bottom",
        source=source,
        fill_color="#ffd97a",
        fill_alpha=0.55,
        line_color=None,
        level="underlay",
        name="primaries",
    )
    style.hover(main, [band], [("", "@text")])


def faults(main: Any, observed: Observed, lanes: dict[str, int], span_s: float) -> None:
    """Faults, hatched: over all lanes where the network is hit, else on those of the nodes."""
    boxes: list[tuple[str, float, float, float, float]] = []
    for fault in observed.summary.faults:
        until = span_s if fault.until_us is None else seconds(fault.until_us)
        hit = sorted(lanes[node] for node in fault.nodes if node in lanes)
        spans = [(lane - 0.8, lane + 0.8) for lane in hit]
        if not hit or len(hit) >= len(observed.validators):
            spans = [(-1, lowest(lanes))]
        boxes += [(fault_words(fault), seconds(fault.from_us), until, *span) for span in spans]
    rows = {
        key: [box[place] for box in style.longest(boxes)]
        for place, key in enumerate(("text", "left", "right", "top", "bottom"))
    }
    box = main.quad(
        left="left",
        right="right",
        top="top",
        bottom="bottom",
        source=ColumnDataSource(rows),
        fill_color=style.RED,
        fill_alpha=0.05,
        hatch_pattern="/",
        hatch_color=style.RED,
        hatch_alpha=0.16,
        hatch_scale=14,
        line_color=style.RED,
        line_alpha=0.5,
        level="underlay",
        name="faults",
    )
    style.hover(main, [box], [("fault", "@text")])
    main.text(
        "left",
        "top",
        text="text",
        source=ColumnDataSource(rows),
        text_font=style.GLYPH_FONT,
        text_font_size="11px",
        text_color=style.RED,
        text_baseline="top",
        x_offset=4,
        y_offset=2,
        level="annotation",
    )


def outages(main: Any, observed: Observed, lanes: dict[str, int], span_s: float) -> None:
    """Processes that are down or stand still, in grey."""
    found = [
        (
            lanes[outage.node],
            seconds(outage.from_us),
            seconds(outage.until_us) if outage.until_us >= 0 else span_s,
            f"{outage.node} is {outage.state}",
        )
        for outage in observed.timeline.outages
        if outage.node in lanes
    ]
    found = style.longest(found)
    source = ColumnDataSource(
        {
            "left": [left for _, left, _, _ in found],
            "right": [right for _, _, right, _ in found],
            "top": [lane - 0.8 for lane, _, _, _ in found],
            "bottom": [lane + 0.8 for lane, _, _, _ in found],
            "text": [text for _, _, _, text in found],
        }
    )
    box = main.quad(
        left="left",
        right="right",
        top="top",
        bottom="bottom",
        source=source,
        fill_color=style.INK,
        fill_alpha=0.14,
        hatch_pattern="x",
        hatch_color=style.INK,
        hatch_alpha=0.3,
        hatch_scale=10,
        line_color=style.INK,
        level="underlay",
        name="outages",
    )
    style.hover(main, [box], [("", "@text")])
