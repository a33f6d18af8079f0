"""The group of all commands. A command's module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import rich_click as click

COMMANDS: Final[dict[str, str]] = {
    "list": "chainsim.cli.list",
    "show": "chainsim.cli.show",
    "validate": "chainsim.cli.validate",
    "schema": "chainsim.cli.schema",
    "new": "chainsim.cli.new",
    "run": "chainsim.cli.run",
    "replay": "chainsim.cli.replay",
    "explore": "chainsim.cli.explore",
    "exhaust": "chainsim.cli.exhaust",
    "report": "chainsim.cli.report",
    "compare": "chainsim.cli.compare",
    "shrink": "chainsim.cli.shrink",
    "when": "chainsim.cli.when",
    "forensics": "chainsim.cli.forensics",
    "verify": "chainsim.cli.verify",
    "export": "chainsim.cli.export",
    "mutants": "chainsim.cli.mutants",
    "bench": "chainsim.cli.bench",
    "goals": "chainsim.cli.goals",
}
"""Name -> the module that holds it as ``command``, in the order of the help page."""


class LazyGroup(click.RichGroup):
    """Knows its commands by name and imports them late: ``--help`` must be quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None for an unknown name."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = import_module(module).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Like click's, with the nearest name for a wrong one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from scenarios.errors import did_you_mean

            ctx.fail(f'no command "{args[0]}"{did_you_mean(args[0], COMMANDS)}')
        return super().resolve_command(ctx, args)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from chainsim import __version__

    click.echo(f"chainsim {__version__}")
    ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
def cli() -> None:
    """Simulate a permissioned blockchain of tokenised sovereign assets, ordered by PBFT.

    Same scenario, same seed, same version: the same run, on every machine.

    Exit codes: 0 all holds · 1 an expectation fails · 2 bad usage or scenario · 3 safety is
    violated · 4 liveness is violated · 5 a replay diverged · 70 a bug in chainsim ·
    130 interrupted.
    """
