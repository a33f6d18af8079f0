"""``chainsim compare``: what differs between recorded runs, as a table and as HTML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from chainsim import run_folder
from chainsim.cli import options, output
from chainsim.cli.report import needs_extra
from chainsim.cli.scenario_argument import Refused
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.report.differences import Comparison

NAME: Final = 30
"""Columns that names get at least, if they need them."""

LONG: Final = ("digest", "state root")
DIGITS: Final = 16
"""Shown of these on a terminal; the HTML and JSON have them whole."""


@click.command("compare")
@click.argument(
    "runs", metavar="RUN RUN...", nargs=-1, required=True, shell_complete=options.complete_run
)
@click.option("--all", "everything", is_flag=True, help="Equal values too.")
@options.written_file("Write it as one HTML file too, with every value.")
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    runs: tuple[str, ...],
    everything: bool,
    target: Path | None,
    as_json: bool,
) -> None:
    """Show what differs between recorded runs. Exits with 0 if nothing does, else with 1.

    Each RUN is a path, a unique prefix of a name in runs/, or @last. Nothing is executed. Runs of
    one scenario's name are compared up to the first milestone that differs.
    """
    if len(runs) < 2:
        raise Refused("compare takes two runs or more")
    if target is not None:
        needs_extra("HTML")
    from chainsim.report.differences import compare
    from chainsim.report.observed import NoSummary

    try:
        compared = compare([run_folder.find(run) for run in runs])
    except (run_folder.RunNotFound, NoSummary) as error:
        raise Refused(str(error)) from None
    if target is not None:
        _write(compared, target)
    if as_json:
        output.write(_json(compared))
    else:
        _show(compared, everything=everything)
    if target is not None and not as_json:
        output.write(f"{target}\n")
    context.exit(ExitCode.OK if compared.equal else ExitCode.EXPECTATION)


def _write(compared: Comparison, target: Path) -> None:
    from chainsim.report.page import comparison

    try:
        target.write_text(comparison(compared), encoding="utf-8")
    except OSError as error:
        raise Refused(f"can't write {target}: {error.strerror}") from None


def _json(compared: Comparison) -> str:
    import msgspec

    rows = [{**msgspec.to_builtins(row), "equal": row.equal} for row in compared.rows]
    value = {
        "equal": compared.equal,
        "runs": compared.runs,
        "rows": rows,
        "partings": compared.partings,
    }
    return msgspec.json.encode(value).decode() + "\n"


def _show(compared: Comparison, *, everything: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from chainsim.report.differences import verdict

    console = output.console()
    rows = compared.rows if everything else compared.differing
    changes = any(row.change for row in rows)
    section = ""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("", *compared.runs, *(["change"] if changes else [])):
        table.add_column(name, overflow="fold")
    longest = max((len(row.name) for row in rows), default=0)
    table.columns[0].min_width = min(longest + 2, NAME)
    for row in rows:
        if row.section != section:
            section = row.section
            table.add_row(Text(section, style="bold"))
        mark = "  " if row.equal else "≠ "
        values = [v[:DIGITS] if row.name in LONG else v for v in row.values]
        cells = [Text(f"{mark}{row.name}"), *map(Text, values)]
        table.add_row(*cells, *([Text(row.change)] if changes else []))
    if rows:
        console.print(table)
    for parting in compared.partings:
        if parting.difference is not None:
            first = compared.runs[0]
            width = max(len(first), len(parting.run)) + 1
            lines = (
                f"{parting.run} parts from {first} at milestone {parting.difference.index:,}",
                f"  {first + ':':<{width}} {parting.difference.recorded or 'nothing more'}",
                f"  {parting.run + ':':<{width}} {parting.difference.replayed or 'nothing more'}",
            )
            console.print(Text("\n".join(lines)), soft_wrap=True)
    console.print(Text(verdict(compared), style="bold"))
