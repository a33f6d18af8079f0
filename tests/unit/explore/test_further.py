"""The second table of planted bugs: each plants, goes without a trace, and some show at once."""

from __future__ import annotations

import pytest

from chainsim.explore.outcome import BROKEN, run_scenario, run_seed
from chainsim.explore.planting import Planted, load, planted
from scenarios.loader import load_text
from tests.mutants import MUTANTS, by_hand, further
from tests.unit.explore.support import a_job

MODULE = "tests.mutants.further"


def test_the_tables_share_no_number() -> None:
    assert list(load(MODULE)) == sorted(further.MUTANTS)
    assert not set(further.MUTANTS) & set(MUTANTS)
    assert all(mutant.number == number for number, mutant in further.MUTANTS.items())


@pytest.mark.parametrize("number", sorted(further.MUTANTS))
def test_it_goes_without_a_trace(number: int) -> None:
    job = a_job()
    clean = run_seed(job.base, job.strategy, job.model, 1)
    with planted(Planted(MODULE, number)):
        found = run_seed(job.base, job.strategy, job.model, 1).found
    assert BROKEN not in {each.check for each in found}, "the patch no longer fits the code"
    assert run_seed(job.base, job.strategy, job.model, 1) == clean


AHEAD_OF_TIME = """
[[faults]]
kind = "byzantine"
node = "v0"
behaviour = "bad-block-time"
"""


MADE_UP = """
[[faults]]
kind = "byzantine"
node = "v2"
behaviour = "bogus-view-change"
chance = 1.0

[[faults]]
kind = "isolate"
node = "v0"
at = "150ms"
for = "1s"
"""


@pytest.mark.parametrize(
    ("name", "faults", "seed", "check"),
    [
        ("clients retransmit to the primary alone", by_hand.SILENT, 1, "liveness"),
        ("block time not held against the clock", AHEAD_OF_TIME, 1, "chain-integrity"),
        ("C of a VIEW-CHANGE not checked", MADE_UP, 6, "liveness"),
    ],
)
def test_some_show_at_once(name: str, faults: str, seed: int, check: str) -> None:
    (number,) = [n for n, mutant in further.MUTANTS.items() if mutant.name == name]
    scenario = load_text(by_hand.written(faults, seed=seed, at=("100ms", "200ms", "600ms")))
    with planted(Planted(MODULE, number)):
        assert check in {found.check for found in run_scenario(scenario).found}
    assert run_scenario(scenario).found == ()
