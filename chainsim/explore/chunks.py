"""What a worker does: runs a chunk of neighbouring seeds and sums them up.

Nothing here depends on which worker runs a chunk, or when. What is sent back is small,
however many seeds there are.
"""

from __future__ import annotations

import gc
from hashlib import sha256
from typing import Final

import msgspec

from chainsim import wall_clock
from chainsim.explore.guided import COVERAGE, Parents
from chainsim.explore.model import FaultModel
from chainsim.explore.outcome import Outcome, run_scenario
from chainsim.explore.planting import Planted, planted
from chainsim.explore.states import ProtocolStates
from chainsim.explore.strategies import drawn
from scenarios.loader import resolved_toml
from scenarios.schema import Scenario

CHUNK: Final = 16
"""Seeds of a full chunk."""
BUCKET: Final = 50
"""Width of the histogram of deliveries."""
COLLECT_EVERY: Final = 4
"""Seeds after which the garbage is collected: worlds are full of cycles, and small enough for
the caches of a CPU, if they don't pile up."""
FAILURES_KEPT: Final = 4
"""Failures of one chunk that are kept in full; the rest are counted."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What all chunks of a sweep have in common."""

    base: Scenario
    strategy: str
    model: FaultModel
    stop_on_failure: bool = False
    mutant: Planted | None = None
    origin: int = 0
    """The first seed of the sweep, for a strategy whose seeds hang on it (``coverage``)."""
    digests: bool = False
    """Whether chunks tell the digest of each run, as they must to be compared (``twice``)."""
    backwards: bool = False
    """The last seed first: nothing but the time it takes may hang on that."""
    further: tuple[str, ...] = ()
    """Checks of ``chainsim.checks.ON_REQUEST`` besides all others."""


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the seeds from ``first``."""

    first: int
    runs: int
    failures: int
    outcomes: tuple[Outcome, ...]
    """Of the first failures."""
    failing: tuple[int, ...]
    """Seeds of all failures."""
    digest: str
    """SHA-256 over the digests of the runs, in order of seeds."""
    coverage: dict[str, int]
    """In how many runs each event happened."""
    deliveries: int
    deliveries_by_bucket: dict[int, int]
    busy_ns: int
    """CPU time that it took; the only field that isn't a function of the job."""
    states: tuple[tuple[int, ...], ...] = ()
    """Of ``coverage``, for each run: the protocol states that no run before it in the chunk
    reached."""
    digests: tuple[str, ...] = ()
    """Of each run, if the job asks for it."""


def run_chunk(job: Job, first: int, count: int, parents: tuple[Parents, ...] = ()) -> Chunk:
    """Runs ``count`` seeds from ``first``; with ``stop_on_failure`` up to the first failure.

    ``parents``: for each seed, as ``guided`` takes them.
    """
    start_ns = wall_clock.cpu_ns()
    collecting = gc.isenabled()
    if collecting:
        # What is there already stays: the collector looks only at what runs leave.
        gc.freeze()
        gc.disable()
    try:
        with planted(job.mutant):
            outcomes, states = _run(job, first, count, parents or ((),) * count)
    finally:
        if collecting:
            gc.enable()
            gc.unfreeze()
    digests = tuple(outcome.digest for outcome in outcomes) if job.digests else ()
    chunk = _summed(first, outcomes, tuple(states), wall_clock.cpu_ns() - start_ns)
    return msgspec.structs.replace(chunk, digests=digests)


def _run(
    job: Job, first: int, count: int, parents: tuple[Parents, ...]
) -> tuple[list[Outcome], list[tuple[int, ...]]]:
    outcomes: list[Outcome] = []
    states: list[tuple[int, ...]] = []
    known: set[int] = set()
    memoise = job.mutant is None  # a planted bug may be in the ledger: all execute for themselves
    seeds = list(zip(range(first, first + count), parents, strict=True))
    for seed, its in reversed(seeds) if job.backwards else seeds:
        scenario = drawn(job.base, job.strategy, job.model, seed, its)
        if job.strategy == COVERAGE:
            reached = ProtocolStates()
            outcome = run_scenario(
                scenario, memoise=memoise, listen=reached.listen, further=job.further
            )
            outcome = _apart(outcome, seed, scenario)
            states.append(tuple(state for state in reached.seen if state not in known))
            known.update(reached.seen)
        else:
            outcome = run_scenario(scenario, memoise=memoise, further=job.further)
        outcomes.append(outcome)
        if outcome.found and job.stop_on_failure:
            break
        if len(outcomes) % COLLECT_EVERY == 0:
            gc.collect()
    if job.backwards:
        outcomes.reverse()
        states.reverse()
    return outcomes, states


def _apart(outcome: Outcome, seed: int, scenario: Scenario) -> Outcome:
    """Under the sweep's seed, which needn't be the scenario's; a failure with the scenario."""
    toml = resolved_toml(scenario) if outcome.found else ""
    return msgspec.structs.replace(outcome, seed=seed, scenario=toml)


def _summed(
    first: int, outcomes: list[Outcome], states: tuple[tuple[int, ...], ...], busy_ns: int
) -> Chunk:
    digest = sha256()
    coverage: dict[str, int] = {}
    buckets: dict[int, int] = {}
    for outcome in outcomes:
        digest.update(f"{outcome.seed} {outcome.digest}\n".encode())
        for name in outcome.coverage:
            coverage[name] = coverage.get(name, 0) + 1
        bucket = outcome.deliveries // BUCKET * BUCKET
        buckets[bucket] = buckets.get(bucket, 0) + 1
    failures = [outcome for outcome in outcomes if outcome.found]
    return Chunk(
        first=first,
        runs=len(outcomes),
        failures=len(failures),
        outcomes=tuple(failures[:FAILURES_KEPT]),
        failing=tuple(outcome.seed for outcome in failures),
        digest=digest.hexdigest(),
        coverage=coverage,
        deliveries=sum(outcome.deliveries for outcome in outcomes),
        deliveries_by_bucket=buckets,
        busy_ns=busy_ns,
        states=states,
    )
