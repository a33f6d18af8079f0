"""``chainsim explore``: many seeds of one scenario, each with faults of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import rich_click as click

from chainsim import run_folder
from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode, decisive

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from chainsim.explore.chunks import Job
    from chainsim.explore.finds import Group
    from chainsim.explore.model import FaultModel
    from chainsim.explore.report import SweepReport
    from scenarios.schema import Scenario

STRATEGIES: Final = ("random", "swarm", "twins", "byzzfuzz", "pct", "coverage")
SAVED: Final = 10
"""Groups of failures whose first run is saved."""
SHRINK_S: Final = 60.0
"""What all shrinking after a sweep may take."""
MOST_SEED: Final = 2**63 - 1
MOST_VALIDATORS: Final = 512


class ModelOptions(NamedTuple):
    """What the command line says of the fault model."""

    sizes: str
    kinds: str
    behaviours: str
    fixed_size: bool
    """The number of validators is varied, so that it can't be drawn too."""


@click.command("explore")
@click.argument("scenario", metavar="NAME|FILE")
@click.option(
    "--seeds",
    metavar="N[:M]",
    default="1000",
    help="Seeds 0 to N-1, or N to M-1.  [default: 1000]",
)
@options.jobs
@click.option(
    "--executor",
    "where",
    metavar="local|dask:ADDRESS",
    default="local",
    help="Where seeds run: processes here, or a dask.distributed cluster.  [default: local]",
)
@click.option("--twice", is_flag=True, help="Run each seed a second time, elsewhere; compare.")
@click.option("--strategy", type=click.Choice(STRATEGIES), default="swarm", show_default=True)
@click.option("--time", "limit", metavar="5m", help="Begin no more seeds after this long.")
@click.option("--stop-on-failure", is_flag=True, help="End with the first seed that fails.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted sweep.")
@click.option(
    "--vary",
    metavar="PATH=A,B,C",
    multiple=True,
    help="Sweep once for each value; several give each combination.",
)
@options.overrides("Change a value of the base.")
@click.option("--sizes", metavar="4,5,7", help="Draw the number of validators from these.")
@click.option("--kinds", metavar="A,B", help="Only these kinds of faults.")
@click.option("--behaviours", metavar="A,B", help="Only these behaviours of hostile validators.")
@click.option("--shrink/--no-shrink", default=True, help="Shrink the first find of each check.")
@click.option("--spec", is_flag=True, help="Hold every run against the specification of PBFT too.")
@click.option(
    "--save-regressions",
    is_flag=True,
    help="Keep the first find of each check in regressions/, which the tests run.",
)
@options.as_json
@options.out("Where failing runs and the journal go.")
@click.pass_context
def command(
    context: click.Context,
    scenario: str,
    seeds: str,
    jobs: int,
    where: str,
    twice: bool,
    strategy: str,
    limit: str | None,
    stop_on_failure: bool,
    resume: bool,
    vary: tuple[str, ...],
    overrides: tuple[str, ...],
    sizes: str | None,
    kinds: str | None,
    behaviours: str | None,
    shrink: bool,
    spec: bool,
    save_regressions: bool,
    as_json: bool,
    out: Path,
) -> None:
    """Run many seeds, each with faults drawn by a strategy, with all checks on.

    Failures are saved as runs of their own (replay and shrink take them), grouped by the check
    that they violate. Seed i gives the same run whatever the number of jobs. Exits with 3 or 4 if
    anything was found.
    """
    from chainsim.explore.chunks import Job
    from chainsim.explore.guided import COVERAGE
    from chainsim.explore.model import model_of

    first, last = seed_range(seeds)
    rows = combinations(vary)
    limit_s = None if limit is None else seconds(limit)
    bases = [load(scenario, (*overrides, *settings(row))) for row in rows]

    fixed_size = any(path == "validators" for row in rows for path in row)
    options = ModelOptions(sizes or "", kinds or "", behaviours or "", fixed_size)
    plans = [
        Job(
            base=base,
            strategy=strategy,
            model=restricted(model_of(base), options),
            stop_on_failure=stop_on_failure,
            origin=first if strategy == COVERAGE else 0,
            digests=twice,
            further=specified(base) if spec else (),
        )
        for base in bases
    ]
    for job in plans:
        refuse_if_nothing_to_draw(job, first)
    reports = []
    with _executor(where, jobs, twice=twice) as (executor, room):
        for job, row in zip(plans, rows, strict=True):
            done = _sweep(job, row, first, last, executor, room, limit_s, resume, out)
            reports.append(done)
            if done.interrupted or (done.failures and stop_on_failure):
                break
    for job, done in zip(plans, reports, strict=False):
        save(job, done, out, shrink=shrink and not done.interrupted)
        if save_regressions:
            keep_regressions(job, done)
    _show(reports, as_json=as_json)
    context.exit(decisive(ExitCode(done.exit_code) for done in reports))


