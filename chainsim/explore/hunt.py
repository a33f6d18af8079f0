"""Looks for a planted bug with each strategy, by exploring alone, until it is found."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import msgspec

from chainsim.explore.chunks import Job
from chainsim.explore.finds import Group
from chainsim.explore.model import FaultModel
from chainsim.explore.planting import Mutant, Planted, planted
from chainsim.explore.runner import Sweep, Tell, sweep
from chainsim.explore.shrink import LIMIT_S, Shrunk, shrink
from chainsim.explore.strategies import STRATEGIES
from scenarios.loader import resolved_toml
from scenarios.schema import Scenario


class Hunt(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy made of one mutant."""

    strategy: str
    runs: int
    """Seeds tried, the one that found it included."""
    seed: int | None = None
    """That found it; None: not found."""
    check: str = ""
    also: tuple[str, ...] = ()
    detail: str = ""
    faults: tuple[str, ...] = ()
    wall_s: float = 0.0
    interrupted: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    number: int
    name: str
    breaks: str
    applicable: bool
    note: str = ""
    hunts: tuple[Hunt, ...] = ()
    shrunk: str = ""
    """The smallest scenario that shows it, as TOML."""
    sizes: tuple[int, int] | None = None
    """Size of the scenario that found it, before and after shrinking."""

    @property
    def found(self) -> bool:
        """By any strategy."""
        return any(hunt.seed is not None for hunt in self.hunts)


def hunt(
    what: Planted,
    base: Scenario,
    model: FaultModel,
    strategy: str,
    seeds: range,
    executor: Executor,
    jobs: int,
    tell: Tell | None = None,
) -> Hunt:
    """One strategy after one mutant, up to the first failure in order of seeds."""
    job = Job(base=base, strategy=strategy, model=model, stop_on_failure=True, mutant=what)
    found = sweep(job, seeds.start, seeds.stop, executor, jobs=jobs, tell=tell)
    wall_s = round(found.wall_ns / 1e9, 1)
    first = _first(found)
    if first is None:
        return Hunt(
            strategy=strategy, runs=found.runs, wall_s=wall_s, interrupted=found.interrupted
        )
    return Hunt(
        strategy=strategy,
        runs=first.seed - seeds.start + 1,
        seed=first.seed,
        check=first.check,
        also=first.also,
        detail=first.detail,
        faults=first.faults,
        wall_s=wall_s,
    )


def _first(found: Sweep) -> Group | None:
    groups = found.findings.groups
    return groups[0] if groups else None


def row_of(mutant: Mutant, hunts: Sequence[Hunt], small: Shrunk | None = None) -> Row:
    """The line of the table."""
    return Row(
        number=mutant.number,
        name=mutant.name,
        breaks=mutant.breaks,
        applicable=mutant.apply is not None,
        note=mutant.note,
        hunts=tuple(hunts),
        shrunk=resolved_toml(small.scenario) if small is not None else "",
        sizes=(small.size_before, small.size_after) if small is not None else None,
    )


def shrunk(
    what: Planted, base: Scenario, model: FaultModel, found: Hunt, limit_s: float = LIMIT_S
) -> Shrunk:
    """The smallest scenario that shows the mutant, from the one that a strategy found."""
    assert found.seed is not None
    scenario = STRATEGIES[found.strategy](base, model, found.seed)
    with planted(what):
        return shrink(scenario, found.check, limit_s=limit_s)
