"""Every shipped scenario under many seeds: ``make scenarios``, and the area of that name.

``make scenarios`` runs 10 seeds of each (``SEEDS=50`` for all that is asked), on all cores, and
prints a table. What is finished is kept until the code or the scenario changes, so that an
interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from functools import cache, partial
from hashlib import sha256
from itertools import islice
from multiprocessing import active_children
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from chainsim import wall_clock
from chainsim.build import build
from chainsim.explore.runner import executor_for
from chainsim.measures import percentile
from chainsim.run_result import RunResult
from scenarios import loader
from tests.acceptance.command import CORES, ROOT, Scale
from tests.acceptance.journal import Journal, Step, Verdict

SEEDS: Final = 50
"""Of each scenario, that the issue asks for."""
FAST: Final = ("consensus.signatures=fast",)
JOURNALS: Final = ROOT / ".acceptance"
ROOMS: Final = ("consensus", "nodes", "scenarios", "chainsim")
CHUNK: Final = 10
"""Seeds of one step: what an interrupt can cost."""
AHEAD: Final = 2
"""Runs handed out for each core, the one that it works on included."""
REASONS: Final = 3
"""Reasons of a failure that are told."""


Pair = tuple[str, int]
"""A scenario and a seed."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of one seed; ``why`` is empty for a run that is as its scenario expects."""

    exit_code: int
    digest: str
    wall_ms: int
    height: int
    view_changes: int
    why: list[str]
    missed: list[str]
    """Events of ``expect.sometimes`` that did not happen, as the check words them."""
    violated: list[str]
    """Names of safety and money properties that are broken."""


def play(name: str, seed: int, settings: tuple[str, ...] = ()) -> dict[str, Any]:
    """One run of a shipped scenario, in this process."""
    start_ns = wall_clock.now_ns()
    try:
        result = build(loader.load(name, settings, seed), memoise=bool(settings)).run()
    except Exception as error:  # a bug of ours is this seed's result, and no end to the others
        reason = f"{type(error).__name__}: {error}"
        return msgspec.to_builtins(Outcome(70, "", _ms(start_ns), 0, 0, [reason], [], []))
    return msgspec.to_builtins(
        Outcome(
            exit_code=int(result.exit_code),
            digest=result.digest,
            wall_ms=_ms(start_ns),
            height=result.height,
            view_changes=result.measures.view_changes,
            why=list(_why(result)) if result.exit_code else [],
            missed=[
                finding.what
                for check in result.checks
                if check.kind == "coverage"
                for finding in check.findings
            ],
            violated=[c.name for c in result.checks if not c.ok and c.kind in ("safety", "money")],
        )
    )


def _ms(start_ns: int) -> int:
    return (wall_clock.now_ns() - start_ns) // 1_000_000


def _why(result: RunResult) -> Iterator[str]:
    for check in result.checks:
        if not check.ok:
            yield f"{check.name}: {check.detail}"
    for row in result.expectations:
        if not row.ok:
            yield f"{row.name}: wanted {row.wanted}, got {row.got}"


class Row(msgspec.Struct, frozen=True):
    """All seeds of one scenario that are done."""

    name: str
    outcomes: dict[int, Outcome]
    """By seed."""

    @property
    def failing(self) -> list[int]:
        """Seeds, in order."""
        return sorted(seed for seed, outcome in self.outcomes.items() if outcome.exit_code)

    @property
    def wall(self) -> str:
        """Median and maximum, in words."""
        walls = sorted(outcome.wall_ms for outcome in self.outcomes.values())
        return f"{_s(percentile(walls, 50))} / {_s(walls[-1])}" if walls else ""

    @property
    def sometimes(self) -> str:
        """Whether all that must have happened did, in words."""
        if not self.outcomes:
            return ""
        named = loader.load(self.name).expect.sometimes
        missed = sum(1 for outcome in self.outcomes.values() if outcome.missed)
        if not named:
            return "names nothing"
        return f"not met in {missed}" if missed else f"all {len(named)} met"


def _s(wall_ms: int) -> str:
    return f"{wall_ms // 1000}.{wall_ms % 1000 // 100}"


