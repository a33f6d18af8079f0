"""Failures that were found once stay mended: every file of ``regressions/`` is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainsim.checks import SPECIFICATION
from chainsim.explore.outcome import run_scenario
from chainsim.explore.planting import Planted, planted
from chainsim.regressions import FOLDER, keep
from scenarios.loader import load
from tests.unit.explore.support import quick_base

KEPT = sorted((Path(__file__).parents[2] / FOLDER).glob("*.toml"))


def test_some_are_kept() -> None:
    assert KEPT


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_it_stays_mended(path: Path) -> None:
    outcome = run_scenario(load(path.as_posix()), further=(SPECIFICATION,))
    assert outcome.found == ()
    assert outcome.height, "a run in which nothing happens shows nothing"


def test_what_is_kept_fails_as_long_as_the_bug_is_there(tmp_path: Path) -> None:
    """Through a file, and by its name only once."""
    from chainsim.explore.model import FaultModel
    from chainsim.explore.strategies import STRATEGIES

    fork = Planted("tests.mutants", 2)
    with planted(fork):
        scenarios = (STRATEGIES["twins"](quick_base(), FaultModel(), seed) for seed in range(20))
        failing = next(each for each in scenarios if run_scenario(each).found)
        check = run_scenario(failing).found[0].check
        path = keep(failing, check, "seed 1 of\nsomething", tmp_path / "new")
        assert keep(failing, check, "again", tmp_path / "new") == path
        assert run_scenario(load(path.as_posix())).found[0].check == check
    assert path.name.startswith(f"quick-base-{check}-")
    assert run_scenario(load(path.as_posix())).found == ()
