"""Drawn changes of the committee: files that load, budgets that hold, epochs that begin."""

from __future__ import annotations

import msgspec
import pytest

from chainsim.explore.model import FaultModel, hostile_in, kind_of
from chainsim.explore.outcome import run_seed
from chainsim.explore.passes import PASSES
from chainsim.explore.reseating import JOINER
from chainsim.explore.strategies import STRATEGIES
from consensus.types import max_faulty
from scenarios.faults.membership import MembershipFault
from scenarios.fitting import problems
from scenarios.loader import load
from tests.unit.explore.support import quick_base, shipped_base

CHANGES = ("add-validator", "remove-validator", "rotate-key", "proactive-recovery")
ONLY = FaultModel(kinds=(*CHANGES, "crash", "bit-rot", "byzantine"), sizes=(4, 5, 6, 7, 10))
SEEDS = range(200)


def test_only_what_a_file_may_ask_for_is_drawn() -> None:
    together = 0
    for seed in SEEDS:
        scenario = STRATEGIES["random"](shipped_base(), ONLY, seed)
        assert not problems(scenario), seed
        kinds = [kind_of(fault) for fault in scenario.faults]
        assert kinds.count("add-validator") <= 1
        assert kinds.count("proactive-recovery") <= 1
        observers = [observer.id for observer in scenario.observers]
        assert observers == [JOINER] * kinds.count("add-validator")
        together += len([kind for kind in kinds if kind in CHANGES]) > 1
    assert together > len(SEEDS) // 2


def test_the_hostile_budget_holds_for_the_smallest_committee() -> None:
    spent = 0
    for seed in SEEDS:
        scenario = STRATEGIES["random"](shipped_base(), ONLY, seed)
        leaving = [kind_of(fault) for fault in scenario.faults].count("remove-validator")
        left = len(scenario.validators) - leaving
        assert len(hostile_in(scenario)) <= max_faulty(left) or left < 4, seed
        assert len(hostile_in(scenario)) <= max_faulty(len(scenario.validators))
        spent += bool(leaving) and len(hostile_in(scenario)) == max_faulty(left)
    assert spent, "the budget never matters"


def test_who_leaves_is_part_of_nothing_else() -> None:
    for seed in SEEDS:
        changes = [
            fault
            for fault in STRATEGIES["random"](shipped_base(), ONLY, seed).faults
            if isinstance(fault, MembershipFault)
        ]
        for gone in (fault.about for fault in changes if fault.CHANGE == "remove"):
            assert [fault.CHANGE for fault in changes if fault.about == gone] == ["remove"]


@pytest.mark.parametrize("kind", CHANGES)
def test_each_kind_brings_a_new_epoch(kind: str) -> None:
    model = FaultModel(kinds=(kind,), sizes=(5,), hostile=0, least=1, most=1)
    base = msgspec.structs.replace(quick_base(), duration=40_000_000)
    outcomes = [run_seed(base, "random", model, seed) for seed in range(3)]
    assert not [outcome.found for outcome in outcomes if outcome.found]
    assert any("epoch-entered" in outcome.coverage for outcome in outcomes)


def test_shrinking_drops_an_observer_that_nothing_is_about() -> None:
    scenario = load("add-and-remove-validator")
    kept = next(PASSES["fewer validators"](msgspec.structs.replace(scenario, faults=())))
    assert kept.observers == ()
    with_faults = next(PASSES["fewer validators"](scenario), None)
    assert with_faults is None or with_faults.observers == scenario.observers
