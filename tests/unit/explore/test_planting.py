"""Planted bugs: every row plants, breaks something of its own, and leaves no trace."""

from __future__ import annotations

import pytest

from chainsim.explore.model import model_of
from chainsim.explore.outcome import BROKEN, run_seed
from chainsim.explore.planting import NoMutants, Planted, load, planted
from scenarios.loader import load as load_scenario
from tests.mutants import MUTANTS
from tests.unit.explore.support import a_job

APPLICABLE = [number for number, mutant in MUTANTS.items() if mutant.apply is not None]


def test_the_table_has_every_row_and_a_reason_for_those_that_do_not_apply() -> None:
    assert list(load()) == list(range(1, 33))
    assert all(mutant.number == number for number, mutant in MUTANTS.items())
    assert all(mutant.note for mutant in MUTANTS.values() if mutant.apply is None)


@pytest.mark.parametrize("number", APPLICABLE)
def test_a_mutant_goes_without_a_trace(number: int) -> None:
    job = a_job()
    clean = run_seed(job.base, job.strategy, job.model, 1)
    with planted(Planted("tests.mutants", number)):
        found = run_seed(job.base, job.strategy, job.model, 1).found
    assert BROKEN not in {each.check for each in found}, "the patch no longer fits the code"
    assert run_seed(job.base, job.strategy, job.model, 1) == clean


@pytest.mark.parametrize(
    ("number", "checks"),
    [
        (2, {"agreement"}),
        (3, {"chain-integrity"}),
        (8, {"agreement", "no-honest-accused"}),
        (21, {"liveness"}),
        (23, {"one-signed-digest", "agreement", "durability"}),
    ],
)
def test_bugs_that_need_no_hostile_validator_are_found_soon(number: int, checks: set[str]) -> None:
    job = a_job("random")
    with planted(Planted("tests.mutants", number)):
        for seed in range(150):
            found = run_seed(job.base, job.strategy, job.model, seed).found
            if found:
                assert {each.check for each in found} & checks
                return
    pytest.fail("not found in 150 seeds")


@pytest.mark.parametrize(("number", "check"), [(31, "coupons"), (32, "delivery-versus-payment")])
def test_bugs_of_money_break_a_property_of_money(number: int, check: str) -> None:
    base = load_scenario(MUTANTS[number].base)
    for seed in range(40):
        with planted(Planted("tests.mutants", number)):
            found = run_seed(base, "swarm", model_of(base), seed).found
        if check in {each.check for each in found}:
            assert run_seed(base, "swarm", model_of(base), seed).found == ()
            return
    pytest.fail("not found in 40 seeds")


def test_without_the_tests_there_is_a_clear_message() -> None:
    with pytest.raises(NoMutants, match="run from the root of a checkout"):
        load("no_such_package.mutants")
    with pytest.raises(NoMutants, match="has no table MUTANTS"):
        load("chainsim.exit_codes")
