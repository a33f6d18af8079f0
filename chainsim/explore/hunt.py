"""Looks for a planted bug with one strategy, by exploring alone, until it is found.

A *sweep* is one range of seeds, up to the first that shows the bug. Sweeps of disjoint ranges are
independent, so several of them say how many seeds a bug takes, not only that one seed was lucky.
"""

from __future__ import annotations

from concurrent.futures import Executor

import msgspec

from chainsim.checks import SPECIFICATION
from chainsim.explore.chunks import Job
from chainsim.explore.finds import Group
from chainsim.explore.model import FaultModel
from chainsim.explore.outcome import run_scenario
from chainsim.explore.planting import Planted, planted
from chainsim.explore.runner import Sweep, Tell, sweep
from chainsim.explore.shrink import LIMIT_S, shrink
from chainsim.explore.strategies import STRATEGIES
from scenarios.loader import load_text, resolved_toml
from scenarios.schema import Scenario


class Hunt(msgspec.Struct, frozen=True, kw_only=True):
    """What one sweep of one strategy made of one mutant."""

    strategy: str
    sweep: int = 0
    """Which of the independent sweeps, from 0."""
    first: int = 0
    """Its first seed."""
    runs: int
    """Seeds tried, the one that found it included."""
    seed: int | None = None
    """That found it; None: not found."""
    check: str = ""
    also: tuple[str, ...] = ()
    """Other properties that the same run violates."""
    detail: str = ""
    specification: str | None = None
    """The first step of the find that no rule allows; empty: all are allowed; None: not asked."""
    faults: tuple[str, ...] = ()
    scenario: str = ""
    """As TOML, where the seed alone doesn't say it (``coverage``)."""
    wall_s: float = 0.0
    commit: str = ""
    """Of the code that was swept; empty if nobody knows."""
    interrupted: bool = False

    @property
    def violated(self) -> tuple[str, ...]:
        """Every property that the find violates; none if nothing was found."""
        return () if self.seed is None else (self.check, *self.also)

    def without(self, checks: frozenset[str]) -> Hunt:
        """As if these properties were switched off: what they alone showed isn't found."""
        left = tuple(name for name in self.violated if name not in checks)
        if self.seed is None or len(left) == len(self.violated):
            return self
        if not left:
            return msgspec.structs.replace(self, seed=None, check="", also=(), detail="")
        return msgspec.structs.replace(self, check=left[0], also=left[1:])


class Small(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest scenario that shows a mutant."""

    strategy: str
    seed: int
    """Of the find that was made smaller."""
    check: str
    faults: int
    sizes: tuple[int, int]
    """Before and after (see ``passes.size_of``)."""
    wall_s: float
    complete: bool
    """False: time ran out before no pass found anything smaller."""
    toml: str


def hunt(
    what: Planted,
    base: Scenario,
    model: FaultModel,
    strategy: str,
    seeds: range,
    executor: Executor,
    jobs: int,
    tell: Tell | None = None,
    *,
    number: int = 0,
    commit: str = "",
) -> Hunt:
    """One strategy after one mutant, up to the first failure in order of seeds."""
    job = Job(base=base, strategy=strategy, model=model, stop_on_failure=True, mutant=what)
    found = sweep(job, seeds.start, seeds.stop, executor, jobs=jobs, tell=tell)
    made = Hunt(
        strategy=strategy,
        sweep=number,
        first=seeds.start,
        runs=found.runs,
        wall_s=round(found.wall_ns / 1e9, 1),
        commit=commit,
        interrupted=found.interrupted,
    )
    first = _first(found)
    if first is None:
        return made
    return msgspec.structs.replace(
        made,
        runs=first.seed - seeds.start + 1,
        seed=first.seed,
        check=first.check,
        also=first.also,
        detail=first.detail,
        specification=_refused(job, first),
        faults=first.faults,
        scenario=first.scenario,
        interrupted=False,
    )


def _refused(job: Job, first: Group) -> str:
    """The same run once more, held against the specification: why it refuses it, if it does."""
    scenario = (
        load_text(first.scenario)
        if first.scenario
        else STRATEGIES[job.strategy](job.base, job.model, first.seed)
    )
    with planted(job.mutant):
        outcome = run_scenario(scenario, further=(SPECIFICATION,))
    return next((found.detail for found in outcome.found if found.check == SPECIFICATION), "")


def _first(found: Sweep) -> Group | None:
    groups = found.findings.groups
    return groups[0] if groups else None


def shrunk(
    what: Planted, base: Scenario, model: FaultModel, found: Hunt, limit_s: float = LIMIT_S
) -> Small:
    """The smallest scenario that shows the mutant, from the one that a strategy found."""
    assert found.seed is not None
    scenario = (
        load_text(found.scenario)
        if found.scenario
        else STRATEGIES[found.strategy](base, model, found.seed)
    )
    with planted(what):
        small = shrink(scenario, found.check, limit_s=limit_s)
    return Small(
        strategy=found.strategy,
        seed=found.seed,
        check=small.check,
        faults=len(small.scenario.faults),
        sizes=(small.size_before, small.size_after),
        wall_s=round(small.wall_s, 1),
        complete=small.complete,
        toml=resolved_toml(small.scenario),
    )
