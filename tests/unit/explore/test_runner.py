"""Sweeps: the same whatever the jobs, whatever was interrupted."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chainsim.explore.chunks import CHUNK, run_chunk
from chainsim.explore.journal import Journal, WrongJournal, folder_of
from chainsim.explore.outcome import run_scenario, run_seed
from chainsim.explore.report import report
from chainsim.explore.runner import Here, Interrupted, Sweep, executor_for, sweep
from chainsim.recorded_run import run_recorded
from tests.unit.explore.support import a_job

SEEDS = CHUNK + 8
COMMIT_BUG = 3
"""Votes counted per message: found within a few seeds."""


def facts(found: Sweep) -> tuple[object, ...]:
    return found.runs, found.failures, found.digest, found.coverage, found.findings.groups


def test_two_jobs_find_what_one_finds() -> None:
    job = a_job(mutant=COMMIT_BUG)
    alone = sweep(job, 0, SEEDS, Here())
    with executor_for(2) as executor:
        together = sweep(job, 0, SEEDS, executor, jobs=2)
    assert facts(alone) == facts(together)
    assert alone.failures, "the planted bug reached the workers"


class Backwards(Here):
    """Finishes what it was given last first."""

    WAITS = 3

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any, Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        if len(self.waiting) == self.WAITS:
            for each, call, given in reversed(self.waiting):
                each.set_result(call(*given))
            self.waiting.clear()
        return future


def test_results_are_merged_in_order_of_seeds_whatever_comes_first() -> None:
    job = a_job()
    assert facts(sweep(job, 12, 36, Backwards(), jobs=3)) == facts(sweep(job, 12, 36, Here()))


def test_any_executor_will_do() -> None:
    job = a_job()
    with ThreadPoolExecutor(1) as executor:
        assert facts(sweep(job, 3, 12, executor)) == facts(sweep(job, 3, 12, Here()))


def test_an_interrupted_sweep_goes_on_and_comes_to_the_same(tmp_path: Path) -> None:
    job = a_job(mutant=COMMIT_BUG)
    whole = sweep(job, 0, SEEDS, Here())

    def enough(found: Sweep) -> None:
        if found.runs >= CHUNK:
            raise Interrupted

    journal = Journal(folder_of(tmp_path, job), job, resume=False)
    part = sweep(job, 0, SEEDS, Here(), journal=journal, tell=enough)
    journal.close()
    assert part.interrupted
    assert 0 < part.runs < SEEDS
    journal.path.write_bytes(journal.path.read_bytes() + b'{"count":16,"chu')  # torn by a kill

    journal = Journal(folder_of(tmp_path, job), job, resume=True)
    rest = sweep(job, 0, SEEDS, Here(), journal=journal)
    journal.close()
    assert facts(rest) == facts(whole)
    assert rest.resumed == part.runs

    journal = Journal(folder_of(tmp_path, job), job, resume=True)
    again = sweep(job, 0, SEEDS, Here(), journal=journal)
    journal.close()
    assert (facts(again), again.resumed) == (facts(whole), SEEDS)


class Breaking(Here):
    """Loses its workers after the first chunk."""

    def __init__(self) -> None:
        self.given = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given += 1
        if self.given == 1:
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("a process was killed"))
        return future


def test_a_sweep_whose_workers_die_keeps_what_is_done_and_says_so(tmp_path: Path) -> None:
    job = a_job()
    journal = Journal(folder_of(tmp_path, job), job, resume=False)
    part = sweep(job, 0, SEEDS, Breaking(), journal=journal)
    journal.close()
    assert (part.runs, part.interrupted) == (CHUNK, True)
    done = report(job, 0, {}, part)
    assert "a process was killed" in done.lost
    assert done.exit_code == 70
    journal = Journal(folder_of(tmp_path, job), job, resume=True)
    rest = sweep(job, 0, SEEDS, Here(), journal=journal)
    journal.close()
    assert (rest.resumed, rest.lost) == (CHUNK, "")
    assert facts(rest) == facts(sweep(job, 0, SEEDS, Here()))


def test_the_journal_of_another_sweep_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path, a_job("swarm"), resume=False).close()
    with pytest.raises(WrongJournal, match="another sweep"):
        Journal(tmp_path, a_job("random"), resume=True)
    (tmp_path / "journal.jsonl").write_text("nonsense")
    with pytest.raises(WrongJournal, match="isn't the journal"):
        Journal(tmp_path, a_job("random"), resume=True)


def test_a_sweep_ends_with_its_first_failure_whatever_the_jobs() -> None:
    job = a_job(mutant=COMMIT_BUG, stop_on_failure=True)
    alone = sweep(job, 0, 1000, Here())
    assert alone.failures == 1
    assert alone.runs < 1000
    assert facts(sweep(job, 0, 1000, Backwards(), jobs=3)) == facts(alone)


def test_no_time_no_runs() -> None:
    found = sweep(a_job(), 0, 1000, Here(), limit_s=0.0)
    assert (found.runs, found.failures) == (0, 0)


def test_chunks_lie_on_fixed_boundaries_so_that_a_longer_sweep_shares_them() -> None:
    seeds: list[tuple[int, int]] = []

    class Listing(Here):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            seeds.append(args[1:])
            return super().submit(fn, *args, **kwargs)

    sweep(a_job(), 10, 34, Listing())
    assert seeds == [(10, 6), (16, 16), (32, 2)]


def test_an_outcome_is_that_of_the_recorded_run(tmp_path: Path) -> None:
    from chainsim.explore.strategies import STRATEGIES

    job = a_job()
    outcome = run_seed(job.base, job.strategy, job.model, 5)
    drawn = STRATEGIES[job.strategy](job.base, job.model, 5)
    assert outcome == run_scenario(drawn)
    assert run_recorded(drawn, tmp_path, "milestones").digest == outcome.digest


def test_what_our_code_raises_is_found_and_named() -> None:
    from chainsim.explore.planting import swapped
    from consensus.pbft.slot import Slot

    def broken(self: Slot, phase: object) -> None:
        raise AssertionError("a slot that breaks")

    with swapped((Slot, "advance", broken)):
        found = sweep(a_job(), 0, 2, Here())
    (group,) = found.findings.groups
    assert (group.kind, group.count) == ("error", 2)
    assert "AssertionError in broken" in group.detail
    assert report(a_job(), 0, {}, found).exit_code == 70


def test_a_sweep_in_which_nothing_happened_says_so() -> None:
    from chainsim.explore.model import FaultModel

    job = a_job(model=FaultModel(kinds=("slow",), least=1, most=1, fsyncs_us=()))
    done = report(job, 0, {}, sweep(job, 0, 4, Here()))
    assert {"view-change", "crash", "null-request"} <= set(done.never_seen)
    assert "checkpoint" not in done.never_seen
    assert done.exit_code == 0


def test_a_chunk_leaves_the_collector_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    run_chunk(a_job(), 0, 1)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
