"""``chainsim export``: a run's ledger for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from chainsim import run_folder
from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused, load

if TYPE_CHECKING:
    from scenarios.schema import Scenario

FORMATS = ("beancount", "goaml", "csv")


@click.command("export")
@options.recorded_run
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    required=True,
    help="A double-entry journal, reports for the Financial Monitoring Unit, or tables.",
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    help="File or folder to write.  [default: export/ in the run folder; goaml: private/fmu/ "
    "beside it]",
)
def command(run: str, format_: str, target: Path | None) -> None:
    """Write the ledger of a run for other tools, and say where.

    RUN is a path, a unique prefix of a name in runs/, or @last. What goaml gives is confidential:
    it is written for its owner only, and never into the run folder.
    """
    from chainsim.exported_chain import Unreadable

    try:
        folder = run_folder.find(run)
    except run_folder.RunNotFound as error:
        raise Refused(str(error)) from None
    scenario = load((folder / run_folder.SCENARIO).absolute().as_posix())
    try:
        written = _WRITERS[format_](folder, scenario, target)
    except Unreadable as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(f"can't write {error.filename}: {error.strerror}") from None
    for path in written:
        click.echo(path)
    if not written:
        output.note("nothing to write")


def _beancount(folder: Path, scenario: Scenario, target: Path | None) -> list[Path]:
    from chainsim.beancount_export import journal
    from chainsim.exported_chain import read_chain
    from scenarios.genesis import make_genesis
    from scenarios.keys import Keys

    chain = read_chain(folder / run_folder.CHAIN)
    currencies = make_genesis(scenario, Keys(scenario.seed, "fast")).currencies
    text = journal(chain, folder.name, scenario.calendar.start, currencies)
    path = target or folder / "export" / "journal.beancount"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return [path]


def _csv(folder: Path, scenario: Scenario, target: Path | None) -> list[Path]:
    from chainsim.table_export import write_tables

    return write_tables(folder / run_folder.CHAIN, target or folder / "export")


def _goaml(folder: Path, scenario: Scenario, target: Path | None) -> list[Path]:
    from chainsim.exported_chain import read_chain
    from chainsim.goaml import PRIVATE, reports, write_reports
    from scenarios.genesis import make_genesis
    from scenarios.keys import Keys

    chain = read_chain(folder / run_folder.CHAIN)
    genesis = make_genesis(scenario, Keys(scenario.seed, "fast"))
    place = target or folder.absolute().parent / PRIVATE / folder.name
    if place.absolute().is_relative_to(folder.absolute()):
        raise Refused(f"{place} is in the run folder: confidential reports don't belong there")
    return write_reports(reports(chain, genesis), place)


_WRITERS = {"beancount": _beancount, "goaml": _goaml, "csv": _csv}
