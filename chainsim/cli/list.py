"""``chainsim list``: the shipped scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from chainsim.cli import output
from chainsim.cli.scenario_argument import Refused

if TYPE_CHECKING:
    from scenarios.schema import Scenario


def _for_a_newcomer(scenario: Scenario) -> tuple[int, str]:
    """What to look at first comes first; what only tools run comes last."""
    rank = [tag in scenario.tags for tag in ("first", "flagship", "domain", "consensus")]
    first = rank.index(True) if True in rank else len(rank)
    return (len(rank) if "explore" in scenario.tags else first), scenario.name


@click.command("list")
@click.option("--tag", metavar="T", help="Only those with this tag.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array on standard output.")
def command(tag: str | None, as_json: bool) -> None:
    """List the shipped scenarios."""
    import msgspec

    from scenarios import loader
    from scenarios.errors import did_you_mean

    scenarios = sorted(map(loader.load, loader.shipped()), key=_for_a_newcomer)
    tags = {tag for scenario in scenarios for tag in scenario.tags}
    if tag is not None and tag not in tags:
        raise Refused(f'no shipped scenario has the tag "{tag}"{did_you_mean(tag, tags)}')
    chosen = [scenario for scenario in scenarios if tag is None or tag in scenario.tags]
    if as_json:
        rows = [{"name": s.name, "title": s.title, "tags": s.tags} for s in chosen]
        output.write(msgspec.json.encode(rows).decode() + "\n")
        return
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("name", "title", "tags"):
        table.add_column(column, style="bold" if column == "name" else "")
    for scenario in chosen:
        table.add_row(scenario.name, scenario.title, ", ".join(scenario.tags))
    output.console().print(table)
