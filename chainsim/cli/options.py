"""Options and arguments that several commands share: one spelling, one meaning, one help text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import rich_click as click

from chainsim import run_folder
from chainsim.cli.scenario_argument import offered

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def complete_run(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """For the shell: recorded runs, or folders."""
    return offered([run_folder.LAST, *run_folder.finished()], typed)


recorded_run: Final[Decorator] = click.argument("run", metavar="RUN", shell_complete=complete_run)
as_json: Final[Decorator] = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output."
)
jobs: Final[Decorator] = click.option(
    "--jobs", type=click.IntRange(1, 1024), default=1, help="Processes.  [default: 1]"
)


def overrides(what: str) -> Decorator:
    """``--set PATH=VALUE``, of which there may be several."""
    return click.option("--set", "overrides", metavar="PATH=VALUE", multiple=True, help=what)


def out(what: str) -> Decorator:
    """``--out DIR``: the folder that runs are kept in."""
    return click.option(
        "--out",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        default=run_folder.RUNS,
        help=f"{what}  [default: runs]",
    )


def written_file(what: str) -> Decorator:
    """``-o FILE``: where to write to, as ``target``."""
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option("-o", "target", metavar="FILE", type=path, help=what)
