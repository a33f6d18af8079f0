"""Takes the pictures of the dashboard that the pages show: real runs on a pseudo-terminal.

    python -m tests.live.pictures

Each picture is a scenario, what somebody types, and what must be on the screen before the next
key. The screen that pyte reads back is drawn as SVG by rich.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.live.person import ROOT, Person

FOLDER = ROOT / "docs" / "pictures"

DARK = TerminalTheme(
    (24, 26, 31),
    (208, 211, 217),
    [
        (24, 26, 31), (224, 85, 97), (120, 190, 110), (222, 180, 90),
        (90, 150, 230), (200, 120, 210), (80, 190, 200), (208, 211, 217),
    ],
    [
        (110, 116, 128), (240, 100, 110), (140, 210, 125), (240, 200, 110),
        (115, 170, 245), (215, 140, 225), (105, 210, 220), (240, 242, 246),
    ],
)  # fmt: skip

FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

NAMES = {"brown": "yellow", "brightbrown": "bright_yellow"}
"""pyte's names of colours that rich calls otherwise."""


class Shot(NamedTuple):
    """One picture: its name, the command's arguments, and what happens before it is taken."""

    name: str
    size: tuple[int, int]
    arguments: tuple[str, ...]
    acts: Sequence[tuple[str, tuple[str, ...]]]
    """(keys to press, words that must be seen then), in order."""
    title: str


SHOTS = (
    Shot(
        "dashboard",
        (120, 40),
        ("run", "sovereign-day", "--live", "--speed", "max"),
        (
            (" ", ("PAUSED",)),
            ("g52\r", ("PAUSED", "52.000000 of", "CUT OFF")),
        ),
        "chainsim run sovereign-day --live",
    ),
    Shot(
        "dashboard-view-change",
        (100, 28),
        ("run", "sovereign-day", "--live", "--speed", "max"),
        (
            (" ", ("PAUSED",)),
            ("g4\r", ("PAUSED", "4.000000 of")),
            ("kview-change-started at exchange-a\r", ("stops at",)),
            ("g30\r", ("PAUSED", "VIEWS", "stopped at")),
            ("k\x15\r\x1b", ("VIEWS",)),
        ),
        "chainsim run sovereign-day --live: a view change under way",
    ),
    Shot(
        "dashboard-live",
        (100, 28),
        ("run", "sovereign-day", "--live", "--speed", "max"),
        (
            (" ", ("PAUSED",)),
            ("g3\r", ("PAUSED", "3.000000 of")),
            ("\x1b[B" * 2 + "c", ("crash of pvara from 3.000001 s on",)),
            ("g16\r", ("PAUSED", "16.000000 of")),
            ("c", ("crash of pvara ends",)),
            ("g20\r", ("PAUSED", "20.000000 of")),
            ("w", ("wrote sovereign-day-live.toml",)),
        ),
        "chainsim run sovereign-day --live: a second crash, by hand",
    ),
)


def take(shot: Shot) -> str:
    """The picture as SVG."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Person(Path(folder), "-m", "chainsim", *shot.arguments, size=shot.size) as person,
    ):
        person.sees("Validators")
        for keys, words in shot.acts:
            person.press(keys)
            person.sees(*words)
        person.settles()
        svg = drawn(person, shot.title)
        person.press("q")
        person.ends()
    return svg


def drawn(person: Person, title: str) -> str:
    """The screen as SVG."""
    width, height = person.screen.columns, person.screen.lines
    console = Console(record=True, width=width, height=height, file=io.StringIO())
    for line in range(height):
        row = person.screen.buffer[line]
        text = Text(no_wrap=True, end="\n")
        for look, cells in groupby((row[column] for column in range(width)), key=style):
            text.append("".join(cell.data for cell in cells), look)
        console.print(text, soft_wrap=True)
    svg = console.export_svg(title=title, theme=DARK, unique_id="chainsim")
    # No font from elsewhere: a page that is read offline shows the reader's own.
    return FONTS.sub("", svg)


def style(char: Char) -> Style:
    """A cell's style."""
    return Style(color=color(char.fg), bgcolor=color(char.bg), bold=char.bold, reverse=char.reverse)


def color(name: str) -> str | None:
    if name == "default":
        return None
    name = NAMES.get(name, name)
    if len(name) == 6 and all(c in "0123456789abcdef" for c in name):
        return f"#{name}"
    return (
        name.replace("bright", "bright_") if name.startswith("bright") and "_" not in name else name
    )


def main(names: Sequence[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for shot in SHOTS:
        if not names or shot.name in names:
            (FOLDER / f"{shot.name}.svg").write_text(take(shot), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
