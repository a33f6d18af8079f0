"""Shrinking: smaller, still failing alike, written to a file that fails alike too."""

from __future__ import annotations

import msgspec
import pytest

from chainsim.explore.model import FaultModel, hostile_in
from chainsim.explore.outcome import Found, Outcome, run_scenario, run_seed
from chainsim.explore.passes import PASSES, spelt_out, without_parts
from chainsim.explore.planting import Planted, planted
from chainsim.explore.shrink import NothingToShrink, shrink
from chainsim.explore.strategies import STRATEGIES
from consensus.types import max_faulty
from scenarios.fitting import problems
from scenarios.loader import load_text, resolved_toml
from scenarios.schema import Scenario
from tests.unit.explore.support import NETWORK_KINDS, quick_base

MODEL = FaultModel(kinds=NETWORK_KINDS, sizes=(4, 5), least=3, most=5)


def test_schedules_of_twins_and_orders_shrink_and_load() -> None:
    """Their own fields: pairs of groups, an order, change points."""
    for strategy, n in (("twins", 5), ("pct", 5)):
        scenario = STRATEGIES[strategy](quick_base(), FaultModel(sizes=(n,)), 4)
        offered = [each for name in PASSES for each in PASSES[name](scenario)]
        assert not [problem for each in offered for problem in problems(each)]
        assert any(len(each.validators) == n - 1 and each.faults for each in offered)
    twins = STRATEGIES["twins"](quick_base(), FaultModel(), 4)
    fewer = list(PASSES["fewer views"](twins))
    assert {len(each.faults[0].groups) for each in fewer} >= {4, 6, 8, 10}  # type: ignore[attr-defined]
    pct = next(
        each
        for seed in range(40)
        for each in (STRATEGIES["pct"](quick_base(), FaultModel(), seed),)
        if any(len(getattr(fault, "changes", ())) == 2 for fault in each.faults)
    )
    assert any(
        len(getattr(fault, "changes", (0, 0))) == 1
        for each in PASSES["fewer nodes"](pct)
        for fault in each.faults
    )


def test_a_find_shrinks_to_a_file_that_reproduces_it() -> None:
    with planted(Planted("tests.mutants", 2)):
        seed = next(s for s in range(200) if run_seed(quick_base(), "random", MODEL, s).found)
        drawn = STRATEGIES["random"](quick_base(), MODEL, seed)
        small = shrink(drawn, limit_s=20)
        reloaded = load_text(resolved_toml(small.scenario))
        assert reloaded == small.scenario
        again = run_scenario(reloaded)
    assert again == small.outcome
    assert small.check in {found.check for found in again.found}
    assert small.size_after < small.size_before
    assert len(small.scenario.faults) <= 3
    assert not run_scenario(reloaded).found, "the code as it is passes it"


def test_the_same_property_stays_violated() -> None:
    """A candidate that violates something else is no smaller failure of the same kind."""

    def fake(scenario: Scenario) -> Outcome:
        check = "agreement" if len(scenario.faults) >= 2 else "liveness"
        return _outcome(scenario, check)

    drawn = STRATEGIES["random"](quick_base(), MODEL, 1)
    small = shrink(drawn, "agreement", run=fake)
    assert small.check == "agreement"
    assert len(small.scenario.faults) == 2
    assert not small.scenario.workload or small.size_after < small.size_before


def test_what_one_seed_needs_another_may_not() -> None:
    """Under the seed that was drawn two faults are needed, under the third one after it one."""
    drawn = STRATEGIES["random"](quick_base(), MODEL, 1)

    def lucky(scenario: Scenario) -> Outcome:
        enough = 1 if scenario.seed == drawn.seed + 3 else 2
        return _outcome(scenario, "agreement" if len(scenario.faults) >= enough else "")

    small = shrink(drawn, run=lucky)
    assert small.complete
    assert (len(small.scenario.faults), small.scenario.seed) == (1, drawn.seed + 3)


def test_what_violates_nothing_is_refused() -> None:
    with pytest.raises(NothingToShrink, match="violates nothing"):
        shrink(quick_base())
    with pytest.raises(NothingToShrink, match="violates liveness, not agreement"):
        shrink(quick_base(), "agreement", run=lambda s: _outcome(s, "liveness"))


def test_time_runs_out_with_what_there_is() -> None:
    drawn = STRATEGIES["random"](quick_base(), MODEL, 1)
    small = shrink(drawn, run=lambda s: _outcome(s, "agreement"), limit_s=0.0)
    assert not small.complete
    assert small.scenario == drawn


def test_the_fault_budget_is_kept() -> None:
    """With all five seats a hostile one is within it; shrinking must not make it too many."""
    model = FaultModel(sizes=(7,), hostile=1_000_000, kinds=("byzantine", "crash"))
    scenarios = [STRATEGIES["random"](quick_base(), model, seed) for seed in range(30)]
    drawn = next(s for s in scenarios if len(hostile_in(s)) == 2)

    def needs_both(scenario: Scenario) -> Outcome:
        failing = len(hostile_in(scenario)) == 2
        return _outcome(scenario, "agreement" if failing else "")

    small = shrink(drawn, run=needs_both, limit_s=20)
    assert len(hostile_in(small.scenario)) == 2 == max_faulty(len(small.scenario.validators))


def test_single_transactions_run_like_the_workload_that_drew_them() -> None:
    drawn = STRATEGIES["random"](quick_base(), MODEL, 3)
    spelt = spelt_out(drawn)
    assert spelt != drawn
    assert run_scenario(spelt).digest == run_scenario(drawn).digest


@pytest.mark.parametrize("name", sorted(PASSES))
def test_what_a_pass_offers_is_a_scenario(name: str) -> None:
    offered = 0
    for seed in range(3):
        strategy = "twins" if name == "fewer views" else "random"
        drawn = spelt_out(STRATEGIES[strategy](quick_base(), FaultModel(sizes=(5,)), seed))
        for candidate in PASSES[name](drawn):
            offered += candidate != drawn
            if name != "less time":  # which may cut off work: those aren't taken
                assert not problems(candidate), f"seed {seed}"
    assert offered


def test_parts_are_left_out_from_all_to_one() -> None:
    assert list(without_parts("abcd")) == [
        (),
        ("c", "d"),
        ("a", "b"),
        ("b", "c", "d"),
        ("a", "c", "d"),
        ("a", "b", "d"),
        ("a", "b", "c"),
    ]
    assert list(without_parts(())) == []


def _outcome(scenario: Scenario, check: str) -> Outcome:
    return msgspec.structs.replace(
        Outcome(
            seed=scenario.seed,
            digest="",
            found=(),
            kinds=(),
            validators=len(scenario.validators),
            height=0,
            deliveries=0,
            coverage=(),
        ),
        found=(Found(check, "safety", "said so"),) if check else (),
    )
