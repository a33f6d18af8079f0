"""``chainsim goals``: what the harness must reach, beside what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.goals import Line, Readings

QUICK: Final = 32
"""Seeds of a sample."""
STYLES: Final = {
    "reached": "green",
    "falls short": "bold red",
    "partly measured": "yellow",
    "not measured": "dim",
}


@click.command("goals")
@click.option("--measure", type=click.Choice(("quick",)), help="Take a small sample of each now.")
@options.jobs
@click.option(
    "--journals",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where `make acceptance` keeps its results.  [default: .acceptance]",
)
@click.option(
    "--bugs",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The table of `mutants --save`.  [default: docs/mutants.json]",
)
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    measure: str | None,
    jobs: int,
    journals: Path | None,
    bugs: Path | None,
    as_json: bool,
) -> None:
    """Print the goals of the harness beside the readings, and say what falls short.

    Readings come from journals of `make acceptance` and from a saved table of `mutants`. What
    nobody measured is said to be missing; --measure quick takes small samples in place of
    journals. Exits with 1 unless every goal is reached.
    """
    from chainsim.goals import lines_of, read
    from chainsim.goals.measure import ROOT
    from chainsim.goals.readings import BUGS, JOURNALS

    table = bugs or ROOT / BUGS
    if bugs is not None and not bugs.exists():
        raise Refused(f"{bugs} does not exist")
    if journals is not None and not journals.is_dir():
        raise Refused(f"{journals} is no folder of journals")
    found = _sample(jobs, table) if measure else read(journals or ROOT / JOURNALS, table)
    lines = lines_of(found)
    _show(lines, as_json=as_json)
    reached = all(line.state == "reached" for line in lines)
    context.exit(ExitCode.OK if reached else ExitCode.EXPECTATION)


def _sample(jobs: int, bugs: Path) -> Readings:
    """A little of each, now; the table of planted bugs is taken as it was saved."""
    from chainsim.explore.planting import NoMutants
    from chainsim.goals import Readings
    from chainsim.goals.measure import samples
    from chainsim.goals.readings import bug_table

    results = {}
    try:
        for name, measured in samples(QUICK, jobs):
            output.note(f"measuring {name} …")
            results[name] = measured()
    except (NoMutants, ImportError) as error:
        raise Refused(f"samples need the tests of a checkout: {error}") from None
    return Readings(results, bug_table(bugs))


def _show(lines: tuple[Line, ...], *, as_json: bool) -> None:
    if as_json:
        import msgspec

        output.write(msgspec.json.encode({"goals": lines}).decode() + "\n")
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("", "goal", "", "reading"):
        table.add_column(column)
    area = ""
    for line in lines:
        shown = line.area if line.area != area else ""
        area = line.area
        got = line.got or Text(line.how, style="dim")
        table.add_row(shown, line.goal, Text(line.state, style=STYLES[line.state]), got)
    output.console().print(table)
    output.write(_verdict(lines) + "\n")


def _verdict(lines: tuple[Line, ...]) -> str:
    """What is reached, and in plain words what isn't."""
    counts = {state: sum(line.state == state for line in lines) for state in STYLES}
    words = f"{counts['reached']} of {len(lines)} goals reached"
    for state in ("falls short", "partly measured", "not measured"):
        if counts[state]:
            words += f", {counts[state]} {state.replace('falls', 'fall')}"
    short = [f"{line.area}: {line.goal}" for line in lines if line.state == "falls short"]
    return "\n".join([words, *(f"  short: {each}" for each in short)])
