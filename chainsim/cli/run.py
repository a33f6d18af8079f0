"""``chainsim run``: one run, its summary, and the folder that it leaves."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import rich_click as click

from chainsim import run_folder
from chainsim.cli import dashboard, options, output
from chainsim.cli.explore import specified
from chainsim.cli.scenario_argument import Refused, complete, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.run_summary import RunSummary

LEVELS = ("off", "milestones", "messages")


@click.command("run")
@click.argument("scenario", metavar="NAME|FILE", shell_complete=complete)
@click.option("--seed", type=int, metavar="N", help="Instead of the scenario's own seed.")
@options.overrides("Change a value, like faults[0].at=3s. May be repeated; the last wins.")
@options.out("Where the run's folder goes.")
@options.as_json
@click.option(
    "--trace",
    "level",
    type=click.Choice(LEVELS),
    default="milestones",
    help="What is recorded; it never changes the run.  [default: milestones]",
)
@click.option("--spec", is_flag=True, help="Hold the run against the specification of PBFT too.")
@click.option("--live", is_flag=True, help="Watch it in a full-screen dashboard, and prod it.")
@click.option(
    "--speed",
    metavar="X",
    default=None,
    help="With --live: virtual seconds per second, or max.  [default: 1]",
)
@click.pass_context
def command(
    context: click.Context,
    scenario: str,
    seed: int | None,
    overrides: tuple[str, ...],
    out: Path,
    as_json: bool,
    level: str,
    spec: bool,
    live: bool,
    speed: str | None,
) -> None:
    """Run a scenario once: progress, then a summary with each check and expectation.

    NAME is a shipped scenario; an argument with a / or ending in .toml is a file.
    """
    loaded = load(scenario, overrides, seed)
    from chainsim.cli.progress import watching
    from chainsim.recorded_run import run_recorded
    from chainsim.trace import Level

    (chosen,) = (known for known in get_args(Level) if known == level)
    if spec and live:
        raise Refused("--spec judges a run that goes through: leave out --live")
    further = specified(loaded) if spec else ()
    pace = dashboard.speed_of(speed, live=live)
    try:
        if live and dashboard.possible(as_json=as_json):
            summary = run_recorded(loaded, out, chosen, player=dashboard.player(pace))
        elif live:
            with watching(loaded.duration) as progress:
                told = dashboard.plain_player(progress)
                summary = run_recorded(loaded, out, chosen, player=told)
        else:
            with watching(loaded.duration) as progress:
                summary = run_recorded(loaded, out, chosen, progress, further=further)
    except run_folder.Unwritable as error:
        raise Refused(str(error)) from None
    show(summary, as_json=as_json)
    context.exit(summary.exit_code)


def show(summary: RunSummary, *, as_json: bool) -> None:
    """To standard output: the summary as one JSON object, or for people."""
    if as_json:
        from chainsim.run_summary import to_json

        output.write(to_json(summary))
        return
    from chainsim.summary import print_summary

    print_summary(output.console(), summary, next_steps(summary))


def next_steps(summary: RunSummary) -> list[tuple[str, str]]:
    """What a person may want to do with a run: the purpose, and the line to copy."""
    if not summary.run_dir:
        return []
    folder = shlex.quote(summary.run_dir)
    steps = [("replay", f"{output.invocation()} replay {folder} --verify")]
    if summary.exit_code in (ExitCode.SAFETY, ExitCode.LIVENESS):
        steps.append(("shrink", f"{output.invocation()} shrink {folder}"))
    if summary.exit_code in (ExitCode.EXPECTATION, ExitCode.SAFETY, ExitCode.LIVENESS):
        steps.append(("report", f"{output.invocation()} report {folder}"))
    return steps
