"""Seeds that are run twice: a node that isn't deterministic is caught."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any

import pytest
from msgspec.structs import replace

from chainsim.explore.chunks import CHUNK, Chunk, Job, run_chunk
from chainsim.explore.executors import opened
from chainsim.explore.journal import job_digest
from chainsim.explore.planting import Planted
from chainsim.explore.report import report
from chainsim.explore.runner import Here, Sweep, sweep
from chainsim.explore.twice import CHECK, Twice, compared
from tests.unit.cli.conftest import Chainsim
from tests.unit.explore.support import QUICK, a_job
from tests.unit.explore.test_runner import COMMIT_BUG, facts

MODULE = "tests.unit.explore.nondeterministic"
SEEDS = CHUNK // 2


def suspect(number: int, **changes: object) -> Job:
    return replace(a_job(**changes), mutant=Planted(MODULE, number))


def elsewhere(job: Job) -> Sweep:
    with opened("local", 1, twice=True) as (executor, room):
        return sweep(job, 0, SEEDS, executor, jobs=room)


def test_a_node_that_hangs_on_the_order_of_a_set_is_caught_under_another_hash_seed() -> None:
    found = elsewhere(suspect(2))
    (group,) = found.findings.groups
    assert (group.check, group.kind) == (CHECK, "error")
    assert found.failures == group.count
    assert report(suspect(2), 0, {}, found).exit_code == 70
    assert elsewhere(suspect(1)).failures == 0


def test_a_node_that_hangs_on_earlier_runs_is_caught_as_seeds_run_backwards() -> None:
    assert sweep(suspect(3), 0, CHUNK, Twice(Here(), Here())).failures
    assert sweep(suspect(1), 0, CHUNK, Twice(Here(), Here())).failures == 0
    assert sweep(suspect(3), 0, CHUNK, Here()).failures == 0, "once is not enough"


def test_what_is_found_besides_stays_as_it_is() -> None:
    job = a_job(mutant=COMMIT_BUG)
    assert facts(sweep(job, 0, CHUNK, Twice(Here(), Here()))) == facts(sweep(job, 0, CHUNK, Here()))
    first = a_job(mutant=COMMIT_BUG, stop_on_failure=True)
    twice = sweep(first, 0, CHUNK, Twice(Here(), Here()))
    assert facts(twice) == facts(sweep(first, 0, CHUNK, Here()))


def test_an_odd_seed_is_a_failure_beside_the_others() -> None:
    job = a_job(mutant=COMMIT_BUG, digests=True)
    chunk = run_chunk(job, 0, SEEDS)
    other = list(chunk.digests)
    odd = next(seed for seed in range(SEEDS) if seed not in chunk.failing)
    other[odd] = "another"
    found = compared(chunk, replace(chunk, digests=tuple(other)))
    assert found.failing == tuple(sorted((*chunk.failing, odd)))
    assert found.failures == chunk.failures + 1
    assert compared(chunk, chunk) is chunk


class Waiting(Here):
    """Never begins."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()


class Broken(Here):
    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(OSError("a wire was cut"))
        return future


def test_both_are_cancelled_and_an_error_of_either_comes_through() -> None:
    pair: Future[Chunk] = Twice(Waiting(), Waiting()).submit(run_chunk, a_job(), 0, 1)
    assert pair.cancel()
    half: Future[Chunk] = Twice(Waiting(), Broken()).submit(run_chunk, a_job(), 0, 1)
    assert not half.cancel()
    with pytest.raises(OSError, match="wire"):
        Twice(Here(), Broken()).submit(run_chunk, a_job(), 0, 1).result(timeout=5)


def test_seeds_that_ran_once_are_not_taken_for_twice() -> None:
    """From a journal: ``--twice --resume`` after a sweep without it."""
    job = a_job()
    assert job_digest(job) != job_digest(replace(job, digests=True))


def test_the_command(chainsim: Chainsim, tmp_path: Any) -> None:
    (tmp_path / "base.toml").write_text(QUICK)
    asked = ("explore", "./base.toml", "--seeds", "4", "--json", "--kinds", "crash,partition")
    once, twice = chainsim(*asked), chainsim(*asked, "--twice")
    assert (once.returncode, twice.returncode) == (0, 0), twice.stderr
    digests = [json.loads(done.stdout)["sweeps"][0]["digest"] for done in (once, twice)]
    assert digests[0] == digests[1]
