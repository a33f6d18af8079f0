"""``chainsim show``: one scenario resolved: its cast, who can halt or fork it, its timeline."""

from __future__ import annotations

import rich_click as click

from chainsim.cli import options, output
from chainsim.cli.scenario_argument import complete, load


@click.command("show")
@click.argument("scenario", metavar="NAME|FILE", shell_complete=complete)
@options.overrides("Change a value.")
@click.option("--toml", is_flag=True, help="Print the resolved file instead, defaults and all.")
def command(scenario: str, overrides: tuple[str, ...], toml: bool) -> None:
    """Show a scenario: cast, timeline, and the smallest coalitions that can halt or fork it."""
    loaded = load(scenario, overrides)
    if toml:
        from scenarios.loader import resolved_toml

        output.write(resolved_toml(loaded))
        return
    from chainsim.scenario_view import ScenarioView

    output.console().print(ScenarioView(loaded))
