"""What is wrong with a scenario, in words for whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

MOST_LISTED = 20
"""Names that an error lists when none is near."""


class ScenarioError(msgspec.Struct, frozen=True):
    """One mistake: its place (``faults[2].node``), what was wanted, and the line if known."""

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        line = f" (line {self.line})" if self.line is not None else ""
        return f"{where}{self.message}{line}"


class ScenarioErrors(Exception):
    """A scenario can't be used; ``errors`` holds all that is wrong with it, in file order.

    ``source`` is the file or shipped name that was asked for.
    """

    def __init__(self, source: str, errors: Iterable[ScenarioError]) -> None:
        self.source = source
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """``'; did you mean "mof"?'`` with the nearest of ``known``, or the names if they are few."""
    names = sorted(set(known))
    near = get_close_matches(wrong.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{next(n for n in names if n.lower() == near[0])}"?'
    if 0 < len(names) <= MOST_LISTED:
        return f"; known: {', '.join(names)}"
    return ""


def unknown(path: str, what: str, name: str, known: Iterable[str]) -> ScenarioError:
    """``faults[2].node: unknown validator "mfo"; did you mean "mof"?``."""
    return ScenarioError(path, f'unknown {what} "{name}"{did_you_mean(name, known)}')
