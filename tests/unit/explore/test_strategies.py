"""What strategies draw: the same for a seed, in files too, and within the fault budget."""

from __future__ import annotations

import msgspec
import pytest

from chainsim.explore.aside import ASIDE
from chainsim.explore.drawing import DRAWERS, drawn_kinds
from chainsim.explore.model import (
    BY_ROUND,
    BYZANTINE,
    UNDRAWN,
    FaultModel,
    cast_of,
    hostile_in,
    kind_of,
    model_of,
    resized,
)
from chainsim.explore.strategies import STRATEGIES, kinds_of
from consensus.types import max_faulty, quorum_size
from nodes.byzantine import BEHAVIOURS, COALITION, IN_COMPANY
from scenarios.faults import FAULTS
from scenarios.loader import load, load_text, resolved_toml
from tests.unit.explore.support import quick_base, shipped_base

SEEDS = range(20)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_a_seed_always_draws_the_same_and_the_file_of_it_loads_as_the_same(strategy: str) -> None:
    base = shipped_base()
    model = model_of(base)
    draw = STRATEGIES[strategy]
    for seed in SEEDS:
        scenario = draw(base, model, seed)
        assert scenario == draw(base, model, seed)
        assert load_text(resolved_toml(scenario)) == scenario
    assert draw(base, model, 1).faults != draw(base, model, 2).faults


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_every_draw_keeps_the_fault_budget(strategy: str) -> None:
    base = shipped_base()
    for seed in range(300):
        scenario = STRATEGIES[strategy](base, model_of(base), seed)
        n = len(scenario.validators)
        hostile = hostile_in(scenario)
        assert len(hostile) <= max_faulty(n) <= n - quorum_size(n)
        for fault in scenario.faults:
            if kind_of(fault) not in (BYZANTINE, "late-start"):
                assert fault.length_us() is not None, f"seed {seed}: {fault} never ends"


def test_the_budget_counts_who_is_hostile_already() -> None:
    base = quick_base()
    crash = FAULTS["crash"](node="v2", mode="amnesia", at=1000, for_=1000)  # type: ignore[call-arg]
    base = msgspec.structs.replace(base, faults=(crash,))
    for seed in SEEDS:
        scenario = STRATEGIES["random"](base, FaultModel(hostile=1_000_000), seed)
        assert hostile_in(scenario) == ("v2",)
        assert scenario.faults[0] == crash


def test_everything_that_can_go_wrong_is_drawn() -> None:
    base = shipped_base()
    seen: set[str] = set()
    sizes: set[int] = set()
    for seed in range(400):
        scenario = STRATEGIES["random"](base, model_of(base), seed)
        seen |= {getattr(fault, "behaviour", kind_of(fault)) for fault in scenario.faults}
        sizes.add(len(scenario.validators))
    alone = set(IN_COMPANY) - {COALITION}
    assert sizes == {4, 5, 6, 7, 10}
    drawn = {*DRAWERS, *ASIDE, *BEHAVIOURS, "twins"}
    assert seen == drawn - {*alone, *BY_ROUND, *UNDRAWN}


NEVER = {"revoke-licence"}
"""Needs a firm that is licensed: shipped scenarios try it."""


def test_every_kind_of_fault_that_exists_can_be_drawn() -> None:
    own = {"priorities"}  # of pct
    assert set(drawn_kinds(FaultModel())) == set(FAULTS) - NEVER - own - set(ASIDE)
    kinds = {kind for strategy in STRATEGIES for kind in kinds_of(strategy, FaultModel())}
    assert kinds == set(FAULTS) - NEVER - set(ASIDE)


def test_a_part_of_the_seeds_breaks_view_after_view() -> None:
    base = shipped_base()
    only = msgspec.structs.replace(model_of(base), aligned=1_000_000, kinds=("mangle",), least=0)
    for seed in SEEDS:
        scenario = STRATEGIES["random"](base, only, seed)
        views = [fault.view for fault in scenario.faults]  # type: ignore[attr-defined]
        assert None not in views
        assert views == sorted(views)
        assert all(fault.drop for fault in scenario.faults)  # type: ignore[attr-defined]
    never = msgspec.structs.replace(only, aligned=0, most=8)
    faults = [f for seed in SEEDS for f in STRATEGIES["random"](base, never, seed).faults]
    assert all(fault.view is None for fault in faults)  # type: ignore[attr-defined]


def test_some_are_shown_both_of_an_equivocators_lies() -> None:
    base = shipped_base()
    model = FaultModel(sizes=(4, 7), behaviours=("equivocate",), hostile=1_000_000)
    shared = apart = 0
    for seed in range(100):
        for fault in STRATEGIES["random"](base, model, seed).faults:
            first, second = getattr(fault, "groups", ()) or ((), ())
            if kind_of(fault) == BYZANTINE and first:
                assert first != second
                assert fault.node not in (*first, *second)  # type: ignore[attr-defined]
                shared += not set(first).isdisjoint(second)
                apart += set(first).isdisjoint(second)
    assert shared > 10
    assert apart > 10


def test_swarm_leaves_kinds_out() -> None:
    base = shipped_base()
    several = [
        {kind_of(fault) for fault in STRATEGIES["swarm"](base, model_of(base), seed).faults}
        for seed in range(100)
    ]
    by_random = [
        {kind_of(fault) for fault in STRATEGIES["random"](base, model_of(base), seed).faults}
        for seed in range(100)
    ]
    assert sum(map(len, several)) < sum(map(len, by_random))
    assert sum(BYZANTINE in kinds for kinds in several) < sum(BYZANTINE in k for k in by_random)
    for kinds in several[:10]:
        assert kinds <= {*drawn_kinds(model_of(base)), *ASIDE, "crash"}


def test_a_model_that_is_narrowed_draws_nothing_else() -> None:
    model = FaultModel(kinds=("partition",), sizes=(6,))
    for seed in SEEDS:
        scenario = STRATEGIES["random"](quick_base(), model, seed)
        assert {kind_of(fault) for fault in scenario.faults} == {"partition"}
        assert len(scenario.validators) == 6


def test_a_scenario_keeps_its_validators_unless_the_model_says_otherwise() -> None:
    day = load("sovereign-day")
    assert resized(day, len(day.validators)) is day
    assert STRATEGIES["random"](day, FaultModel(), 3).validators == day.validators
    assert cast_of(day).ids == tuple(validator.id for validator in day.validators)
