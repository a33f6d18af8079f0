"""Draws a scenario's timeline: an axis, how dense each load is, and when each fault acts.

Every line is a row of a table whose middle column is as wide as the chart, so that notes wrap
beside it and the chart stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chainsim.scenario_timeline import (
    Load,
    Planned,
    Window,
    horizon_us,
    loads,
    planned,
    tick_us,
)
from scenarios.schema import Scenario
from scenarios.units import show_duration

NARROWEST: Final = 24
WIDEST: Final = 120
COLUMNS_PER_TICK: Final = 9
WIDEST_NOTE: Final = 60
FULL: Final = 4
"""Transactions in a column that make the highest level, if no column has more."""


class Glyphs(msgspec.Struct, frozen=True):
    """What a chart is made of."""

    nothing: str
    once: str
    levels: str
    """Of load, from little to much."""
    acts: str
    moment: str
    on: str
    """The last cell of what never ends."""


UNICODE: Final = Glyphs("·", "•", "▁▂▃▄▅▆▇█", "█", "◆", "▶")
ASCII: Final = Glyphs(".", "o", "-+#", "#", "x", ">")


def timeline(scenario: Scenario, width: int, *, plain: bool) -> RenderableType:
    """The whole section, at most ``width`` columns wide; ``plain``: in ASCII."""
    load, faults = tuple(loads(scenario)), tuple(planned(scenario))
    drawn = tuple(fault for fault in faults if not fault.trigger)
    set_off = tuple(fault for fault in faults if fault.trigger)
    if not load and not faults:
        return Text("nothing happens", style="dim")
    chart = _Chart(load, drawn, scenario.duration, width, ASCII if plain else UNICODE)
    parts: list[RenderableType] = []
    if load or drawn:
        parts.append(chart.table(load, drawn))
    if set_off:
        parts.append(Text("\nset off by what happens, at no time of their own", style="dim"))
        parts.append(_events(set_off))
    return Group(*parts)


class _Chart:
    """One scale for all lines."""

    def __init__(
        self,
        load: Sequence[Load],
        faults: Sequence[Planned],
        duration_us: int,
        width: int,
        glyphs: Glyphs,
    ) -> None:
        self._glyphs = glyphs
        self._duration_us = duration_us
        lines: list[Load | Planned] = [*load, *faults]
        left = max((len(line.label) for line in lines), default=0)
        note = min(max((len(line.note) for line in lines), default=0), WIDEST_NOTE, width * 2 // 5)
        self._width = min(max(NARROWEST, width - left - note - 4), WIDEST)
        self._end_us = horizon_us(load, faults, duration_us)

    def table(self, load: Sequence[Load], faults: Sequence[Planned]) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, width=self._width)
        table.add_column(style="dim", overflow="fold")
        longest = show_duration(self._duration_us)
        cut = "" if self._end_us == self._duration_us else f"(ends by {longest})"
        table.add_row("", self._axis(), cut)
        for line in load:
            table.add_row(line.label, self._density(line.times_us), line.note)
        for fault in faults:
            table.add_row(fault.label, self._bars(fault), fault.note)
        return table

    def _axis(self) -> Text:
        """Labels that begin where their moment is."""
        cells = [" "] * self._width
        step_us = tick_us(self._end_us, max(1, self._width // COLUMNS_PER_TICK))
        for at_us in range(0, self._end_us + 1, step_us):
            label = show_duration(at_us)
            column = at_us * self._width // self._end_us
            if column + len(label) <= self._width:
                cells[column : column + len(label)] = label
        return Text("".join(cells), style="dim")

    def _density(self, times_us: Iterable[int]) -> Text:
        counts = [0] * self._width
        for at_us in times_us:
            counts[self._column(at_us)] += 1
        most = max(counts)
        return _styled((self._level(count, most) for count in counts), self._glyphs, "green")

    def _level(self, count: int, most: int) -> str:
        glyphs = self._glyphs
        if not count:
            return glyphs.nothing
        if most == 1:
            return glyphs.once
        # Below that, a steady rate that falls between the columns would look like bursts.
        full = max(most, FULL)
        return glyphs.levels[-(-count * len(glyphs.levels) // full) - 1]

    def _bars(self, fault: Planned) -> Text:
        cells = [self._glyphs.nothing] * self._width
        for window in fault.windows:
            self._draw(cells, window)
        return _styled(cells, self._glyphs, "red" if fault.hostile else "yellow")

    def _draw(self, cells: list[str], window: Window) -> None:
        if window.from_us >= self._end_us:
            return
        first = self._column(window.from_us)
        if window.is_moment:
            cells[first] = self._glyphs.moment
            return
        endless = window.until_us is None or window.until_us > self._end_us
        last = self._width - 1
        if window.until_us is not None and not endless:
            last = max(first, self._column(window.until_us - 1))
        cells[first : last + 1] = self._glyphs.acts * (last + 1 - first)
        if endless:
            cells[last] = self._glyphs.on

    def _column(self, at_us: int) -> int:
        return min(at_us * self._width // self._end_us, self._width - 1)


def _styled(cells: Iterable[str], glyphs: Glyphs, style: str) -> Text:
    text = Text()
    for cell in cells:
        text.append(cell, style="dim" if cell == glyphs.nothing else style)
    return text


def _events(faults: Iterable[Planned]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column(style="dim")
    for fault in faults:
        table.add_row(fault.label, fault.trigger, fault.note)
    return table
