"""Whole runs: correct code is accepted, planted bugs are refused at their first wrong step."""

from __future__ import annotations

import pytest

from chainsim.build import build
from chainsim.checks import SPECIFICATION, CheckResult
from chainsim.explore.model import model_of
from chainsim.explore.planting import MODULE, Planted, planted
from chainsim.explore.strategies import STRATEGIES
from chainsim.run_result import RunResult
from chainsim.testing import cluster
from chainsim.trace import Recorder
from scenarios.loader import load
from scenarios.schema import Scenario


def drawn(strategy: str, seed: int) -> Scenario:
    base = load("explore-base")
    return STRATEGIES[strategy](base, model_of(base), seed)


def run(scenario: Scenario, *further: str) -> RunResult:
    simulation = build(scenario, Recorder(), further=further)
    result = simulation.run()
    simulation.discard()
    return result


def verdict(scenario: Scenario) -> CheckResult:
    (found,) = (c for c in run(scenario, SPECIFICATION).checks if c.name == SPECIFICATION)
    return found


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_runs_of_correct_code_are_accepted(strategy: str) -> None:
    for seed in range(3):
        found = verdict(drawn(strategy, seed))
        assert found.ok, (seed, found.detail)
        assert int(found.detail.split()[0]) > 100


@pytest.mark.parametrize(
    "name",
    [
        "quick",
        "add-and-remove-validator",
        "key-rotation",
        "amnesia-beyond-f",
        "late-joiner",
    ],
)
def test_shipped_scenarios_are_accepted(name: str) -> None:
    found = verdict(load(name))
    assert found.ok, found.detail


def test_asking_changes_nothing_of_a_run() -> None:
    scenario = drawn("swarm", 4)
    plain, asked = run(scenario), run(scenario, SPECIFICATION)
    assert plain.digest == asked.digest
    assert asked.checks[:-1] == plain.checks


@pytest.mark.parametrize(
    ("number", "seed", "rule"),
    [
        (1, 1, "rule 14"),  # quorum 2f+1 at n=6
        (2, 0, "rule 4"),  # quorum 2f
        (8, 1, "rule 13"),  # no P
    ],
)
def test_planted_bugs_are_refused_where_they_act(number: int, seed: int, rule: str) -> None:
    scenarios = [drawn("swarm" if s % 2 else "random", s) for s in range(seed, seed + 12)]
    with planted(Planted(MODULE, number)):
        for scenario in scenarios:
            found = verdict(scenario)
            if not found.ok:
                assert f": {rule}" in found.detail
                return
    raise AssertionError(f"a dozen runs with bug {number} were accepted")


def test_what_came_before_the_fsync_and_after_the_decision_is_no_excuse() -> None:
    """The trace tells ``prepared`` 5 ms later, when the PREPARE that was lacking has arrived."""
    latency = 'network.latency={ kind = "uniform", low = "10ms", high = "12ms" }'
    seven = cluster(n=7, seed=1, settings=[latency, 'disk.fsync="5ms"'])
    seven.submit("a")
    seven.run_for("100ms")
    with planted(Planted(MODULE, 2)):  # quorum 2f
        found = verdict(seven.scenario)
    assert ": rule 4" in found.detail


def test_a_disk_that_takes_a_minute_is_no_reason_for_an_alarm() -> None:
    """What arrived during one fsync is read all at once, and no duty is six tellings old by it."""
    found = verdict(load("failing-disks", ('disk.fsync="400ms"',)))
    assert found.ok, found.detail


@pytest.mark.parametrize("change", ["forgotten", "twice"])
def test_a_trace_that_was_tampered_with_is_refused(change: str) -> None:
    """A run's own records, with one left out or one repeated for another node."""
    simulation = build(load("quick"), Recorder(), further=(SPECIFICATION,))
    check = simulation.suite.checks[-1]
    assert check.name == SPECIFICATION
    read = check._reached  # type: ignore[attr-defined]
    seen: list[str] = []

    def tampered(record: object) -> None:
        event = record.event  # type: ignore[attr-defined]
        seen.append(event)
        if event == "prepared" and seen.count("prepared") == 5 and change == "forgotten":
            return
        read(record)
        if event == "prepared" and seen.count("prepared") == 5 and change == "twice":
            from msgspec.structs import replace

            read(replace(record, view=1))  # type: ignore[type-var]

    from chainsim.trace import Reached

    check._read[Reached] = tampered  # type: ignore[attr-defined]
    (found,) = (c for c in simulation.run().checks if c.name == SPECIFICATION)
    assert not found.ok
    assert "rule" in found.detail
