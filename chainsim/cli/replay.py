"""``chainsim replay``: plays a recorded run again, and holds it against its recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from chainsim import run_folder
from chainsim.cli import dashboard, options, output
from chainsim.cli.run import show
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.replay import Replayed


@click.command("replay")
@options.recorded_run
@click.option(
    "--verify",
    is_flag=True,
    help="Only compare: digests, and each record; names the first that differs.",
)
@options.as_json
@click.option("--live", is_flag=True, help="Watch it in the dashboard, forwards and backwards.")
@click.option(
    "--at", "at", metavar="T", default=None, help="With --live: where to begin, like 12.5s."
)
@click.option(
    "--speed",
    metavar="X",
    default=None,
    help="With --live: virtual seconds per second, or max.  [default: 1]",
)
@click.pass_context
def command(
    context: click.Context,
    run: str,
    verify: bool,
    as_json: bool,
    live: bool,
    at: str | None,
    speed: str | None,
) -> None:
    """Play a run again. Exits with 5 if it differs from what was recorded.

    RUN is a path, a unique prefix of a name in runs/, or @last. Nothing is written.
    """
    try:
        folder = run_folder.find(run)
    except run_folder.RunNotFound as error:
        raise Refused(str(error)) from None
    scenario = load(str(folder / run_folder.SCENARIO))
    pace, at_us = dashboard.speed_of(speed, live=live), dashboard.time_of(at, live=live)
    if live and not verify and dashboard.possible(as_json=as_json):
        equal, words = dashboard.replay_live(scenario, folder, at_us, pace)
        output.note(f"{folder}: {words}")
        context.exit(ExitCode.OK if equal else ExitCode.DIVERGED)
    from chainsim.cli.progress import watching
    from chainsim.replay import replay

    with watching(scenario.duration) as progress:
        replayed = replay(scenario, folder, progress)
    if replayed.interrupted:
        output.note("Interrupted: nothing can be said of the whole run.")
        context.exit(ExitCode.INTERRUPTED)
    if verify and not replayed.comparable:
        raise Refused(f"{folder} holds neither a summary nor a trace to compare with")
    _tell(replayed, folder, verify=verify, as_json=as_json)
    if not replayed.equal:
        context.exit(ExitCode.DIVERGED)
    context.exit(ExitCode.OK if verify else replayed.summary.exit_code)


def _tell(replayed: Replayed, folder: Path, *, verify: bool, as_json: bool) -> None:
    if not verify:
        show(replayed.summary, as_json=as_json)
        if not replayed.equal:
            output.note(str(replayed))
    elif as_json:
        import msgspec

        output.write(msgspec.json.encode(replayed.verdict(str(folder))).decode() + "\n")
    else:
        output.write(f"{folder}: {replayed}\n")
