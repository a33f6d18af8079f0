"""The dashboard's frames, exactly, at telling moments and in three sizes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from chainsim.dashboard.app import App
from scenarios.loader import load, load_text, resolved_toml
from tests.unit.dashboard.support import finish, live, screen, small, until

Golden = Callable[[str, str], None]
HASHES = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8}\b")
"""They change with every field that a block hashes: a frame is about its layout."""


def frame(app: App, width: int, height: int) -> str:
    return HASHES.sub("########", screen(app, width, height))


SPLIT = """
[[faults]]
kind = "partition"
groups = [["v0", "v1"], ["v2", "v3"]]
at = "3s"
for = "1s"
"""


@pytest.mark.parametrize(
    ("name", "at_us", "size"),
    [
        ("down", 1_500_000, (80, 24)),
        ("changing", 2_040_000, (80, 24)),
        ("recovered", 2_600_000, (80, 24)),
        ("recovered", 2_600_000, (120, 40)),
        ("halted", 3_500_000, (100, 30)),
    ],
)
def test_moments(golden: Golden, name: str, at_us: int, size: tuple[int, int]) -> None:
    app = App(live(small(SPLIT)), 1_000)
    until(app.run, at_us)
    golden(f"dashboard-{name}-{size[0]}.txt", frame(app, *size))


def test_a_run_that_is_over(golden: Golden) -> None:
    app = App(live(), 1_000)
    finish(app.run)
    golden("dashboard-over-120.txt", frame(app, 120, 40))


def test_money_on_a_wide_screen(golden: Golden) -> None:
    app = App(live(load("sovereign-day")), 1_000)
    until(app.run, 52_000_000)
    golden("dashboard-wide-200.txt", frame(app, 200, 60))


@pytest.mark.parametrize("key", ["?", "b", "f", "enter"])
def test_pages_that_keys_open(golden: Golden, key: str) -> None:
    app = App(live(), 1_000)
    until(app.run, 2_600_000)
    app.press("down")
    app.press(key)
    names = {"?": "help", "b": "hostile", "f": "faults", "enter": "detail"}
    golden(f"dashboard-{names[key]}-100.txt", frame(app, 100, 36))


@pytest.mark.parametrize("size", [(40, 10), (60, 16), (79, 23), (109, 33), (170, 45), (300, 90)])
def test_no_size_breaks_it(size: tuple[int, int]) -> None:
    app = App(live(small(SPLIT)), 1_000)
    for at_us in (0, 1_500_000, 3_500_000):
        until(app.run, at_us)
        text = screen(app, *size)
        assert "PRIMARY" in text or "VIEWS" in text
        assert "QUORUM" in text
        assert "MONEY" in text
        for key in ("?", "enter", "b"):
            app.press(key)
            screen(app, *size)
            app.press("escape")


def test_too_small() -> None:
    assert "too small: 39x9" in screen(App(live(), 1_000), 39, 9)


def test_many_validators_scroll_with_the_selection() -> None:
    text = resolved_toml(small()).partition("[[validators]]")[0]
    scenario = load_text(f"validators = 40\n{text}")
    app = App(live(scenario), 1_000)
    until(app.run, 400_000)
    assert "v39" not in screen(app, 80, 24)
    app.press("up")  # from the first to the last
    assert "v39" in screen(app, 80, 24)
    screen(app, 200, 60)
