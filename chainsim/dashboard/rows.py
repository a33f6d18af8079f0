"""Rows of styled text: what panels are made of, and how rich turns one into a terminal's bytes.

A row is a tuple of (text, style name), so two frames can be compared, and a golden test can read
one. Only rows that changed are rendered; styles are names of ``THEME``. Nothing is told by
colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from io import StringIO
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text
from rich.theme import Theme

Span = tuple[str, str]
Row = tuple[Span, ...]

THEME: Final = Theme(
    {
        "ok": "green",
        "warn": "yellow",
        "fault": "magenta",
        "bad": "bold red",
        "alarm": "bold white on red",
        "calm": "bold green",
        "primary": "bold cyan",
        "title": "bold cyan",
        "rule": "dim cyan",
        "head": "dim",
        "dim": "dim",
        "strong": "bold",
        "selected": "reverse",
        "bar": "reverse",
        "key": "bold",
        "spark": "cyan",
        "live": "bold magenta",
    },
    inherit=True,
)

PLAIN: Final = str.maketrans(
    dict(
        zip(
            "★▶◀‖■□⟳✗✓≠·▪•◷‼█░▁▂▃▄▅▆▇│─…↑↓▸●",
            "*><|#-@X+/.-o%!#-__--==#|-.^v>o",
            strict=True,
        )
    )
)
"""For terminals whose encoding has none of these."""


def span(text: str, style: str = "") -> Span:
    """Text in one style."""
    return text, style


def row(*spans: Span | str) -> Row:
    """A row of spans; bare strings have no style."""
    return tuple((each, "") if isinstance(each, str) else each for each in spans)


def cells(text: object, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells, cut with … if need be."""
    text = str(text)
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(0, width - 1)) + "…" if width else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


def joined(parts: Iterable[Row], between: str = "") -> Row:
    """Rows one after the other, as one."""
    found: list[Span] = []
    for part in parts:
        if found and between:
            found.append((between, "dim"))
        found.extend(part)
    return tuple(found)


def wrapped(text: str, width: int, most: int) -> list[str]:
    """Words in at most ``most`` lines of ``width``; the last is cut with … if need be."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most:
        if len(lines) == most - 1 or cell_len(rest) <= width:
            lines.append(cells(rest, width).rstrip())
            break
        place = rest.rfind(" ", 0, width + 1)
        place = width if place <= 0 else place
        lines.append(rest[:place])
        rest = rest[place:].lstrip()
    return lines


def plain(one: Row) -> str:
    """The text of a row."""
    return "".join(text for text, _ in one)


class Painter:
    """Renders rows for one kind of terminal; remembers what it rendered."""

    def __init__(self, *, color: str | None, unicode: bool = True) -> None:
        """``color``: rich's name of a colour system (standard, 256, truecolor); None: only bold,
        faint and reverse."""
        self._console = Console(
            file=StringIO(),
            force_terminal=True,
            color_system=color or "standard",  # type: ignore[arg-type]
            no_color=color is None,
            theme=THEME,
            width=1000,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._unicode = unicode
        self.rendered = 0
        """Rows that weren't remembered."""
        self.paint = lru_cache(maxsize=4096)(self._paint)

    def _paint(self, one: Row, width: int) -> str:
        """A row as text with escape sequences, exactly ``width`` cells wide."""
        self.rendered += 1
        text = Text.assemble(*one, no_wrap=True, end="")
        text.truncate(width, overflow="ellipsis" if text.cell_len > width else None, pad=True)
        if not self._unicode:
            text.plain = text.plain.translate(PLAIN).encode("ascii", "replace").decode()
        with self._console.capture() as capture:
            self._console.print(text, end="", soft_wrap=True)
        return capture.get()
