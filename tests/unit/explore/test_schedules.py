"""The strategies that draw schedules, not faults of all kinds: twins, byzzfuzz and pct."""

from __future__ import annotations

import msgspec
import pytest

from chainsim.cli.explore import STRATEGIES as OFFERED
from chainsim.explore.byzzfuzz import LIES, NETWORK, PROCESS
from chainsim.explore.ground import CantDraw
from chainsim.explore.model import BYZANTINE, FaultModel, cast_of, hostile_in, kind_of, model_of
from chainsim.explore.outcome import run_scenario, run_seed
from chainsim.explore.planting import Planted, planted
from chainsim.explore.priorities import DEPTH, MOST_ASIDE
from chainsim.explore.strategies import STRATEGIES
from chainsim.explore.twin_rounds import ROUNDS
from scenarios.faults.byzantine import ByzantineFault
from scenarios.faults.mangle import Mangle
from scenarios.faults.priorities import Priorities
from tests.unit.explore.support import quick_base, shipped_base

SEEDS = range(60)
SCHEDULES = ("twins", "byzzfuzz", "pct")


def test_the_command_offers_every_strategy() -> None:
    assert set(STRATEGIES) <= set(OFFERED)


# twins


@pytest.mark.parametrize("n", [4, 7])
def test_every_process_is_in_one_of_two_partitions_in_each_view(n: int) -> None:
    model = FaultModel(sizes=(n,))
    both = taken = 0
    for seed in SEEDS:
        scenario = STRATEGIES["twins"](quick_base(), model, seed)
        ids = cast_of(scenario).ids
        doubled = {f.node: f for f in scenario.faults if isinstance(f, ByzantineFault)}
        assert 1 <= len(doubled) <= (n - 1) // 3
        single = [id_ for id_ in ids if id_ not in doubled]
        mangled = [f for f in scenario.faults if isinstance(f, Mangle)]
        assert len(doubled) + len(mangled) == len(scenario.faults)
        cuts = [f for f in mangled if f.from_]
        turns = [(f.type, f.view) for f in mangled if not f.from_]
        assert turns in ([], [("pre-prepare", view) for view in range(ROUNDS)])
        taken += bool(turns)
        for fault in doubled.values():
            assert len(fault.groups) == 2 * (ROUNDS + 1)
            assert set(fault.groups[-1]) == set(fault.groups[-2]) == set(ids) - {fault.node}
            for view in range(ROUNDS):
                first, second = fault.groups[2 * view : 2 * view + 2]
                parts = _sides(cuts, view)
                alone = [set(part) & set(single) for part in (first, second)]
                # Both copies in one partition, or each with the part of the others it is in.
                assert all(side in parts or side in ([], set(), set(single)) for side in alone)
                both += alone[0] == alone[1] != set()
    assert both, "at times both copies are in one partition"
    assert 0 < taken < len(SEEDS), "in some seeds each leader has its turn"


def _sides(cuts: list[Mangle], view: int) -> list[set[str]]:
    here = [cut for cut in cuts if cut.view == view]
    assert len(here) in (0, 2), "a cut is in both directions"
    if here:
        assert (here[0].from_, here[0].to) == (here[1].to, here[1].from_)
    return [set(cut.to) for cut in here]


def test_twins_find_a_quorum_that_is_too_small_and_nothing_in_right_code() -> None:
    base, model = quick_base(), FaultModel()
    with planted(Planted("tests.mutants", 2)):
        found = [run_seed(base, "twins", model, seed).found for seed in range(12)]
    assert "agreement" in {each.check for several in found for each in several}
    for seed in range(12):
        assert run_seed(base, "twins", model, seed).found == ()


def test_twins_of_nobody_are_refused() -> None:
    with pytest.raises(CantDraw, match="3 validators with 0 hostile"):
        STRATEGIES["twins"](quick_base(), FaultModel(sizes=(3,)), 1)


# byzzfuzz


def test_byzzfuzz_draws_few_faults_each_in_one_round() -> None:
    base = shipped_base()
    fields, network = set(), 0
    for seed in SEEDS:
        scenario = STRATEGIES["byzzfuzz"](base, model_of(base), seed)
        lies = [fault for fault in scenario.faults if isinstance(fault, ByzantineFault)]
        cuts = [fault for fault in scenario.faults if isinstance(fault, Mangle)]
        assert len(lies) + len(cuts) == len(scenario.faults) > 0
        assert len(lies) <= PROCESS
        assert len(cuts) <= 2 * NETWORK
        assert len(hostile_in(scenario)) <= 1
        assert all(cut.view is not None and isinstance(cut.type, str) for cut in cuts)
        for lie in lies:
            (kind,) = lie.types
            assert lie.field in LIES[kind]
            assert (lie.view is None) == (kind == "checkpoint")
            fields.add(lie.field)
        network += len(cuts)
    assert fields == {field for known in LIES.values() for field in known}
    assert network


# pct


def test_pct_orders_all_validators_with_few_change_points() -> None:
    base = shipped_base()
    points = set()
    for seed in SEEDS:
        scenario = STRATEGIES["pct"](base, model_of(base), seed)
        (order,) = (fault for fault in scenario.faults if isinstance(fault, Priorities))
        assert sorted(order.order) == sorted(cast_of(scenario).ids)
        points.add(len(order.changes))
        others = [f for f in scenario.faults if kind_of(f) not in (BYZANTINE, "priorities")]
        assert len(others) <= MOST_ASIDE
    assert points == set(range(DEPTH))


def test_an_order_of_priorities_changes_the_run_and_its_change_points_do_too() -> None:
    base = quick_base()
    fields = {"order": ("v2", "v0", "v3", "v1"), "step": 20_000, "at": 1, "for_": 2_000_000}
    plain = run_scenario(base).digest
    orders = [Priorities(**fields), Priorities(**fields, changes=(40,))]  # type: ignore[arg-type]
    changed = [
        run_scenario(msgspec.structs.replace(base, faults=(order,))).digest for order in orders
    ]
    assert len({plain, *changed}) == 3


@pytest.mark.parametrize("strategy", SCHEDULES)
def test_right_code_gives_no_alarm(strategy: str) -> None:
    base = shipped_base()
    for seed in range(3):
        assert run_seed(base, strategy, model_of(base), seed, memoise=True).found == (), seed
