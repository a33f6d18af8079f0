"""``chainsim mutants``: planted bugs, looked for by exploring alone."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from chainsim.cli import options, output
from chainsim.cli.explore import STRATEGIES, seed_range
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.explore.bug_table import BugTable
    from chainsim.explore.hunt import Hunt
    from chainsim.explore.hunting import HuntJournal, Plan
    from chainsim.explore.planting import Mutant
    from chainsim.explore.runner import Tell

BEST: Final = "swarm"
"""The strategy of the quick pass: that found most, soonest, in the last full table."""
QUICK: Final = (2_000, 1)
"""Seeds of a sweep, and sweeps: a pass of some minutes."""
FULL: Final = (10_000, 5)
"""What the table of the README takes: hours."""


@click.command("mutants")
@click.option("--full", is_flag=True, help="Each strategy, 5 sweeps of 10000 seeds, resumable.")
@click.option("--seeds", metavar="N[:M]", help="Of a sweep, at most.  [default: 2000]")
@click.option("--sweeps", type=click.IntRange(1, 1000), help="Disjoint ranges.  [default: 1]")
@options.jobs
@click.option("--only", metavar="1,2", help="Only the mutants with these numbers.")
@click.option(
    "--strategy",
    "strategies",
    type=click.Choice(STRATEGIES),
    multiple=True,
    help=f"May be repeated.  [default: {BEST}]",
)
@click.option("--without", metavar="A,B", help="As if these properties were switched off.")
@click.option("--module", default="", help="Where they are planted.  [default: tests.mutants]")
@click.option(
    "--shrink/--no-shrink",
    default=None,
    help="Also print the smallest scenario that shows each.  [default: only its size, with --full]",
)
@click.option("--fresh", is_flag=True, help="Forget what an interrupted --full has found.")
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Print a table that was saved; nothing runs.",
)
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the table as JSON.",
)
@options.as_json
@options.out("Where the journal of --full goes.")
@click.pass_context
def command(
    context: click.Context,
    full: bool,
    seeds: str | None,
    sweeps: int | None,
    jobs: int,
    only: str | None,
    strategies: tuple[str, ...],
    without: str | None,
    module: str,
    shrink: bool | None,
    fresh: bool,
    source: Path | None,
    save: Path | None,
    as_json: bool,
    out: Path,
) -> None:
    """Plant each bug of the list in memory and explore until it is found.

    One base scenario and its fault model serve all that break consensus, one with a coupon day all
    that break money. Several sweeps are disjoint ranges of seeds: their median says how many a bug
    takes. With --full what is done is kept, and the same command goes on with it. Exits with 1 if
    one that applies isn't found.
    """
    off = _checks(without)
    if source is not None:
        _finish(context, _saved(source).without(off), as_json=as_json, texts=bool(shrink))
    plan = _plan(
        seeds,
        sweeps,
        strategies,
        module,
        jobs,
        full=full,
        shrink=full if shrink is None else shrink,
    )
    chosen = _chosen(plan.module, only)
    journal = _journal(plan, out, kept=full, fresh=fresh)
    interrupted = _hunt(plan, chosen, journal)
    if plan.shrink and not interrupted:
        _shrink(plan, chosen, journal)
    from chainsim.explore.hunting import table_of

    table = table_of(plan, chosen, journal)
    if save is not None:
        _save(table, save)
    if interrupted:
        _show(table.without(off), as_json=as_json, texts=bool(shrink))
        context.exit(ExitCode.INTERRUPTED)
    _finish(context, table.without(off), as_json=as_json, texts=bool(shrink))


# -- what is asked ---------------------------------------------------------------------


def _plan(
    seeds: str | None,
    sweeps: int | None,
    strategies: tuple[str, ...],
    module: str,
    jobs: int,
    *,
    full: bool,
    shrink: bool,
) -> Plan:
    from chainsim.commit import commit
    from chainsim.explore.hunting import Base, Plan
    from chainsim.explore.model import model_of
    from chainsim.explore.planting import MODULE

    module = module or MODULE
    bases = {name: load(name) for name in _bases(module)}
    default_seeds, default_sweeps = FULL if full else QUICK
    first, last = (0, default_seeds) if seeds is None else seed_range(seeds)
    return Plan(
        bases={name: Base(base, model_of(base)) for name, base in bases.items()},
        module=module,
        strategies=tuple(dict.fromkeys(strategies or (STRATEGIES if full else (BEST,)))),
        first=first,
        seeds=last - first,
        sweeps=sweeps or default_sweeps,
        shrink=shrink,
        jobs=jobs,
        commit=commit(),
    )


def _mutants(module: str) -> dict[int, Mutant]:
    from chainsim.explore.planting import NoMutants
    from chainsim.explore.planting import load as load_mutants

    try:
        return load_mutants(module)
    except NoMutants as error:
        raise Refused(str(error)) from None


def _bases(module: str) -> list[str]:
    """Scenarios from which exploring starts; all of a module, whatever was chosen of it."""
    return sorted({mutant.base for mutant in _mutants(module).values()})


def _chosen(module: str, only: str | None) -> list[Mutant]:
    mutants = _mutants(module)
    if only is None:
        return list(mutants.values())
    chosen: dict[int, Mutant] = {}
    for text in only.split(","):
        if not text.strip().isdecimal() or int(text) not in mutants:
            known = f"{min(mutants)} to {max(mutants)}"
            raise Refused(f'--only: there is no mutant "{text}"; there are {known}')
        chosen[int(text)] = mutants[int(text)]
    return list(chosen.values())


def _checks(text: str | None) -> frozenset[str]:
    """Properties that are switched off."""
    if text is None:
        return frozenset()
    from chainsim.checks import CHECKS
    from chainsim.explore.outcome import BROKEN
    from scenarios.errors import did_you_mean

    names = frozenset(name.strip() for name in text.split(","))
    known = (*CHECKS, BROKEN)
    for name in sorted(names):
        if name not in known:
            raise Refused(f'--without: there is no "{name}"{did_you_mean(name, known)}')
    return names


def _journal(plan: Plan, out: Path, *, kept: bool, fresh: bool) -> HuntJournal:
    from chainsim.explore.hunting import NAME, HuntJournal, folder_of
    from chainsim.explore.journal import WrongJournal

    try:
        return HuntJournal(folder_of(out, plan) / NAME if kept else None, fresh=fresh)
    except WrongJournal as error:
        raise Refused(str(error)) from None


# -- what is done ----------------------------------------------------------------------


def _hunt(plan: Plan, chosen: list[Mutant], journal: HuntJournal) -> bool:
    """Hunts what isn't done yet; True if somebody interrupted it."""
    from chainsim.explore.hunting import hunt_all
    from chainsim.explore.runner import executor_for

    with executor_for(plan.jobs) as executor:
        for mutant, found in hunt_all(plan, chosen, journal, executor, _watch):
            output.note(f"{mutant.number:>2} {mutant.name}: {_line(found)}")
            if found.interrupted:
                return True
    return False