@contextmanager
def _executor(where: str, jobs: int, *, twice: bool) -> Iterator[tuple[Executor, int]]:
    from chainsim.explore.cluster import NoCluster
    from chainsim.explore.executors import LOCAL, opened

    if where != LOCAL and jobs > 1:
        raise Refused("--jobs is for processes here; a cluster has its workers")
    try:
        with opened(where, jobs, twice=twice) as found:
            yield found
    except NoCluster as error:
        raise Refused(f"--executor: {error}") from None


def specified(base: Scenario) -> tuple[str, ...]:
    """The further check that ``--spec`` asks for. Raises ``Refused`` for another protocol."""
    from chainsim.checks import SPECIFICATION

    if base.consensus.protocol != "pbft":
        runs = base.consensus.protocol
        raise Refused(f'--spec: the specification is of PBFT, and {base.name} runs "{runs}"')
    return (SPECIFICATION,)


def refuse_if_nothing_to_draw(job: Job, seed: int) -> None:
    """Raises ``Refused`` if the strategy can't do anything with some size of the base."""
    import msgspec

    from chainsim.explore.ground import CantDraw
    from chainsim.explore.strategies import STRATEGIES

    sizes: list[tuple[int, ...]] = [(n,) for n in dict.fromkeys(job.model.sizes)]
    for each in sizes or [()]:
        try:
            model = msgspec.structs.replace(job.model, sizes=each)
            STRATEGIES[job.strategy](job.base, model, seed)
        except CantDraw as error:
            raise Refused(f"--strategy {job.strategy}: {error}") from None


def _sweep(
    job: Job,
    row: dict[str, str],
    first: int,
    last: int,
    executor: Executor,
    jobs: int,
    limit_s: float | None,
    resume: bool,
    out: Path,
) -> SweepReport:
    from chainsim.cli.sweeping import watching_sweep
    from chainsim.explore.journal import Journal, WrongJournal, folder_of
    from chainsim.explore.report import report
    from chainsim.explore.runner import sweep

    title = ", ".join(f"{path}={value}" for path, value in row.items()) or job.base.name
    try:
        journal = Journal(folder_of(out, job), job, resume=resume)
    except WrongJournal as error:
        raise Refused(str(error)) from None
    try:
        with watching_sweep(title, last - first) as tell:
            found = sweep(
                job,
                first,
                last,
                executor,
                jobs=jobs,
                journal=journal,
                limit_s=limit_s,
                tell=tell,
            )
    finally:
        journal.close()
    return report(job, first, row, found)


def save(job: Job, done: SweepReport, out: Path, *, shrink: bool) -> None:
    """Runs the first failure of each group again, recorded; shrinks the first of each check."""
    from chainsim.cli.sweeping import shrinking
    from chainsim.recorded_run import RunFailed, run_recorded

    shrunk: set[str] = set()
    for group in done.groups[:SAVED]:
        drawn = drawn_of(job, group)
        try:
            group.run_dir = run_recorded(drawn, out, "milestones").run_dir
        except RunFailed as failed:
            group.run_dir = str(failed.folder)
        except run_folder.Unwritable as error:
            raise Refused(str(error)) from None
        if shrink and group.check not in shrunk:
            shrunk.add(group.check)
            group.shrunk = shrinking(drawn, group.check, Path(group.run_dir), SHRINK_S)


def drawn_of(job: Job, group: Group) -> Scenario:
    """The scenario of a group's first failure."""
    from chainsim.explore.strategies import STRATEGIES
    from scenarios.loader import load_text

    if group.scenario:
        return load_text(group.scenario)
    return STRATEGIES[job.strategy](job.base, job.model, group.seed)


