"""``chainsim validate``: all errors of scenario files at once, and nothing runs."""

from __future__ import annotations

import rich_click as click

from chainsim.cli import output
from chainsim.cli.scenario_argument import Refused, complete, load
from chainsim.exit_codes import ExitCode


@click.command("validate")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete)
@click.pass_context
def command(context: click.Context, files: tuple[str, ...]) -> None:
    """Check scenario files (or shipped names): all their errors, each with its place."""
    wrong = 0
    for file in files:
        try:
            scenario = load(file)
        except Refused as refused:
            wrong += 1
            output.note(refused.format_message())
        else:
            output.write(f"{file}: {scenario.name} is a valid scenario\n")
    if wrong:
        context.exit(ExitCode.USAGE)
