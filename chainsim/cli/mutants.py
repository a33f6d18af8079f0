"""``chainsim mutants``: planted bugs, looked for by exploring alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import rich_click as click

from chainsim.cli import output
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rich.table import Table

    from chainsim.explore.hunt import Hunt, Row
    from chainsim.explore.planting import Mutant

STRATEGIES: Final = ("random", "swarm")
BASE: Final = "explore-base"


@click.command("mutants")
@click.option("--seeds", metavar="N[:M]", default="2000", help="For each.  [default: 2000]")
@click.option("--jobs", type=click.IntRange(1, 1024), default=1, help="Processes.  [default: 1]")
@click.option("--only", metavar="1,2", help="Only the mutants with these numbers.")
@click.option(
    "--strategy",
    "strategies",
    type=click.Choice(STRATEGIES),
    multiple=True,
    help="May be repeated.  [default: each]",
)
@click.option("--module", default="", help="Where they are planted.  [default: tests.mutants]")
@click.option("--shrink", is_flag=True, help="Also print the smallest scenario that shows each.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def command(
    context: click.Context,
    seeds: str,
    jobs: int,
    only: str | None,
    strategies: tuple[str, ...],
    module: str,
    shrink: bool,
    as_json: bool,
) -> None:
    """Plant each bug of the list in memory and explore until it is found.

    One base scenario and one fault model serve all of them. Exits with 1 if one that applies
    isn't found.
    """
    from chainsim.cli.explore import seed_range
    from chainsim.explore.planting import MODULE, NoMutants
    from chainsim.explore.planting import load as load_mutants
    from chainsim.explore.runner import executor_for

    first, last = seed_range(seeds)
    module = module or MODULE
    try:
        mutants = load_mutants(module)
    except NoMutants as error:
        raise Refused(str(error)) from None
    chosen = [mutants[number] for number in _numbers(only, mutants)]
    rows: list[Row] = []
    with executor_for(jobs) as executor:
        for mutant in chosen:
            row = _row(
                mutant,
                module,
                strategies or STRATEGIES,
                range(first, last),
                executor,
                jobs,
                shrink=shrink,
            )
            rows.append(row)
            output.note(_line(row))
            if any(hunt.interrupted for hunt in row.hunts):
                break
    _show(rows, as_json=as_json)
    if any(hunt.interrupted for row in rows for hunt in row.hunts):
        context.exit(ExitCode.INTERRUPTED)
    missed = [row for row in rows if row.applicable and not row.found]
    context.exit(ExitCode.EXPECTATION if missed else ExitCode.OK)


def _numbers(only: str | None, mutants: dict[int, Mutant]) -> list[int]:
    if only is None:
        return list(mutants)
    numbers = []
    for text in only.split(","):
        if not text.strip().isdecimal() or int(text) not in mutants:
            raise Refused(f'--only: there is no mutant "{text}"; there are 1 to {max(mutants)}')
        numbers.append(int(text))
    return numbers


def _row(
    mutant: Mutant,
    module: str,
    strategies: tuple[str, ...],
    seeds: range,
    executor: Executor,
    jobs: int,
    *,
    shrink: bool,
) -> Row:
    from chainsim.cli.sweeping import watching_sweep
    from chainsim.explore.hunt import hunt, row_of, shrunk
    from chainsim.explore.model import model_of
    from chainsim.explore.planting import Planted

    if mutant.apply is None:
        return row_of(mutant, ())
    what = Planted(module, mutant.number)
    base = load(BASE)
    model = model_of(base)
    hunts: list[Hunt] = []
    for strategy in strategies:
        title = f"{mutant.number} {mutant.name}, {strategy}"
        with watching_sweep(title, len(seeds), finds=False) as tell:
            hunts.append(hunt(what, base, model, strategy, seeds, executor, jobs, tell))
        if hunts[-1].interrupted:
            break
    best = min((h for h in hunts if h.seed is not None), key=lambda h: h.runs, default=None)
    small = shrunk(what, base, model, best) if shrink and best is not None else None
    return row_of(mutant, hunts, small)


def _line(row: Row) -> str:
    if not row.applicable:
        return f"{row.number:>2} {row.name}: not applicable yet ({row.note})"
    words = [
        f"{hunt.strategy} {hunt.check} after {hunt.runs}"
        if hunt.seed is not None
        else f"{hunt.strategy} not in {hunt.runs}"
        for hunt in row.hunts
    ]
    return f"{row.number:>2} {row.name}: {', '.join(words)}"


def _show(rows: list[Row], *, as_json: bool) -> None:
    if as_json:
        import msgspec

        output.write(msgspec.json.encode({"base": BASE, "mutants": rows}).decode() + "\n")
        return
    console = output.console()
    console.print(_table(rows))
    applicable = [row for row in rows if row.applicable]
    found = sum(row.found for row in applicable)
    later = len(rows) - len(applicable)
    console.print(
        f"{found} of {len(applicable)} found" + (f", {later} not applicable yet" if later else "")
    )
    for row in rows:
        if row.shrunk:
            sizes = f"size {row.sizes[0]} -> {row.sizes[1]}" if row.sizes else ""
            output.write(f"\n# {row.number} {row.name}, {sizes}\n{row.shrunk}")


def _table(rows: list[Row]) -> Table:
    from rich.table import Table
    from rich.text import Text

    strategies = list(dict.fromkeys(hunt.strategy for row in rows for hunt in row.hunts))
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("#", "mutant", "should break", "found by", *strategies, ""):
        table.add_column(column, justify="right" if column in ("#", *strategies) else "left")
    for row in rows:
        checks = dict.fromkeys(hunt.check for hunt in row.hunts if hunt.seed is not None)
        if not row.applicable:
            verdict = Text("not applicable yet", style="dim")
        elif checks:
            verdict = Text(", ".join(checks), style="green")
        else:
            verdict = Text("not found", style="bold red")
        seeds = {hunt.strategy: _seeds(hunt) for hunt in row.hunts}
        table.add_row(
            str(row.number),
            row.name,
            row.breaks,
            verdict,
            *(seeds.get(strategy, "") for strategy in strategies),
            Text(row.note, style="dim"),
        )
    return table


def _seeds(hunt: Hunt) -> str:
    return f"{hunt.runs:,}" if hunt.seed is not None else f"> {hunt.runs:,}"
