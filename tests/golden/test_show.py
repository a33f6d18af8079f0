"""``chainsim show``: whole pages, narrow and wide, and for a terminal that knows only ASCII."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from chainsim.scenario_view import ScenarioView
from scenarios.loader import load


def page(name: str, width: int, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=stream, width=width, highlight=False, color_system=None)
    console.print(ScenarioView(load(name)))
    stream.flush()
    return "".join(line.rstrip() + "\n" for line in raw.getvalue().decode(encoding).splitlines())


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("sovereign-day", 80),
        ("sovereign-day", 200),
        ("add-and-remove-validator", 80),
        ("lone-prepared-is-discarded", 80),
        ("failing-disks", 200),
        ("revoked-validator-leaves", 80),
        ("lossy-100-validators", 80),
        ("forced-view-changes", 80),
    ],
)
def test_pages(golden: Callable[[str, str], None], name: str, width: int) -> None:
    text = page(name, width)
    assert max(map(len, text.splitlines())) <= width
    golden(f"show-{name}-{width}.txt", text)


def test_a_terminal_without_unicode_gets_the_same_chart_in_ascii(
    golden: Callable[[str, str], None],
) -> None:
    text = page("chaotic-start", 80, "ascii")
    assert text.isascii()
    assert "?" not in text
    golden("show-chaotic-start-ascii-80.txt", text)
