"""Votes that only count, and CPUs that go ahead of the run, change only the time that it takes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chainsim.build import Simulation, build
from chainsim.explore.model import model_of
from chainsim.explore.planting import Planted, planted
from chainsim.explore.strategies import STRATEGIES
from chainsim.run_result import RunResult
from chainsim.simulation import world
from chainsim.simulation.inbox import Inbox
from chainsim.trace import Recorder
from consensus.pbft.tally import MORE, Tally
from scenarios.loader import load_text
from scenarios.schema import Scenario
from tests.unit.explore.support import shipped_base

BUSY = """
schema = 1
name = "busy"
title = "CPUs that can hardly keep up"
seed = {seed}
duration = "30s"
validators = {n}

[consensus]
signatures = "fast"
checkpoint_interval = 4
window = 8

[cpu]
verify = "{verify}"
sign = "1ms"

[genesis]
include = "cash"

[[workload]]
kind = "transfers"
rate = "40/s"
start = "1s"
stop = "2s"
"""


@pytest.fixture(autouse=True)
def _few_validators_go_ahead_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "AHEAD_FROM", 1)


def came_to(scenario: Scenario, *, plain: bool) -> tuple[Any, ...]:
    """All that a run comes to, and whether CPUs went ahead in it."""
    simulation = build(scenario, memoise=True, plain=plain)
    result = simulation.run()
    ahead = went_ahead(simulation)
    return (seen(result), ahead)


def seen(result: RunResult) -> tuple[Any, ...]:
    return (
        result.digest,
        result.messages,
        result.virtual_time_us,
        result.metrics,
        result.checks,
        result.end,
    )


def went_ahead(simulation: Simulation) -> bool:
    return any(host.inbox is not None for host in simulation.world.validators)


@pytest.mark.parametrize("strategy", ["random", "swarm"])
def test_faulty_runs_are_the_same(strategy: str) -> None:
    """Crashes, pauses, slow CPUs, liars, wrong clocks, clogged lines: whatever may be foreseen."""
    base = shipped_base()
    model = replace(model_of(base), triggered=0)
    went = 0
    for seed in range(16):
        scenario = STRATEGIES[strategy](base, model, seed)
        short, ahead = came_to(scenario, plain=False)
        plain, never = came_to(scenario, plain=True)
        assert not never
        assert short == plain, seed
        went += ahead
    assert went > 8, "some faults are always waited for"


@pytest.mark.parametrize("verify", ["1us", "150us", "2ms"])
@pytest.mark.parametrize("n", [4, 7, 13])
def test_long_queues_are_worked_off_in_the_same_order(n: int, verify: str) -> None:
    """With slow CPUs several messages of one sender wait, and clients wait behind consensus."""
    scenario = load_text(BUSY.format(seed=n, n=n, verify=verify), "busy")
    short, ahead = came_to(scenario, plain=False)
    assert ahead
    assert short == came_to(scenario, plain=True)[0]


SET_BACK = """
[[faults]]
kind = "jump"
nodes = ["v0"]
at = "{at}us"
by = "-40ms"
"""


@pytest.mark.parametrize("ahead_from", [1, 16])
def test_a_vote_that_only_counts_tells_the_time_like_any_other(
    ahead_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Local time that passed is what was read of the clock before it was set back: a reading that
    the short way kept to itself would be missing (a fresh reader's find)."""
    monkeypatch.setattr(world, "AHEAD_FROM", ahead_from)
    for seed in range(16):
        text = BUSY.format(seed=seed, n=4, verify="150us").replace('"1s"', '"50ms"')
        text = text.replace('"40/s"', '"100/s"').replace('"2s"', '"400ms"')
        scenario = load_text(text + SET_BACK.format(at=200_000 + 3371 * seed), "busy")
        assert came_to(scenario, plain=False)[0] == came_to(scenario, plain=True)[0], seed


def test_faults_that_wait_for_something_keep_cpus_in_the_present() -> None:
    text = BUSY.format(seed=1, n=4, verify="150us") + (
        '[[faults]]\nkind = "crash"\nnodes = ["v1"]\nfor = "1s"\n'
        'when = { event = "prepared", node = "v2", sequence = 3 }\n'
    )
    simulation = build(load_text(text, "busy"))
    simulation.run()
    assert not went_ahead(simulation)


def test_whoever_wants_every_message_gets_the_long_way() -> None:
    scenario = load_text(BUSY.format(seed=1, n=4, verify="150us"), "busy")
    recorder = Recorder("messages")
    simulation = build(scenario, recorder)
    result = simulation.run()
    assert not went_ahead(simulation)
    assert result.digest == came_to(scenario, plain=False)[0][0]


def test_most_votes_go_the_short_way_and_cpus_go_far_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    looks: list[int] = []
    count, advance = Tally.count, Inbox.advance

    def counting(self: Tally, message: Any, now_us: int) -> int:
        counted.append(count(self, message, now_us))
        return counted[-1]

    def advancing(self: Inbox, now_us: int, event_id: int = 0) -> None:
        looks.append(now_us)
        advance(self, now_us, event_id)

    monkeypatch.setattr(Tally, "count", counting)
    monkeypatch.setattr(Inbox, "advance", advancing)
    result = build(load_text(BUSY.format(seed=1, n=13, verify="150us"), "busy")).run()
    delivered = sum(result.messages.delivered.values())
    assert sum(1 for checks in counted if checks != MORE) > delivered * 3 // 5
    assert len(looks) < delivered * 2 // 5, "several messages at each look"


def test_planted_bugs_go_the_long_way() -> None:
    """What a planted bug breaks may be just what the short way does otherwise."""
    scenario = load_text(BUSY.format(seed=1, n=4, verify="150us"), "busy")
    with planted(Planted("tests.mutants", 3)):
        simulation = build(scenario)
    assert simulation.world.plain
    assert not build(scenario).world.plain


def test_few_validators_stay_in_the_present(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "AHEAD_FROM", 5)
    for n, ahead in ((4, False), (5, True)):
        assert (
            came_to(load_text(BUSY.format(seed=1, n=n, verify="1us"), "busy"), plain=False)[1]
            is ahead
        )
