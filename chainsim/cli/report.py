"""``chainsim report``: pictures of a recorded run, as one HTML file or as a Perfetto trace."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from chainsim import run_folder
from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.report.observed import Observed

FORMATS = {"html": run_folder.REPORT, "perfetto": run_folder.PERFETTO}
"""Format -> the file in the run's folder."""


def needs_extra(purpose: str) -> None:
    """Refuses, with the remedy, where the libraries of the extra ``report`` are missing."""
    if find_spec("bokeh") is not None:
        return
    raise Refused(
        f"{purpose} needs Bokeh, which isn't installed: run `make report` in a checkout, or "
        f"{Path(sys.executable).name} -m pip install bokeh where chainsim is installed."
    )


@click.command("report")
@options.recorded_run
@options.written_file("Where it goes.  [default: report.html or perfetto.json in the run's folder]")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="html",
    help="A page that opens offline, or a trace for ui.perfetto.dev.  [default: html]",
)
@click.pass_context
def command(context: click.Context, run: str, target: Path | None, format_: str) -> None:
    """Draw a recorded run: one HTML file that opens offline, or a trace for Perfetto.

    RUN is a path, a unique prefix of a name in runs/, or @last. The run is executed again with its
    messages traced; exits with 5, and draws nothing, if it differs from what was recorded.
    """
    if format_ == "html":
        needs_extra("A report")
    try:
        folder = run_folder.find(run)
    except run_folder.RunNotFound as error:
        raise Refused(str(error)) from None
    target = target or folder / FORMATS[format_]
    observed = _observed(context, folder, slices=format_ == "perfetto")
    text = _drawn(observed, format_)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"can't write {target}: {error.strerror}") from None
    output.note(str(observed.messages.thinning))
    output.write(f"{target}\n")


def _observed(context: click.Context, folder: Path, *, slices: bool) -> Observed:
    scenario = load(str(folder / run_folder.SCENARIO))
    from chainsim.cli.progress import watching
    from chainsim.report.observed import Diverged, NoSummary, Stopped, observe

    try:
        with watching(scenario.duration) as progress:
            return observe(scenario, folder, progress, slices=slices)
    except NoSummary as error:
        raise Refused(str(error)) from None
    except Stopped:
        output.note("Interrupted: nothing is drawn.")
        context.exit(ExitCode.INTERRUPTED)
    except Diverged as error:
        output.note(f"{folder}: {error}\nNothing is drawn: it would show another run.")
        context.exit(ExitCode.DIVERGED)


def _drawn(observed: Observed, format_: str) -> str:
    if format_ == "perfetto":
        from chainsim.report.perfetto import trace

        return trace(observed)
    from chainsim.report.page import page

    return page(observed)
