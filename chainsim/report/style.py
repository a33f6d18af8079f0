"""How figures look: colours that colour-blind people tell apart, each with a dash or hatch too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bokeh.core.properties import value
from bokeh.models import HoverTool, Range1d
from bokeh.plotting import figure

INK: Final = "#1f2933"
MUTED: Final = "#52606d"
GRID: Final = "#e4e7eb"

BLUE: Final = "#0072b2"
VERMILION: Final = "#d55e00"
GREEN: Final = "#00785a"
PURPLE: Final = "#a23b86"
SKY: Final = "#2b8cc4"
BROWN: Final = "#7a5c00"
RED: Final = "#b00020"
VIOLET: Final = "#5b3a9e"
GREY: Final = "#6b7785"

SERIES: Final = (BLUE, VERMILION, GREEN, PURPLE, BROWN, VIOLET, RED, SKY, GREY, INK)
DASHES: Final = ("solid", "dashed", "dotted", "dotdash", "dashdot")
HATCHES: Final = ("blank", "/", ".", "x", "-", "\\", "|", "+")

FONT: Final = "system-ui, sans-serif"
GLYPH_FONT: Final = value(FONT)
"""Where a plain text would be taken for the name of a column."""


BOXES: Final = 3_000
"""Boxes of one kind in a figure at most: a page stays small, whatever flaps in its run."""


class Stroke:
    """How the messages of a type are drawn."""

    def __init__(self, colour: str, dash: str, width: float = 1.2) -> None:
        self.colour, self.dash, self.width = colour, dash, width


STROKES: Final[dict[str, Stroke]] = {
    "request": Stroke(SKY, "dashed"),
    "pre-prepare": Stroke(VERMILION, "solid", 2.2),
    "prepare": Stroke(BLUE, "solid"),
    "commit": Stroke(GREEN, "solid"),
    "reply": Stroke(PURPLE, "dashed"),
    "checkpoint": Stroke(BROWN, "dotdash"),
    "view-change": Stroke(RED, "solid", 2.2),
    "new-view": Stroke(RED, "dashed", 2.2),
    "status": Stroke(GREY, "dotted"),
    "certified-batch": Stroke(VIOLET, "dotdash"),
    "fetch-view-change": Stroke(VIOLET, "dotted"),
}
"""Types of the shipped protocol, in the order in which a transaction meets them."""


def stroke(kind: str) -> Stroke:
    """Of any type; unknown ones (a protocol of one's own) look alike."""
    return STROKES.get(kind, Stroke(INK, "dashdot"))


def ordered(kinds: Iterable[str]) -> list[str]:
    """Types in the order of ``STROKES``, unknown ones after them by name."""
    kinds = frozenset(kinds)
    return [kind for kind in STROKES if kind in kinds] + sorted(kinds - STROKES.keys())


def plot(height: int, label: str, **options: Any) -> Any:
    """An empty figure as wide as the page; ``label`` is what its y axis says."""
    tools = options.pop("tools", "xpan,xwheel_zoom,box_zoom,reset")
    drawn = figure(
        height=height,
        sizing_mode="stretch_width",
        tools=tools,
        toolbar_location="right",
        y_axis_label=label,
        min_border_right=14,
        **options,
    )
    drawn.toolbar.logo = None
    drawn.outline_line_color = None
    drawn.grid.grid_line_color = GRID
    for axis in drawn.axis:
        axis.axis_line_color = GRID
        axis.major_tick_line_color = axis.minor_tick_line_color = GRID
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_color = axis.major_label_text_color = MUTED
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
    return drawn


def timed(height: int, label: str, span_s: float, **options: Any) -> Any:
    """A figure over virtual time, which ends where the run does."""
    if "x_range" not in options:
        options["x_range"] = whole(span_s)
    drawn = plot(height, label, x_axis_label="virtual time (s)", **options)
    drawn.xaxis.formatter.use_scientific = False
    return drawn


def whole(span_s: float) -> Range1d:
    """The time axis of a run, with a little air."""
    span_s = max(span_s, 0.001)
    air = span_s * 0.01
    return Range1d(-air, span_s + air, bounds=(-air, span_s + air), min_interval=1e-5)


def legend(drawn: Any, place: str = "above") -> None:
    """Puts the legend beside the plot; a click on an entry hides what it names."""
    found = drawn.legend
    found.location = "left"
    found.orientation = "horizontal"
    found.click_policy = "hide"
    found.border_line_color = None
    found.label_text_font = FONT
    found.label_text_font_size = "12px"
    found.label_text_color = INK
    found.padding = 0
    found.spacing = 14
    found.margin = 2
    found.ncols = 8
    drawn.add_layout(found[0], place)


def longest(intervals: list[Any], limit: int = BOXES) -> list[Any]:
    """Of rows that hold (…, from, until, …) at 1 and 2, those that last longest, in order."""
    if len(intervals) <= limit:
        return intervals
    order = sorted(range(len(intervals)), key=lambda n: intervals[n][1] - intervals[n][2])
    return [intervals[number] for number in sorted(order[:limit])]


def hover(drawn: Any, renderers: list[Any], tooltips: list[tuple[str, str]]) -> None:
    """Tells what is under the pointer."""
    drawn.add_tools(HoverTool(renderers=renderers, tooltips=tooltips, point_policy="follow_mouse"))


def seconds(us: int) -> float:
    """For axes, which are in seconds."""
    return us / 1_000_000