def keep_regressions(job: Job, done: SweepReport) -> None:
    """The first find of each check, as small as it got; tells where."""
    from chainsim import regressions

    kept: set[str] = set()
    for group in done.groups[:SAVED]:
        if group.check in kept:
            continue
        kept.add(group.check)
        small = load(group.shrunk) if group.shrunk else drawn_of(job, group)
        origin = f"explore {job.base.name} --strategy {job.strategy}, seed {group.seed}"
        try:
            path = regressions.keep(small, group.check, f"{origin}: {group.detail}")
        except OSError as error:
            raise Refused(f"can't write to {regressions.FOLDER}: {error.strerror}") from None
        output.note(f"kept: {path.as_posix()}")


def _show(reports: list[SweepReport], *, as_json: bool) -> None:
    if as_json:
        import msgspec

        output.write(msgspec.json.encode({"sweeps": reports}).decode() + "\n")
        return
    from chainsim.explore.report import render

    output.console().print(render(reports, f"{output.invocation()} shrink"))


# -- options ---------------------------------------------------------------------------


def seed_range(text: str) -> tuple[int, int]:
    """``1000`` is 0 to 999, ``500:600`` is 500 to 599, as (first, last + 1)."""
    found = re.fullmatch(r"([0-9]{1,19})(?::([0-9]{1,19}))?", text)
    if found is None:
        raise Refused(f'--seeds: wanted N or N:M, like 1000 or 500:600, got "{text}"')
    first, last = (0, int(found[1])) if found[2] is None else (int(found[1]), int(found[2]))
    if not first < last <= MOST_SEED:
        raise Refused(f'--seeds: "{text}" holds no seeds')
    return first, last


def seconds(text: str) -> float:
    """A duration with its unit, in seconds."""
    from scenarios.units import UnitError, parse_duration

    try:
        return parse_duration(text) / 1e6
    except UnitError as error:
        raise Refused(f'--time: {error}, got "{text}"') from None


def combinations(vary: tuple[str, ...]) -> list[dict[str, str]]:
    """Every combination of the values, the last option changing fastest; one empty one of none."""
    choices: dict[str, list[str]] = {}
    for option in vary:
        path, equals, values = option.partition("=")
        listed = [value.strip() for value in split_values(values)]
        if not equals or not path.strip() or not all(listed):
            raise Refused(f'--vary: wanted PATH=A,B,C, like network.loss=0,0.1, got "{option}"')
        if path.strip() in choices:
            raise Refused(f'--vary: "{path.strip()}" is varied twice')
        choices[path.strip()] = listed
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def split_values(text: str) -> list[str]:
    """At commas outside brackets, braces and quotes."""
    return re.findall(r"""(?:[^,\[{"']|\[[^\]]*\]|\{[^}]*\}|"[^"]*"|'[^']*')+""", text) or [""]


def settings(row: dict[str, str]) -> list[str]:
    """What ``--set`` would be given."""
    return [f"{path}={value}" for path, value in row.items()]


def restricted(model: FaultModel, options: ModelOptions) -> FaultModel:
    """The model with what the options say. Raises ``Refused``."""
    import msgspec

    from chainsim.explore.aside import ASIDE
    from chainsim.explore.drawing import drawn_kinds
    from chainsim.explore.model import behaviours_of

    changes: dict[str, object] = {}
    if options.fixed_size:
        changes["sizes"] = ()
    if options.sizes:
        changes["sizes"] = tuple(map(_size, options.sizes.split(",")))
    if options.kinds:
        changes["kinds"] = _names("--kinds", options.kinds, (*drawn_kinds(model), *ASIDE))
    if options.behaviours:
        changes["behaviours"] = _names("--behaviours", options.behaviours, behaviours_of(model))
    return msgspec.structs.replace(model, **changes)


def _size(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= MOST_VALIDATORS:
        raise Refused(f'--sizes: wanted numbers of validators, like 4,5,7, got "{text}"')
    return int(text)


def _names(option: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    from scenarios.errors import did_you_mean

    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise Refused(f'{option}: there is no "{name}"{did_you_mean(name, known)}')
    return names
