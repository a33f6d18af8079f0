"""A frame as it should be, and the bytes that turn the terminal from the last frame into it.

Only rows of panels that changed are written, all in one write and as one synchronized update
(DEC private mode 2026; terminals that don't know it ignore it), so nothing flickers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from chainsim.dashboard.rows import Painter, Row

BEGIN: Final = "\x1b[?2026h"
END: Final = "\x1b[?2026l"
ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J\x1b[H"
"""Alternate screen, no cursor, no wrapping at the edge, all blank."""
LEAVE: Final = "\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"

Cell = tuple[int, int, int, Row]
"""(x, y, width, row)"""


class Screen:
    """Remembers what the terminal shows."""

    def __init__(self, painter: Painter) -> None:
        self._painter: Final = painter
        self._shown: dict[tuple[int, int, int], Row] = {}
        self._size = (0, 0)

    def forget(self) -> None:
        """What the terminal shows is unknown: the next frame is drawn anew."""
        self._shown = {}
        self._size = (0, 0)

    def update(self, width: int, height: int, rows: Iterable[Cell]) -> str:
        """What to write for this frame; empty if nothing changed. ``rows`` don't overlap."""
        wanted = {(x, y, wide): one for x, y, wide, one in rows if y < height}
        out: list[str] = []
        if self._size != (width, height):
            self._shown = {}
            self._size = (width, height)
            out.append("\x1b[0m\x1b[2J")
        # Places of the last frame that are none any more: what is there now is drawn over them.
        gone = [key for key in self._shown if key not in wanted]
        out += [f"\x1b[{y + 1};{x + 1}H\x1b[0m{' ' * wide}" for x, y, wide in gone]
        paint = self._painter.paint
        for key, one in wanted.items():
            if self._shown.get(key) == one or (not one and key not in self._shown):
                continue
            x, y, wide = key
            out.append(f"\x1b[{y + 1};{x + 1}H{paint(one, wide)}")
        self._shown = wanted
        return f"{BEGIN}{''.join(out)}\x1b[0m{END}" if out else ""