@contextmanager
def workers() -> Iterator[Executor]:
    """A process for each core. An interrupt waits for nothing: what is under way is run again.

    It may come while a process starts, of which the executor then knows nothing, and for which it
    would wait for ever.
    """
    with executor_for(CORES) as executor:
        try:
            yield executor
        except KeyboardInterrupt:
            for child in active_children():
                child.terminate()
            raise


# -- the area ----------------------------------------------------------------------------


def steps(scale: Scale) -> list[Step]:
    """Ten seeds of a scenario in each step, on all cores."""
    last = scale.of(SEEDS) + 1
    return [
        Step(f"library/{name}/{first}", partial(_some_seeds, name, first, min(first + CHUNK, last)))
        for name in loader.shipped()
        for first in range(1, last, CHUNK)
    ]


def _some_seeds(name: str, first: int, last: int) -> dict[str, Any]:
    seeds = range(first, last)
    with workers() as executor:
        results = executor.map(play, [name] * len(seeds), seeds)
        return {str(seed): result for seed, result in zip(seeds, results, strict=True)}


def verdicts(journal: Journal, scale: Scale) -> list[Verdict]:
    """Each scenario's seeds, and what every control must end with."""
    seeds = scale.of(SEEDS)
    done: dict[str, dict[int, Outcome]] = {}
    for step, outcomes in journal.matching("library/").items():
        done.setdefault(step.split("/")[1], {}).update(_outcomes(outcomes))
    rows = [Row(name, outcomes) for name, outcomes in done.items()]
    found = [
        Verdict(
            row.name,
            f"{seeds} seeds as expected",
            f"{len(row.outcomes) - len(row.failing)}; sometimes: {row.sometimes}; "
            f"wall p50 / max {row.wall} s{_first(row)}",
            len(row.outcomes) == seeds and not row.failing,
        )
        for row in rows
    ]
    missing = sorted(set(loader.shipped()) - {row.name for row in rows})
    found.append(Verdict("scenarios not run", "0", " ".join(missing) or "0", not missing))
    for row in rows:
        if loader.load(row.name).expect.safety == "violated":
            caught = sum(1 for outcome in row.outcomes.values() if outcome.violated)
            what = f"{row.name}: safety violated, and seen by the checks"
            found.append(Verdict(what, str(seeds), str(caught), caught == seeds))
    return found


def _outcomes(found: dict[str, Any]) -> dict[int, Outcome]:
    return {int(seed): msgspec.convert(outcome, Outcome) for seed, outcome in found.items()}


def _first(row: Row) -> str:
    if not row.failing:
        return ""
    seed = row.failing[0]
    return f"; seed {seed}: {'; '.join(row.outcomes[seed].why[:REASONS])}"


# -- make scenarios ----------------------------------------------------------------------


def fingerprint(name: str) -> str:
    """Of the code that runs a scenario, and of its file: what makes a kept result still true."""
    digest = sha256(_code())
    digest.update((ROOT / "scenarios" / "library" / f"{name}.toml").read_bytes())
    return digest.hexdigest()[:16]


@cache
def _code() -> bytes:
    digest = sha256()
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            data = path.suffix in (".py", ".csv") or path.parent.name == "data"
            if path.is_file() and data and "__pycache__" not in path.parts:
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
                digest.update(path.read_bytes())
    return digest.digest()


def keys_of(names: Iterable[str], seeds: Sequence[int]) -> dict[Pair, str]:
    """By scenario and seed, under what name the journal keeps the result."""
    return {(n, seed): f"{fingerprint(n)}/{n}/{seed}" for n in names for seed in seeds}


