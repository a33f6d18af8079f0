"""``chainsim when``: from which moment on a failing run could hardly be saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from chainsim.explore.likelihood import Likelihood

WIDTH: Final = 30
"""Of a full bar."""


@click.command("when")
@options.recorded_run
@click.option("--check", metavar="NAME", default="", help="The property that is violated.")
@click.option(
    "--points", type=click.IntRange(2, 1000), default=11, help="Moments.  [default: 11, and 5 more]"
)
@click.option(
    "--tries", type=click.IntRange(1, 10_000), default=20, help="Runs for each.  [default: 20]"
)
@options.jobs
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    run: str,
    check: str,
    points: int,
    tries: int,
    jobs: int,
    as_json: bool,
) -> None:
    """Show when a failure became likely: the share of runs that still fail if chance begins anew.

    RUN is a path (a run's folder or a scenario file), a unique prefix of a name in runs/, or
    @last. Up to each moment the run is as it was; from there on the network, disks and liars
    draw anew. Half as many moments again are put where the share rises most.
    """
    from chainsim.cli.shrink import scenario_of
    from chainsim.cli.sweeping import watching
    from chainsim.explore.likelihood import NothingFails, likelihood
    from chainsim.explore.runner import executor_for

    source = scenario_of(run)
    scenario = load(source.as_posix() if "/" in source.as_posix() else f"./{source}")
    try:
        with watching("moments") as tell, executor_for(jobs) as executor:
            found = likelihood(scenario, check, executor, points=points, tries=tries, tell=tell)
    except NothingFails as error:
        raise Refused(f"{source} doesn't fail: {error}") from None
    _show(found, source, as_json=as_json)
    context.exit(ExitCode.INTERRUPTED if found.interrupted else ExitCode.OK)


def _show(found: Likelihood, source: Path, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        result = {
            "run": source.as_posix(),
            "check": found.check,
            "detail": found.detail,
            "failed_us": found.failed_us,
            "points": [
                {
                    "at_us": point.at_us,
                    "runs": point.runs,
                    "fails": point.fails,
                    "share": round(point.share, 4),
                    "interval": [round(bound, 4) for bound in point.interval],
                }
                for point in found.points
            ],
            "rise_us": [point.at_us for point in found.rise] if len(found.points) > 1 else [],
            "events": list(found.events),
            "interrupted": found.interrupted,
        }
        output.write(msgspec.json.encode(result).decode() + "\n")
        return
    output.console().print(render(found))


def render(found: Likelihood) -> RenderableType:
    """For people: the curve, and what happened where it rises most."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("anew from", justify="right")
    table.add_column("runs that still fail", min_width=WIDTH)
    table.add_column("share", justify="right")
    table.add_column("95 %", style="dim", justify="right")
    for point in found.points:
        low, high = point.interval
        bar = round(point.share * WIDTH)
        table.add_row(
            f"{point.at_us / 1e6:.3f} s",
            Text("━" * bar, style="red") + Text("─" * (WIDTH - bar), style="dim"),
            f"{point.share:.0%}",
            f"{low:.0%} to {high:.0%}",
        )
    head = f"{found.check} at {found.failed_us / 1e6:.3f} s: {found.detail}"
    lines: list[RenderableType] = [Text(head, style="bold"), table]
    if len(found.points) > 1:
        first, last = found.rise
        span = f"{first.at_us / 1e6:.3f} s and {last.at_us / 1e6:.3f} s"
        lines.append(
            Text(f"It rises most between {span}, from {first.share:.0%} to {last.share:.0%}:")
        )
        lines += [Text(f"  {event}") for event in found.events or ("nothing that has a name",)]
    return Group(*lines)
