"""When a failure became likely: chance anew from a moment, the share of runs that still fail."""

from __future__ import annotations

import json
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chainsim.build import Simulation, build
from chainsim.explore.likelihood import (
    Likelihood,
    NothingFails,
    Point,
    likelihood,
    measure,
    reseeded,
)
from chainsim.explore.model import FaultModel
from chainsim.explore.outcome import run_scenario
from chainsim.explore.planting import Planted, planted
from chainsim.explore.runner import Here, Interrupted
from chainsim.explore.strategies import STRATEGIES
from chainsim.trace import MILESTONES, Record, Recorder
from scenarios.loader import resolved_toml
from scenarios.schema import Scenario
from tests.unit.cli.conftest import Chainsim
from tests.unit.explore.support import quick_base

FORK = Planted("tests.mutants", 2)
SMALL = {"points": 4, "tries": 4}


@cache
def failing() -> Scenario:
    """A scenario that forks with too small a quorum, and not at its first block."""
    with planted(FORK):
        for seed in range(60):
            scenario = STRATEGIES["random"](quick_base(), FaultModel(), seed)
            outcome = run_scenario(scenario)
            if outcome.found and outcome.found[0].check == "agreement":
                return scenario
    raise AssertionError("a fork is found within 60 seeds")


@cache
def curve() -> Likelihood:
    return likelihood(failing(), "agreement", Here(), mutant=FORK, **SMALL)


def trace(scenario: Scenario, begin: Any = None) -> list[Record]:
    recorder, records = Recorder(), list[Record]()
    for kind in MILESTONES:
        recorder.subscribe(kind, records.append)
    simulation: Simulation = build(scenario, recorder)
    if begin is not None:
        begin(simulation)
    simulation.run()
    return records


def test_up_to_the_moment_all_is_as_it_was_and_then_chance_is_another() -> None:
    scenario = STRATEGIES["random"](quick_base(), FaultModel(hostile=1_000_000), 1)
    at_us = 150_000

    def anew(name: str) -> Any:
        def begin(simulation: Simulation) -> None:
            simulation.world.run(at_us, stop=simulation.world.settled)
            if name:
                simulation.world.reseed(name)

        return begin

    plain, stopped = trace(scenario), trace(scenario, anew(""))
    assert stopped == plain, "to stop in between changes nothing"
    first, again, other = (
        trace(scenario, anew("1")),
        trace(scenario, anew("1")),
        trace(scenario, anew("2")),
    )
    assert first == again
    assert plain != first != other != plain
    before = [record for record in plain if record.at_us <= at_us]
    assert before
    for records in (first, other):
        assert [record for record in records if record.at_us <= at_us] == before


def test_the_share_rises_to_one_at_the_violation() -> None:
    found = curve()
    assert found.check == "agreement"
    assert len(found.points) == 4 + 2
    assert found.points[-1].at_us == found.failed_us
    assert found.points[-1].share == 1.0
    first, last = found.rise
    assert first.share < last.share, "at some time it wasn't decided yet"
    assert [point.at_us for point in found.points] == sorted({p.at_us for p in found.points})


def test_a_point_is_a_function_of_run_and_moment() -> None:
    from chainsim.explore.likelihood import Task

    point = curve().points[1]
    task = Task(scenario=failing(), check="agreement", tries=4, mutant=FORK)
    assert measure(task, point.at_us) == point
    low, high = point.interval
    assert 0 <= low <= point.share <= high <= 1


def test_right_code_is_not_made_to_fail() -> None:
    assert reseeded(failing(), 100_000, 1).found == ()
    with pytest.raises(NothingFails, match="it violates nothing"):
        likelihood(failing(), "", Here(), points=2, tries=1)
    with planted(FORK), pytest.raises(NothingFails, match="not money"):
        likelihood(failing(), "money", Here(), points=2, tries=1)


def test_an_interrupt_keeps_the_points_that_are_done() -> None:
    class OneByOne(Here):
        """The first at once, the others never."""

        given = 0

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            self.given += 1
            return super().submit(fn, *args) if self.given == 1 else Future()

    def enough(done: int, total: int) -> None:
        assert (done, total) == (1, 3 + 1)
        raise Interrupted

    found = likelihood(failing(), "", OneByOne(), points=3, tries=1, mutant=FORK, tell=enough)
    assert found.interrupted
    assert [point.at_us for point in found.points] == [0]


def test_the_steepest_step_is_the_earliest_of_equals() -> None:
    points = tuple(
        Point(at_us=at_us, runs=4, fails=fails) for at_us, fails in enumerate((0, 2, 2, 4))
    )
    found = Likelihood(check="c", detail="d", failed_us=3, points=points, events=())
    assert found.rise == (points[0], points[1])


def test_the_command(chainsim: Chainsim, tmp_path: Path) -> None:
    (tmp_path / "failing.toml").write_text(resolved_toml(failing()))
    asked = ("when", "failing.toml", "--points", "3", "--tries", "2")
    with planted(FORK):
        plot = chainsim(*asked)
        found = json.loads(chainsim(*asked, "--json").stdout)
    assert plot.returncode == 0, plot.stderr
    assert "100%" in plot.stdout
    assert "It rises most between" in plot.stdout
    assert found["check"] == "agreement"
    assert found["points"][-1]["share"] == 1.0
    assert len(found["rise_us"]) == 2
    refused = chainsim(*asked)
    assert refused.returncode == 2
    assert "doesn't fail: it violates nothing" in refused.stderr