def _watch(title: str, seeds: int) -> AbstractContextManager[Tell]:
    from chainsim.cli.sweeping import watching_sweep

    return watching_sweep(title, seeds, finds=False)


def _line(found: Hunt) -> str:
    if found.seed is None:
        return f"{found.strategy} not in {found.runs}"
    return f"{found.strategy} {', '.join(found.violated)} after {found.runs}"


def _shrink(plan: Plan, chosen: list[Mutant], journal: HuntJournal) -> None:
    from chainsim.explore.hunting import shrink_all

    for mutant, small in shrink_all(plan, chosen, journal):
        sizes = f"size {small.sizes[0]} -> {small.sizes[1]} in {small.wall_s} s"
        output.note(f"{mutant.number:>2} {mutant.name}: {sizes}")


# -- what is shown ---------------------------------------------------------------------


def _saved(source: Path) -> BugTable:
    import msgspec

    from chainsim.explore.bug_table import BugTable

    try:
        return msgspec.json.decode(source.read_bytes(), type=BugTable)
    except (msgspec.DecodeError, OSError) as error:
        raise Refused(f"{source} isn't a table of planted bugs: {error}") from None


def _save(table: BugTable, target: Path) -> None:
    from chainsim.explore.bug_table import encoded

    try:
        target.write_bytes(encoded(table))
    except OSError as error:
        raise Refused(f"can't write {target}: {error.strerror}") from None


def _show(table: BugTable, *, as_json: bool, texts: bool) -> None:
    if as_json:
        import msgspec

        output.write(msgspec.json.encode(table).decode() + "\n")
        return
    from chainsim.explore.bug_report import render, size_of

    output.console().print(render(table))
    for row in table.mutants if texts else ():
        if row.shrunk:
            output.write(f"\n# {row.number} {row.name}, size {size_of(row)}\n{row.shrunk}")


def _finish(context: click.Context, table: BugTable, *, as_json: bool, texts: bool) -> None:
    _show(table, as_json=as_json, texts=texts)
    missed = [row for row in table.applicable if not row.found]
    context.exit(ExitCode.EXPECTATION if missed else ExitCode.OK)