def run_all(
    names: Iterable[str],
    seeds: Sequence[int],
    journal: Journal,
    settings: tuple[str, ...],
    console: Console,
) -> list[Row]:
    """Runs what the journal lacks, telling ``console``; raises ``KeyboardInterrupt`` if it is
    interrupted, with all that is finished in the journal."""
    keys = keys_of(names, seeds)
    missing = [pair for pair, key in keys.items() if key not in journal]
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, TextColumn("{task.description}"), console=console)
    with progress, workers() as executor:
        task = progress.add_task("", total=len(keys), completed=len(keys) - len(missing))
        for pair, outcome in _landing(executor, missing, settings):
            journal.add(keys[pair], outcome)
            progress.update(task, advance=1, description=f"{pair[0]} seed {pair[1]}")
    return rows_of(keys, journal)


def _landing(
    executor: Executor, missing: Iterable[Pair], settings: tuple[str, ...]
) -> Iterator[tuple[Pair, dict[str, Any]]]:
    """Results as they come."""
    pairs = iter(missing)
    flying: dict[Future[dict[str, Any]], Pair] = {}
    while True:
        for pair in islice(pairs, AHEAD * CORES - len(flying)):
            flying[executor.submit(play, *pair, settings)] = pair
        if not flying:
            return
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            yield flying.pop(future), future.result()


def rows_of(keys: dict[Pair, str], journal: Journal) -> list[Row]:
    """A row for each scenario, of what the journal holds."""
    found: dict[str, dict[int, Outcome]] = {}
    for (name, seed), key in keys.items():
        row = found.setdefault(name, {})
        if key in journal:
            row[seed] = msgspec.convert(journal.matching(key)[key], Outcome)
    return [Row(name, outcomes) for name, outcomes in found.items()]


def table(rows: Iterable[Row]) -> Table:
    """For people: one line for each scenario."""
    drawn = Table(box=None, header_style="dim", pad_edge=False)
    drawn.add_column("scenario", no_wrap=True, min_width=max(map(len, loader.shipped())))
    for column in ("seeds", "pass", "fail", "s p50 / max"):
        drawn.add_column(column, justify="right")
    drawn.add_column("sometimes")
    for row in rows:
        failing = len(row.failing)
        drawn.add_row(
            row.name,
            str(len(row.outcomes)),
            str(len(row.outcomes) - failing),
            Text(str(failing), style="bold red" if failing else ""),
            row.wall,
            row.sometimes,
        )
    return drawn


def complaints(rows: Iterable[Row], settings: tuple[str, ...]) -> Iterator[str]:
    """Of each scenario that failed: how to see its first failure, and why it failed."""
    extra = "".join(f" --set {setting}" for setting in settings)
    for row in rows:
        if row.failing:
            seeds = " ".join(map(str, row.failing))
            yield f"{row.name} fails with {len(row.failing)} of {len(row.outcomes)} seeds: {seeds}"
            yield f"  chainsim run {row.name} --seed {row.failing[0]}{extra}"
            yield from (f"  {reason}" for reason in row.outcomes[row.failing[0]].why[:REASONS])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command behind ``make scenarios``: 0 if all runs are as expected, 1 if not, 2 for a
    name that doesn't exist, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(prog="make scenarios", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these scenarios")
    parser.add_argument("--seeds", type=int, default=10, help="of each, from 1 on (10)")
    parser.add_argument("--fast", action="store_true", help="signatures that cost nothing")
    parser.add_argument("--fresh", action="store_true", help="forget what is done already")
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.names) - set(loader.shipped()))
    if unknown or chosen.seeds < 1:
        parser.error(
            f"no shipped scenario is called {', '.join(unknown)}" if unknown else "no seeds"
        )
    names = chosen.names or loader.shipped()
    seeds = range(1, chosen.seeds + 1)
    settings = FAST if chosen.fast else ()
    path = JOURNALS / f"library{'-fast' if chosen.fast else ''}.jsonl"
    journal = Journal(path, fresh=chosen.fresh)
    console = Console(stderr=True)
    interrupted = False
    try:
        rows = run_all(names, seeds, journal, settings, console)
    except KeyboardInterrupt:
        interrupted = True
        rows = rows_of(keys_of(names, seeds), journal)
    Console().print(table(rows))
    for line in complaints(rows, settings):
        print(line)
    if interrupted:
        console.print(f"interrupted; what is done is kept in {path}, the same command goes on")
        return 130
    return 1 if any(row.failing for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
