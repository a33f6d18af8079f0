"""What is written to the terminal, what is read from it, and how virtual time is paced."""

from __future__ import annotations

import pytest

from chainsim.dashboard.keys import KeyReader
from chainsim.dashboard.pacing import BadSpeed, Pace, parse_speed, show_speed
from chainsim.dashboard.rows import PLAIN, Painter, cells, plain, row, span, wrapped
from chainsim.dashboard.screen import BEGIN, END, Screen

SECOND_NS = 10**9


def test_only_what_changed_is_written() -> None:
    screen = Screen(Painter(color=None))
    first, second = row("one"), row("two")
    told = screen.update(10, 2, [(0, 0, 5, first), (0, 1, 5, second)])
    assert told.startswith(BEGIN)
    assert told.endswith(END)
    assert told.count("\x1b[2J") == 1
    assert screen.update(10, 2, [(0, 0, 5, first), (0, 1, 5, second)]) == ""
    told = screen.update(10, 2, [(0, 0, 5, first), (0, 1, 5, row("new"))])
    assert "one" not in told
    assert "\x1b[2;1Hnew  " in told
    # A place that is none any more is blanked, and nothing else is touched.
    told = screen.update(10, 2, [(0, 0, 5, first)])
    assert told == f"{BEGIN}\x1b[2;1H\x1b[0m     \x1b[0m{END}"
    assert "\x1b[2J" in screen.update(11, 2, [(0, 0, 5, first)])
    screen.forget()
    assert "one" in screen.update(11, 2, [(0, 0, 5, first)])


def test_rows_are_as_wide_as_their_place() -> None:
    painter = Painter(color=None)
    assert painter.paint(row("abc"), 5) == "abc  "
    assert painter.paint(row("abcdef"), 5) == "abcd…"
    assert "\x1b[1mab\x1b[0m" in painter.paint(row(span("ab", "strong")), 2)
    painted = painter.rendered
    painter.paint(row("abc"), 5)
    assert painter.rendered == painted


def test_colours_only_if_wanted() -> None:
    red = row(span("x", "bad"))
    assert "31m" in Painter(color="standard").paint(red, 1)
    assert "31m" not in Painter(color=None).paint(red, 1)
    assert Painter(color=None).paint(row(span("x", "selected")), 1) == "\x1b[7mx\x1b[0m"


def test_ascii_has_a_sign_for_every_mark() -> None:
    painter = Painter(color=None, unicode=False)
    marks = "".join(chr(mark) for mark in PLAIN)
    told = painter.paint(row(marks), len(marks))
    assert told.isascii()
    assert "?" not in told


def test_cells_and_lines() -> None:
    assert (cells("ab", 4), cells("ab", 4, right=True), cells("abcde", 4)) == (
        "ab  ",
        "  ab",
        "abc…",
    )
    assert cells("日本語", 5) == "日本…"
    assert wrapped("one two three", 7, 3) == ["one two", "three"]
    assert wrapped("one two three", 7, 1) == ["one tw…"]
    assert plain(row("a", span("b", "bad"))) == "ab"


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", ["q"]),
        (b" +-", [" ", "+", "-"]),
        (b"\x1b[A\x1b[B\x1bOC", ["up", "down", "right"]),
        (b"\x1b[5~\x1b[6~", ["page-up", "page-down"]),
        (b"\r\x7f\x03\x1a", ["enter", "backspace", "ctrl-c", "ctrl-z"]),
        ("ü".encode(), ["ü"]),
        (b"\x1b[200~abc\x1b[201~", ["a", "b", "c"]),
        (b"\x1b[15~", []),
    ],
)
def test_keys(data: bytes, keys: list[str]) -> None:
    assert KeyReader().feed(data) == keys
    reader = KeyReader()  # and byte by byte, as a slow line brings them
    found = [key for place in range(len(data)) for key in reader.feed(data[place : place + 1])]
    assert found + reader.flush() == keys


def test_a_lone_escape_is_known_when_nothing_follows() -> None:
    reader = KeyReader()
    assert reader.feed(b"\x1b") == []
    assert reader.flush() == ["escape"]


@pytest.mark.parametrize(
    ("text", "speed"),
    [("1", 1_000), ("0.05", 50), (".5", 500), ("10x", 10_000), ("x2", 2_000), ("MAX", None)],
)
def test_speeds(text: str, speed: int | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "0", "-1", "fast", "1.", "1e3", "0.0001", "²"])
def test_wrong_speeds(text: str) -> None:
    with pytest.raises(BadSpeed):
        parse_speed(text)


def test_pace() -> None:
    pace = Pace(2_000)
    pace.start(SECOND_NS, 7_000_000)
    assert pace.target_us(2 * SECOND_NS) == 9_000_000
    pace.reached(2 * SECOND_NS, 8_500_000)  # a quarter of a second behind: it will catch up
    assert pace.target_us(2 * SECOND_NS) == 9_000_000
    pace.reached(4 * SECOND_NS, 8_500_000)  # hopelessly behind: forgiven
    assert pace.target_us(4 * SECOND_NS) == 8_500_000


def test_speeds_go_up_to_max_and_down_again() -> None:
    pace = Pace(50_000)
    shown = []
    for direction in (1, 1, 1, -1, -1):
        pace.step(direction)
        shown.append(show_speed(pace.speed))
    assert shown == ["x100", "max", "max", "x100", "x50"]
    pace.speed = 3
    pace.step(-1)
    assert show_speed(pace.speed) == "x0.002"
