"""Clocks that are wrong: what a node reads, when its timers run out, and that it ends."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chainsim.simulation.clock import Clock, Pace
from consensus.effects import Effect, SetTimer
from consensus.elapsed import Elapsed
from consensus.events import TimerFired
from scenarios.faults import Fault
from scenarios.faults.clock import Drift, Jump, Skew
from scenarios.faults.crash import Crash
from tests.unit.simulation.dummies import MS, SECOND, Stage, on_timer

TICK_US = 100 * MS


def ticking(faults: Sequence[Fault], until_us: int = 2 * SECOND) -> Stage:
    """``a`` and ``b`` set themselves a timer of 100 ms, over and over."""
    again: list[Effect] = [SetTimer(("tick",), TICK_US)]
    stage = Stage("ab", on_timer({"tick": again}, again))
    stage.world.add_faults(faults)
    stage.world.run(until_us)
    return stage


def readings(stage: Stage, node: str) -> list[int]:
    """What the clock showed at each tick, in milliseconds."""
    return [e.now_us // MS for e in stage.memory[node] if isinstance(e, TimerFired)]


def test_a_skewed_clock_reads_wrong_and_its_timers_run_as_ever() -> None:
    stage = ticking([Skew(node="a", by=5 * SECOND, at=450 * MS, for_=SECOND)])
    before, wrong = [100, 200, 300, 400], [5500 + 100 * i for i in range(10)]
    assert readings(stage, "a") == [*before, *wrong, *range(1500, 2001, 100)]
    assert readings(stage, "b") == list(range(100, 2001, 100))


def test_a_clock_may_be_behind_the_epoch() -> None:
    stage = ticking([Skew(node="a", by=-5 * SECOND)], 300 * MS)
    assert readings(stage, "a") == [-4900, -4800, -4700]


def test_a_drifting_clock_takes_its_timers_along() -> None:
    """Twice too fast: 100 ms of it are 50 ms. What ran already keeps the local time left."""
    stage = ticking([Drift(node="a", rate=2_000_000, at=450 * MS, for_=SECOND)])
    shown = readings(stage, "a")
    # 50 ms were left of the tick that ran: they pass in 25, at 475 ms, when it reads 500.
    assert shown[:7] == [100, 200, 300, 400, 500, 600, 700]
    assert shown[4 + 20 :] == [1500, 1600, 1700, 1800, 1900, 2000]
    assert len(shown) == 4 + 20 + 6


def test_a_jump_forward_has_timers_run_out_at_once_and_a_jump_back_leaves_them() -> None:
    stage = ticking([Jump(node="a", by=5 * SECOND, at=450 * MS, for_=SECOND)])
    assert readings(stage, "a")[3:6] == [400, 5450, 5550]
    assert readings(stage, "a")[-2:] == [1850, 1950]
    back = ticking([Jump(node="a", by=-5 * SECOND, at=450 * MS, for_=SECOND)])
    assert readings(back, "a")[3:6] == [400, -4500, -4400]
    assert readings(back, "a")[13:16] == [-3600, 1450, 1550]


def test_wrong_clocks_add_up_outlive_a_crash_and_end_one_by_one() -> None:
    faults = [
        Skew(node="a", by=7 * SECOND, at=100 * MS + 1),
        Jump(node="a", by=-SECOND, at=300 * MS + 1, for_=SECOND),
        Drift(node="a", rate=1_500_000, at=SECOND, for_=500 * MS),
        Crash(node="a", at=600 * MS, for_=100 * MS),
    ]
    stage = ticking(faults)
    assert readings(stage, "a")[:4] == [100, 7200, 7300, 6400]
    assert stage.boots("a")[1].now_us == 6700 * MS
    assert stage.world.hosts[1].clock is not None
    assert stage.world.hosts[1].clock.read(1400 * MS) == 8400 * MS  # the skew alone goes on


def test_delays_are_whole_and_never_too_short() -> None:
    clock = Clock(paces=(Pace(0, 3_000_000),))
    assert [clock.delay(0, local_us) for local_us in (0, 1, 3, 4)] == [0, 1, 1, 2]
    assert clock.read(10) == 30
    slow = Clock(paces=(Pace(0, 10_000), Pace(0, 10_000)))
    assert slow.delay(0, 1) == 1000  # two at once would stop it for good
    assert Clock(-7).delay(5, 9) == 9


def test_time_that_passed_is_never_taken_back() -> None:
    elapsed = Elapsed()
    assert [elapsed.at(now) for now in (5, 9, 9, 100, 10, 12)] == [5, 9, 9, 100, 100, 102]


@pytest.mark.parametrize(
    ("fault", "hostile"),
    [
        (Skew(node="a", by=500 * MS), False),
        (Skew(node="a", by=-501 * MS), True),
        (Jump(node="a", by=500 * MS, at=1), False),
        (Jump(node="a", by=501 * MS, at=1), True),
        (Drift(node="a", rate=1_010_000), True),
        (Drift(node="a", rate=1_010_000, for_=50 * SECOND), False),
        (Drift(node="a", rate=1_010_000, at=SECOND, until=51 * SECOND), False),
        (Drift(node="a", rate=500_000, for_=1001 * MS), True),
    ],
)
def test_who_is_wrong_beyond_the_drift_bound_counts_as_hostile(fault: Fault, hostile: bool) -> None:
    assert fault.makes_hostile() == hostile
