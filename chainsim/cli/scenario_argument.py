"""Reads the scenario that a command was given; a wrong one becomes a list of its errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import rich_click as click

from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from scenarios.errors import ScenarioErrors
    from scenarios.schema import Scenario


class Refused(click.ClickException):
    """The caller's mistake, in one or more lines; exit 2."""

    exit_code = ExitCode.USAGE


def load(argument: str, overrides: Iterable[str] = (), seed: int | None = None) -> Scenario:
    """The scenario; raises ``Refused`` with all that is wrong with it."""
    from scenarios import loader

    try:
        return loader.load(argument, overrides, seed)
    except loader.ScenarioErrors as errors:
        raise Refused(listed(errors)) from None


def complete(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """For the shell: shipped names, or files where no name begins like that."""
    from scenarios import loader

    return offered(loader.shipped(), typed)


def offered(names: Iterable[str], typed: str) -> list[CompletionItem]:
    """Those of ``names`` that begin with what is ``typed``, else files."""
    from click.shell_completion import CompletionItem

    found = [CompletionItem(name) for name in names if name.startswith(typed)]
    return found or [CompletionItem(typed, type="file")]


def listed(errors: ScenarioErrors) -> str:
    """``source: n errors``, then one on each line."""
    count = len(errors.errors)
    lines = [f"{errors.source}: {count} error{'s' if count != 1 else ''}"]
    return "\n".join([*lines, *(f"  {error}" for error in errors.errors)])
