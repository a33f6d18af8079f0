"""The harness's own figures: what `chainsim goals` reads beside the table of planted bugs.

Sweeps of correct code with every strategy, seeds run again (same hash seed, another one, other
versions of Python where `.venv-*` has them), finds beside what a person would write, forks and who
is convicted of them, speed, and a quick pass over planted bugs. ``--sample N`` runs N seeds of what
has seeds, and N of each list.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from chainsim.explore.strategies import STRATEGIES
from chainsim.goals import Readings, State
from chainsim.goals import measure as goals
from chainsim.goals.rows import GOALS, HARNESS
from chainsim.goals.runs import CLEAN, FORKS, TWICE
from tests.acceptance.command import CORES, Scale
from tests.acceptance.journal import Journal, Step, Verdict
from tests.mutants import MUTANTS
from tests.mutants.by_hand import BY_HAND

CHUNK: Final = 500
"""Seeds of one step: what an interrupt can cost."""


def steps(scale: Scale) -> list[Step]:
    """Quick figures first, then what takes hours."""
    return [
        *_few(scale),
        *_shrinks(scale),
        *_searches(scale),
        *_forks(scale),
        *_twice(scale),
        *_clean(scale),
    ]


def _few(scale: Scale) -> Iterator[Step]:
    for name in goals.bench_rows():
        yield Step(f"bench/{name}", partial(goals.bench, name))
    planted = [number for number, mutant in MUTANTS.items() if mutant.apply is not None]
    yield Step("mutants/quick", partial(goals.quick_pass, planted[: scale.of(len(planted))], CORES))


def _shrinks(scale: Scale) -> Iterator[Step]:
    for number in list(BY_HAND)[: scale.of(len(BY_HAND))]:
        yield Step(f"shrink/{number}", partial(goals.shrinking, number, CORES))


def _searches(scale: Scale) -> Iterator[Step]:
    limit = "12h" if scale.sample is None else "30s"
    for name in goals.EXHAUSTIVE if goals.can_exhaust() else ():
        yield Step(f"exhaust/{name}", partial(goals.exhaustive, name, limit))


def _spans(seeds: int) -> Iterator[tuple[int, int]]:
    for first in range(0, seeds, CHUNK):
        yield first, min(first + CHUNK, seeds)


def _forks(scale: Scale) -> Iterator[Step]:
    for first, last in _spans(scale.of(FORKS)):
        yield Step(f"forensics/{first}", partial(goals.forensics, first, last, CORES))


def _twice(scale: Scale) -> Iterator[Step]:
    """All ways of one chunk before the next, so that a part compares already."""
    for first, last in _spans(scale.of(TWICE)):
        for name, (python, hash_seed) in goals.ways().items():
            run = partial(
                goals.determinism, first, last, hash_seed=hash_seed, python=python, jobs=CORES
            )
            yield Step(f"determinism/{name}/{first}", run)


def _clean(scale: Scale) -> Iterator[Step]:
    """As many seeds of each strategy as make the goal together."""
    each = -(-CLEAN // len(STRATEGIES))
    for first, last in _spans(scale.of(each)):
        for strategy in STRATEGIES:
            yield Step(
                f"sweep/{strategy}/{first}", partial(goals.clean, strategy, first, last, CORES)
            )


def verdicts(journal: Journal, scale: Scale) -> list[Verdict]:
    """The goals that this area measures; of a sample a part is enough."""
    readings = Readings(journal.matching(""))
    found = []
    for goal in GOALS:
        if goal.how not in (HARNESS, "chainsim bench"):
            continue
        read = goal.read(readings)
        enough = read.state is State.REACHED or (
            scale.sample is not None and read.state is State.PARTLY
        )
        found.append(Verdict(f"{goal.area}: {goal.goal}", read.state.value, read.got, enough))
    return found
