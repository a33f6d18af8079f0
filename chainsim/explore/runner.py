"""A sweep: hands chunks of seeds to an executor and merges what comes back in order of seeds.

The executor is any ``concurrent.futures.Executor``; few chunks are under way at a time, so memory
stays bounded however many seeds there are. A budget of time or an interrupt only stops handing
out; what is under way is finished and kept. An executor that breaks ends a sweep like an
interrupt.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from multiprocessing import get_context
from typing import Any, Final

import msgspec

from chainsim import wall_clock
from chainsim.explore.chunks import CHUNK, Chunk, Job, run_chunk
from chainsim.explore.finds import Findings
from chainsim.explore.guided import COVERAGE, Corpus, Parents
from chainsim.explore.journal import Journal
from chainsim.explore.strategies import drawn
from scenarios.schema import Scenario

AHEAD: Final = 3
"""Chunks handed out per worker, the one that it works on included."""
KILLED: Final = "KilledWorker"
"""What dask.distributed raises of a chunk whose workers died again and again."""
LOOK_S: Final = 0.1
"""How often progress is told while nothing comes back."""


class Interrupted(Exception):
    """Somebody who watches wants the sweep to end; raised from ``tell``."""


class _Lost(Exception):
    """The executor can't go on."""


class Sweep:
    """What a sweep found so far: chunks merged in order of seeds."""

    def __init__(self) -> None:
        self.runs = 0
        self.failures = 0
        self.findings: Final = Findings()
        self.first_failure: int | None = None
        self.coverage: dict[str, int] = {}
        self.deliveries = 0
        self.busy_ns = 0
        self.interrupted = False
        self.lost = ""
        """Why the executor couldn't go on; empty if it could."""
        self.resumed = 0
        """Runs taken from the journal."""
        self.wall_ns = 0
        self.states = 0
        """Different protocol states that ``coverage`` reached."""
        self._buckets: dict[int, int] = {}
        self._digests: list[str] = []

    def merge(self, chunk: Chunk) -> None:
        """Takes the next chunk in order of seeds."""
        self.runs += chunk.runs
        self.failures += chunk.failures
        self.findings.add(chunk.outcomes, chunk.failures)
        if self.first_failure is None and chunk.failing:
            self.first_failure = chunk.failing[0]
        for name, count in chunk.coverage.items():
            self.coverage[name] = self.coverage.get(name, 0) + count
        for bucket, count in chunk.deliveries_by_bucket.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count
        self.deliveries += chunk.deliveries
        self.busy_ns += chunk.busy_ns
        self._digests.append(chunk.digest)

    @property
    def digest(self) -> str:
        """Over all runs in order of seeds: equal sweeps have equal digests."""
        from hashlib import sha256

        return sha256("\n".join(self._digests).encode()).hexdigest()

    @property
    def median_deliveries(self) -> int:
        """Of a run, to the width of a bucket."""
        passed = 0
        for bucket in sorted(self._buckets):
            passed += self._buckets[bucket]
            if 2 * passed >= self.runs:
                return bucket
        return 0

    @property
    def seeds_per_core_second(self) -> float:
        """Runs per second of CPU time."""
        return round(self.runs * 1e9 / max(1, self.busy_ns), 1)


Tell = Callable[[Sweep], None]
"""Told now and then how far a sweep is; may raise ``Interrupted``."""


def sweep(
    job: Job,
    first: int,
    last: int,
    executor: Executor,
    *,
    jobs: int = 1,
    journal: Journal | None = None,
    limit_s: float | None = None,
    tell: Tell | None = None,
) -> Sweep:
    """Runs the seeds from ``first`` to before ``last``; ``jobs`` is how many the executor runs at
    once."""
    return _Run(job, first, last, executor, jobs, journal, limit_s, tell).go()


