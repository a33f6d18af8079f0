"""What wrong clocks do to a network, and what its rules keep them from doing (PBFT rule 8)."""

from __future__ import annotations

import pytest

from chainsim.exit_codes import ExitCode
from chainsim.explore.planting import swapped
from consensus.elapsed import Elapsed
from consensus.pbft.normal_case import NormalCase
from consensus.protocol import CLOCK_DRIFT_US
from tests.simulation.runs import Run


def fault(kind: str, fields: str) -> str:
    return f'\n[[faults]]\nkind = "{kind}"\n{fields}\n'


def ahead_us(run: Run) -> int:
    """By how much the farthest block time was ahead of the moment of its first execution."""
    first: dict[int, int] = {}
    for record in run.executions():
        first.setdefault(record.sequence, record.at_us)
    return max(b.header.time_us - first[b.header.height] for b in run.result.chain)


AHEAD = fault("skew", 'node = "v0"\nby = "20s"\nat = "1s"')


def test_a_primary_whose_clock_is_ahead_is_held_back_and_deposed() -> None:
    run = Run(AHEAD)
    assert run.result.exit_code == ExitCode.OK, run.why()
    causes = {record.cause for record in run.reached("view-change-started", "v1")}
    assert any("not executed in time" in cause for cause in causes)
    assert {block.certificate.view for block in run.result.chain} == {0, 1}
    assert ahead_us(run) < CLOCK_DRIFT_US
    assert run.result.metrics["transactions_final"] == 40


def test_without_the_rule_a_wrong_clock_becomes_everybodys_time() -> None:
    """Rule 8 broken: nobody holds a proposal back, and business time runs 20 s ahead for good."""
    with swapped((NormalCase, "_is_ahead_of_clock", lambda self, batch: False)):
        run = Run(AHEAD)
    assert ahead_us(run) > 19_000_000
    assert run.result.metrics["view_changes"] == 0


def test_a_clock_within_the_bound_deposes_nobody() -> None:
    run = Run(
        fault("skew", 'node = "v0"\nby = "400ms"') + fault("skew", 'node = "v3"\nby = "-99ms"')
    )
    assert run.result.exit_code == ExitCode.OK, run.why()
    assert run.result.metrics["view_changes"] == 0
    assert 300_000 < ahead_us(run) < CLOCK_DRIFT_US
    assert run.simulation.context.honest == {"v0", "v1", "v2", "v3"}


@pytest.mark.parametrize("by", ["-20s", "-400ms"])
def test_a_clock_that_is_behind_does_not_turn_back_time(by: str) -> None:
    run = Run(fault("skew", f'node = "v0"\nby = "{by}"\nat = "1s"'))
    assert run.result.exit_code == ExitCode.OK, run.why()
    times = [block.header.time_us for block in run.result.chain]
    assert times == sorted(times)


def test_timers_run_out_early_on_a_fast_clock() -> None:
    """The primary gives itself up within 50 ms, the others after their 500."""
    run = Run(fault("drift", 'node = "v0"\nrate = 20.0\nat = "1s"'))
    assert run.result.exit_code == ExitCode.OK, run.why()
    left = [(record.node, record.at_us) for record in run.reached("view-change-started")]
    assert left[0][0] == "v0"
    assert left[0][1] < 1_100_000
    assert min(at_us for node, at_us in left if node != "v0") > 1_500_000
    assert run.result.metrics["transactions_final"] == 40


SET_BACK = fault("jump", 'node = "v0"\nby = "300ms"\nat = "1s"\nfor = "70ms"')


def test_a_primary_whose_clock_is_set_back_goes_on_at_once() -> None:
    run = Run(SET_BACK)
    assert run.result.metrics["finality_max"] < 200_000, run.why()


def test_one_that_waits_for_its_clock_to_come_again_would_keep_everybody_waiting() -> None:
    def reading(self: Elapsed, reading_us: int) -> int:
        self.now_us = reading_us
        return reading_us

    with swapped((Elapsed, "at", reading)):
        run = Run(SET_BACK)
    assert run.result.metrics["finality_max"] > 300_000
