"""The dashboard as a person sees it: on a pseudo-terminal, keys sent and the screen read back."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.live.person import Person
from tests.unit.dashboard.support import TEXT, small, unwatched

CHAINSIM = ("-m", "chainsim")


def start(folder: Path, *options: str, size: tuple[int, int] = (80, 24), **extra: str) -> Person:
    """Runs the small scenario under the dashboard."""
    (folder / "small.toml").write_text(TEXT, encoding="utf-8")
    return Person(folder, *CHAINSIM, "run", "./small.toml", "--live", *options, size=size, **extra)


def summary(folder: Path) -> dict[str, object]:
    (found,) = (folder / "runs").iterdir()
    return json.loads((found / "summary.json").read_text())


@pytest.mark.parametrize(
    ("size", "there", "not_there"),
    [
        ((80, 24), ("Validators", "Slots", "Events"), ("Network", "Money")),
        ((120, 40), ("Validators", "Slots", "View changes", "Network", "Faults", "Money"), ()),
        ((200, 60), ("View changes", "Properties", "Chain", "Finality", "Money", "Events"), ()),
    ],
)
def test_each_size_shows_what_fits(
    tmp_path: Path, size: tuple[int, int], there: tuple[str, ...], not_there: tuple[str, ...]
) -> None:
    with start(tmp_path, "--speed", "max", size=size) as person:
        text = person.sees("OVER", "RESULT")
        for title in there:
            assert f"─ {title}" in text
        for title in not_there:
            assert f"─ {title}" not in text
        for answer in ("PRIMARY", "QUORUM", "OUT", "MONEY", "✓ safe", "more failure"):
            assert answer in text
        person.press("q")
        assert person.ends() == 0
        assert person.restored()
    assert summary(tmp_path)["digest"] == unwatched(small()).digest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_keeps_the_run(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start(tmp_path) as person:
        person.sees("running x1", "height")
        person.signal(number)
        assert person.ends() == 130
        assert person.restored()
    assert summary(tmp_path)["ended"] == "interrupted"