class _Run:
    """A sweep under way."""

    def __init__(
        self,
        job: Job,
        first: int,
        last: int,
        executor: Executor,
        jobs: int,
        journal: Journal | None,
        limit_s: float | None,
        tell: Tell | None,
    ) -> None:
        self._job = job
        self._spans = _spans(first, last)
        self._due: tuple[int, int] | None = next(self._spans, None)
        """The next span to hand out."""
        self._corpus = Corpus(first) if job.strategy == COVERAGE else None
        self._parents: dict[int, tuple[Parents, ...]] = {}
        """By first seed, of chunks that aren't merged yet."""
        self._executor = executor
        self._room = jobs if jobs == 1 else jobs * AHEAD
        self._journal = journal
        self._tell = tell
        self._start_ns = wall_clock.now_ns()
        self._limit_ns = None if limit_s is None else int(limit_s * 1e9)
        self._sweep = Sweep()
        self._flying: dict[Future[Chunk], tuple[int, int, int]] = {}
        self._landed: dict[int, Chunk] = {}
        self._number = 0
        self._next = 0
        self._stopped = False

    def go(self) -> Sweep:
        try:
            while self._hand_out() or self._flying:
                self._collect()
                self._told()
        except Interrupted:
            self._sweep.interrupted = True
            self._land_what_flies()
        except _Lost as error:
            self._sweep.interrupted = True
            self._sweep.lost = str(error)
        self._sweep.wall_ns = wall_clock.now_ns() - self._start_ns
        return self._sweep

    def _hand_out(self) -> bool:
        """Submits as many chunks as there is room for; False when there is nothing more."""
        while len(self._flying) < self._room:
            if self._stopped or self._out_of_time():
                return False
            span = self._due
            if span is None or (self._corpus is not None and not self._corpus.may_begin(span[0])):
                return False
            self._due = next(self._spans, None)
            more: tuple[Any, ...] = ()
            if self._corpus is not None:
                more = (self._corpus.parents(*span),)
                self._parents[span[0]] = more[0]
            number, self._number = self._number, self._number + 1
            known = self._journal.done(*span) if self._journal is not None else None
            if known is not None:
                self._sweep.resumed += known.runs
                self._land(number, known)
            else:
                future = self._submitted((*span, *more))
                self._flying[future] = (number, *span)
        return True

    def _submitted(self, arguments: tuple[Any, ...]) -> Future[Chunk]:
        try:
            return self._executor.submit(run_chunk, self._job, *arguments)
        except (BrokenExecutor, OSError) as error:
            raise _Lost(_words(error)) from None

    def _out_of_time(self) -> bool:
        if self._limit_ns is None:
            return False
        return wall_clock.now_ns() - self._start_ns >= self._limit_ns

    def _collect(self) -> None:
        done, _ = wait(self._flying, timeout=LOOK_S, return_when=FIRST_COMPLETED)
        for future in done:
            number, _, count = self._flying.pop(future)
            chunk = self._result(future)
            if self._journal is not None:
                self._journal.add(chunk, count)
            self._land(number, chunk)

    def _result(self, future: Future[Chunk]) -> Chunk:
        """What a scenario raises is a finding of its chunk; so this is the executor's trouble."""
        try:
            return future.result()
        except (BrokenExecutor, CancelledError, OSError) as error:
            raise _Lost(_words(error)) from None
        except Exception as error:
            if type(error).__name__ != KILLED:
                raise
            raise _Lost(_words(error)) from None

    def _land(self, number: int, chunk: Chunk) -> None:
        self._landed[number] = chunk
        while self._next in self._landed and not self._stopped:
            due = self._landed.pop(self._next)
            self._next += 1
            self._sweep.merge(due)
            if self._corpus is not None:
                self._learn(self._corpus, due)
            if due.failures and self._job.stop_on_failure:
                self._stopped = True
                for future in list(self._flying):
                    if future.cancel():
                        del self._flying[future]

    def _learn(self, corpus: Corpus, chunk: Chunk) -> None:
        """Scenarios are drawn once more here: that costs less than sending them."""
        job, parents = self._job, self._parents.pop(chunk.first)

        def scenario_of(seed: int) -> Scenario:
            return drawn(job.base, job.strategy, job.model, seed, parents[seed - chunk.first])

        corpus.merge(chunk.first, chunk.states, scenario_of)
        self._sweep.states = corpus.states

    def _land_what_flies(self) -> None:
        for future in list(self._flying):
            if future.cancel():
                del self._flying[future]
        while self._flying:
            self._collect()

    def _told(self) -> None:
        if self._tell is not None:
            self._sweep.wall_ns = wall_clock.now_ns() - self._start_ns
            self._tell(self._sweep)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[0]


def _spans(first: int, last: int) -> Iterator[tuple[int, int]]:
    """(first seed, count) of chunks on fixed boundaries, so that a longer sweep shares them."""
    while first < last:
        end = min(last, (first // CHUNK + 1) * CHUNK)
        yield first, end - first
        first = end


class Here(Executor):
    """Runs each task at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
            if not isinstance(error, Exception):
                raise
        return future


def executor_for(jobs: int) -> Executor:
    """This process for one job, else that many fresh processes. More kinds: ``executors``."""
    if jobs == 1:
        return Here()
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=deaf)


def deaf() -> None:
    """Ctrl-C goes to all processes of a terminal; only the first one decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Rate(msgspec.Struct, frozen=True):
    """How fast a sweep was."""

    seeds_per_s: float
    seeds_per_core_s: float
    deliveries_per_s: int


def rate(found: Sweep) -> Rate:
    """Of what was run now, not of what came from the journal."""
    seconds = max(1, found.wall_ns) / 1e9
    share = 1 - found.resumed / max(1, found.runs)
    return Rate(
        round(found.runs * share / seconds, 1),
        found.seeds_per_core_second,
        int(found.deliveries * share / seconds),
    )
