"""Wrong clocks and hostile clients, drawn beside all else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from chainsim.explore import aside
from chainsim.explore.aside import ASIDE, INTRUDER
from chainsim.explore.model import FaultModel, hostile_in, kind_of, model_of
from chainsim.explore.passes import fewer_validators
from chainsim.explore.planting import swapped
from chainsim.explore.strategies import STRATEGIES
from consensus.types import max_faulty
from nodes.hostile_clients import ATTACKS
from scenarios.faults import Fault
from scenarios.fitting import problems
from scenarios.loader import load, load_text, resolved_toml
from scenarios.schema import Scenario

BASE = load("explore-base")
DRAWING = ("random", "swarm", "coverage")


@contextmanager
def chance(ppm: int) -> Iterator[None]:
    with swapped((aside, "CHANCE", ppm)):
        yield


def drawn(strategy: str, seed: int, model: FaultModel | None = None) -> Scenario:
    return STRATEGIES[strategy](BASE, model or model_of(BASE), seed)


def others(scenario: Scenario) -> list[Fault]:
    return [fault for fault in scenario.faults if kind_of(fault) not in ASIDE]


@pytest.mark.parametrize("strategy", DRAWING)
def test_what_else_a_seed_draws_stays_as_it_is(strategy: str) -> None:
    for seed in range(40):
        with chance(0):
            without = drawn(strategy, seed)
        with chance(1_000_000):
            beside = drawn(strategy, seed)
        assert others(beside) == list(without.faults)
        assert len(beside.faults) > len(without.faults)
        assert not any(party.id == INTRUDER for party in without.genesis.parties)


@pytest.mark.parametrize("strategy", DRAWING)
def test_it_is_within_the_budget_ends_and_loads(strategy: str) -> None:
    with chance(1_000_000):
        for seed in range(40):
            scenario = drawn(strategy, seed)
            assert len(hostile_in(scenario)) <= max_faulty(len(scenario.validators))
            for fault in scenario.faults:
                assert kind_of(fault) not in ASIDE or fault.for_
            assert problems(scenario) == []
    assert load_text(resolved_toml(scenario)) == scenario


def test_few_seeds_have_any() -> None:
    with_some = sum(
        len(others(s)) < len(s.faults) for s in (drawn("random", i) for i in range(300))
    )
    assert 20 < with_some < 100


def test_a_model_of_nothing_else_always_draws_them() -> None:
    model = FaultModel(kinds=("skew", "flood"))
    for seed in range(10):
        kinds = {kind_of(fault) for fault in drawn("swarm", seed, model).faults}
        assert kinds == {"skew", "flood"}


def test_only_what_the_model_allows_is_drawn() -> None:
    with chance(1_000_000):
        for seed in range(20):
            assert others(s := drawn("random", seed, FaultModel(kinds=("crash",)))) == list(
                s.faults
            )


def test_where_nobody_keeps_accounts_no_client_attacks() -> None:
    bare = msgspec.structs.replace(
        BASE, genesis=msgspec.structs.replace(BASE.genesis, include="none", parties=(), accounts=())
    )
    with chance(1_000_000):
        for seed in range(10):
            kinds = {kind_of(f) for f in STRATEGIES["random"](bare, FaultModel(), seed).faults}
            assert not kinds & set(ATTACKS)


def test_who_attacks_no_more_is_taken_out_of_a_smaller_scenario() -> None:
    with chance(1_000_000):
        scenario = drawn("random", 1)
    assert any(party.id == INTRUDER for party in scenario.genesis.parties)
    calmer = msgspec.structs.replace(scenario, faults=tuple(others(scenario)))
    assert next(iter(fewer_validators(calmer))).genesis == BASE.genesis
    assert next(iter(fewer_validators(scenario))).genesis == scenario.genesis
