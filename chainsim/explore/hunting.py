"""A pass over planted bugs: every mutant, every strategy, some independent sweeps, kept in a file.

All mutants get their first sweep before any gets its second, so a pass that is cut short still
says something of each. What is finished is a line of the journal, which the next pass with the
same settings goes on from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from chainsim import __version__
from chainsim.explore.bug_table import BugTable, Row, row_of
from chainsim.explore.hunt import Hunt, Small, hunt, shrunk
from chainsim.explore.journal import WrongJournal
from chainsim.explore.model import FaultModel
from chainsim.explore.planting import Mutant, Planted
from chainsim.explore.runner import Tell
from scenarios.loader import resolved_toml
from scenarios.schema import Scenario

NAME: Final = "hunts.jsonl"

Key = tuple[int, str, int]
"""(mutant, strategy, sweep)."""

Watch = Callable[[str, int], AbstractContextManager[Tell]]
"""Shows a title and how many seeds there are, for the time of a sweep."""


class Base(msgspec.Struct, frozen=True):
    """Where exploring starts from, and what it may let go wrong."""

    scenario: Scenario
    model: FaultModel


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a pass."""

    bases: dict[str, Base]
    """By the name that mutants have for them."""
    module: str
    strategies: tuple[str, ...]
    first: int = 0
    seeds: int
    """Of each sweep, at most."""
    sweeps: int = 1
    shrink: bool = False
    jobs: int = 1
    commit: str = ""

    def range(self, sweep: int) -> range:
        """The seeds of a sweep."""
        start = self.first + sweep * self.seeds
        return range(start, start + self.seeds)

    @property
    def digest(self) -> str:
        """Of what decides the outcome of a hunt, besides the code."""
        bases = [(n, resolved_toml(b.scenario), b.model) for n, b in sorted(self.bases.items())]
        parts = (__version__, bases, self.module, self.first, self.seeds)
        return sha256(msgspec.json.encode(parts)).hexdigest()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the journal: a hunt of a mutant, or its smallest scenario."""

    number: int
    hunt: Hunt | None = None
    small: Small | None = None


class HuntJournal:
    """What was hunted already; without a file it only remembers. Raises ``WrongJournal``."""

    def __init__(self, path: Path | None = None, *, fresh: bool = False) -> None:
        self.path: Final = path
        self.hunts: Final[dict[Key, Hunt]] = {}
        self.smalls: Final[dict[int, Small]] = {}
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if fresh:
                path.unlink(missing_ok=True)
            elif path.exists():
                self._read(path.read_bytes())
        except OSError as error:
            raise WrongJournal(f"can't use {path}: {error.strerror}") from error

    def add(self, line: Line) -> None:
        """Keeps what is finished; on disk when this returns."""
        self._keep(line)
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")

    def _read(self, data: bytes) -> None:
        decoder = msgspec.json.Decoder(Line)
        for text in data.split(b"\n"):
            try:
                self._keep(decoder.decode(text))
            except msgspec.DecodeError:
                continue  # the line that an interrupt cut
        if data and not data.endswith(b"\n") and self.path is not None:
            with self.path.open("ab") as file:
                file.write(b"\n")

    def _keep(self, line: Line) -> None:
        if line.hunt is not None:
            self.hunts[line.number, line.hunt.strategy, line.hunt.sweep] = line.hunt
        if line.small is not None:
            self.smalls[line.number] = line.small

    def of(self, number: int, plan: Plan) -> tuple[Hunt, ...]:
        """A mutant's hunts, by strategy and then by sweep."""
        keys = [(number, name, k) for name in plan.strategies for k in range(plan.sweeps)]
        return tuple(self.hunts[key] for key in keys if key in self.hunts)


def folder_of(runs: Path, plan: Plan) -> Path:
    """Where a pass keeps its journal; hidden, as it is no run."""
    return runs / f".mutants-{plan.module.rpartition('.')[2]}-{plan.digest[:8]}"


def hunt_all(
    plan: Plan, mutants: Iterable[Mutant], journal: HuntJournal, executor: Executor, watch: Watch
) -> Iterator[tuple[Mutant, Hunt]]:
    """Hunts what the journal lacks, and tells of each; ends early if a hunt was interrupted."""
    planted = [mutant for mutant in mutants if mutant.apply is not None]
    for sweep in range(plan.sweeps):
        for mutant in planted:
            for strategy in plan.strategies:
                if (mutant.number, strategy, sweep) in journal.hunts:
                    continue
                found = _hunt(plan, mutant, strategy, sweep, executor, watch)
                if not found.interrupted:
                    journal.add(Line(number=mutant.number, hunt=found))
                yield mutant, found
                if found.interrupted:
                    return


def _hunt(
    plan: Plan, mutant: Mutant, strategy: str, sweep: int, executor: Executor, watch: Watch
) -> Hunt:
    title = f"{mutant.number} {mutant.name}, {strategy}"
    if plan.sweeps > 1:
        title += f", sweep {sweep + 1} of {plan.sweeps}"
    base = plan.bases[mutant.base]
    with watch(title, plan.seeds) as tell:
        return hunt(
            Planted(plan.module, mutant.number),
            base.scenario,
            base.model,
            strategy,
            plan.range(sweep),
            executor,
            plan.jobs,
            tell,
            number=sweep,
            commit=plan.commit,
        )


def shrink_all(
    plan: Plan, mutants: Iterable[Mutant], journal: HuntJournal
) -> Iterator[tuple[Mutant, Small]]:
    """Shrinks, for each mutant that lacks it, the find that took the fewest seeds."""
    for mutant in mutants:
        finds = [found for found in journal.of(mutant.number, plan) if found.seed is not None]
        if not finds or mutant.number in journal.smalls:
            continue
        best = min(finds, key=lambda found: found.runs)
        base = plan.bases[mutant.base]
        small = shrunk(Planted(plan.module, mutant.number), base.scenario, base.model, best)
        journal.add(Line(number=mutant.number, small=small))
        yield mutant, small


def table_of(plan: Plan, mutants: Iterable[Mutant], journal: HuntJournal) -> BugTable:
    """All that the journal holds of these mutants under this plan."""
    rows: list[Row] = [
        row_of(mutant, journal.of(mutant.number, plan), journal.smalls.get(mutant.number))
        for mutant in mutants
    ]
    commits = {found.commit: None for row in rows for found in row.hunts if found.commit}
    return BugTable(
        module=plan.module,
        version=__version__,
        commits=tuple(commits),
        strategies=plan.strategies,
        sweeps=plan.sweeps,
        seeds=plan.seeds,
        mutants=tuple(rows),
    )
