"""Keys that wait, panels that are remembered, breakpoints in words, what the view model follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainsim.dashboard.app import KEYS, App
from chainsim.dashboard.breakpoints import EVENTS, BadBreakpoint, parse
from chainsim.dashboard.view_model import ViewModel
from chainsim.dashboard.wording import amount, bar, clock, span, sparkline
from chainsim.trace import Executed, FaultChanged, Reached, Signed
from tests.unit.dashboard.support import arrive, live, screen, small, until

NODES = ("v0", "v1", "v2", "v3")
SPLIT = (
    '[[faults]]\nkind = "partition"\ngroups = [["v0", "v1"], ["v2", "v3"]]\nat = "3s"\nfor = "1s"'
)


def app_at(at_us: int, *lines: str) -> App:
    app = App(live(small(*lines)), 1_000)
    until(app.run, at_us)
    return app


def test_what_is_remembered_is_what_would_be_drawn() -> None:
    watched = App(live(small(SPLIT)), 1_000)
    drawn = asked = 0
    for at_us in range(900_000, 4_800_000, 390_000):
        until(watched.run, at_us)
        fresh = App(watched.run, 1_000)
        assert screen(watched, 200, 60) == screen(fresh, 200, 60)
        assert watched.frame(200, 60) == watched.frame(200, 60)
        asked += 12 * 3
    drawn = watched._drawn.draws
    assert drawn < asked  # some were remembered
    before = watched._drawn.draws
    watched.frame(200, 60)
    assert watched._drawn.draws - before == 5  # those that are cheap to draw


def test_going_back_forgets_what_was_drawn() -> None:
    app = app_at(3_500_000, SPLIT)
    later = screen(app, 200, 60)
    app.press("p")
    arrive(app.run)
    assert screen(app, 200, 60) != later
    assert screen(app, 200, 60) == screen(app_again(app), 200, 60)


def app_again(app: App) -> App:
    again = App(app.run, 1_000)
    again.player.playing = False
    return again


def test_keys_wait_for_the_goal() -> None:
    app = app_at(2_500_000)
    app.press(" ")
    for key in (*"bg", ">", ".", "k", *"height 12", "enter"):
        app.press(key)
    # Turning v0 hostile executes again; the rest is done after it, in order.
    assert app.run.goal is not None
    height = app.run.model.height
    for _ in range(10_000):
        app.tick(1 << 62)
        if app.run.goal is None:
            break
    assert app.run.model.height >= max(height, 12)
    assert "stops at: height 12" in screen(app, 200, 60)
    assert [type(f).__name__ for f in app.run.live_faults] == ["ByzantineFault"]


def test_what_is_typed_stays_in_sight() -> None:
    app = app_at(1_000_000)
    for key in ("k", *"new-view-entered at v3 view 12345"):
        app.press(key)
    last = screen(app, 60, 16).splitlines()[-1]
    assert last.endswith("entered at v3 view 12345")
    assert len(last) < 60


def test_a_goal_is_given_up_with_escape() -> None:
    app = app_at(1_000_000)
    app.press("n")
    assert app.run.goal is not None
    app.press("escape")
    assert app.run.goal is None
    assert not app.player.playing


def test_every_key_can_be_pressed_at_any_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where w writes to
    app = app_at(0)
    for at_us in (0, 1_500_000, 20_000_000):
        until(app.run, at_us)
        for key in KEYS:
            app.press(key)
            app.press("escape")
            arrive(app.run)
            assert "QUORUM" in screen(app, 80, 24), key
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("text", "record", "holds"),
    [
        ("prepared", Reached(1, "v1", "prepared", 0, 3, b""), True),
        ("prepared at v1", Reached(1, "v1", "prepared", 0, 3, b""), True),
        ("prepared at v2", Reached(1, "v1", "prepared", 0, 3, b""), False),
        ("prepared view 1", Reached(1, "v1", "prepared", 0, 3, b""), False),
        ("prepared sequence 3", Reached(1, "v1", "prepared", 0, 3, b""), True),
        ("prepared sequence 2", Reached(1, "v1", "prepared", 0, 3, b""), False),
        ("height 2", Executed(1, "v1", 3, b"", b"", b"", b"", 1, False), True),
        ("height 4", Executed(1, "v1", 3, b"", b"", b"", b"", 1, False), False),
        ("executed", Executed(1, "v1", 3, b"", b"", b"", b"", 1, True), False),
        ("view-change", Reached(1, "v1", "view-change-started", 1, 3, b""), True),
        ("fault", FaultChanged(1, "", 0, "crash", True), True),
        ("fault", Reached(1, "v1", "prepared", 0, 3, b""), False),
    ],
)
def test_breakpoints(text: str, record: Reached, holds: bool) -> None:
    assert parse(text, NODES)(record) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prepaired", 'no event is called "prepaired"; did you mean "prepared"?'),
        ("prepared at v", 'did you mean "v3"?'),
        ("prepared at", "wanted EVENT [at NODE] [view N] [sequence N]"),
        ("prepared view x", 'can\'t read "view x"'),
        ("", f"one of {', '.join(EVENTS)}"),
    ],
)
def test_wrong_breakpoints(text: str, message: str) -> None:
    with pytest.raises(BadBreakpoint) as error:
        parse(text, NODES)
    assert message in str(error.value)


def model() -> ViewModel:
    return ViewModel(live().model.cast)


def test_votes_fill_a_slot() -> None:
    seen = model()
    for node, kind in (("v0", "pre-prepare"), ("v1", "prepare"), ("v2", "prepare")):
        seen.on_record(Signed(1, node, kind, 0, 0, 1, b"a"))
    slot = seen.slots[1]
    assert (slot.prepares, slot.commits, dict(slot.rivals)) == (0b0110, 0, {})
    seen.on_record(Signed(2, "v3", "prepare", 0, 0, 1, b"b"))
    assert (slot.prepares, list(slot.rivals)) == (0b0110, [b"b"])
    # A later view starts the slot afresh; votes of the view before say nothing more.
    seen.on_record(Signed(3, "v1", "pre-prepare", 0, 1, 1, b"a"))
    seen.on_record(Signed(4, "v3", "prepare", 0, 0, 1, b"b"))
    assert (seen.slots[1].view, seen.slots[1].prepares, dict(seen.slots[1].rivals)) == (1, 0, {})


def test_why_a_view_was_left() -> None:
    seen = model()
    crash = FaultChanged(5, "", 0, "byzantine", True, ("v0",))
    seen.on_record(crash)
    seen.on_record(Reached(9, "v2", "view-change-started", 1, 0, b"", "too slow"))
    seen.on_record(Reached(9, "v3", "view-change-started", 1, 0, b"", "2 others changed view"))
    (change,) = seen.view_changes
    assert (change.node, change.cause, change.callers) == ("v2", "too slow", 0b1100)
    assert change.why("v0") == "v0 is hostile"
    assert change.why("v0", past=True) == "v0 was hostile"
    assert seen.notable == [5, 9]


def test_numbers() -> None:
    assert (clock(1_234_567), clock(1_234_567, 6), clock(90_000_000, 0)) == (
        "1.234",
        "1.234567",
        "90",
    )
    assert [span(us) for us in (None, 7, 12_345, 234_567, 1_234_567)] == [
        "-",
        "7us",
        "12.3ms",
        "234ms",
        "1.23s",
    ]
    assert [amount(minor) for minor in (5, 123_456, 4_400_000_000_000, -250_000_000)] == [
        "0.05",
        "1,234.56",
        "44.00 bn",
        "-2.50 m",
    ]
    assert sparkline([0, 1, None, 7]) == "▁▂ █"
    assert [bar(part, 4, 4) for part in (0, 1, 4, 9)] == ["□□□□", "■□□□", "■■■■", "■■■■"]
