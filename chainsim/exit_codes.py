"""What the process says to the shell."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """The contract of every command; scripts depend on the numbers."""

    OK = 0
    EXPECTATION = 1
    """An expectation of the scenario fails."""
    USAGE = 2
    """Bad usage or a bad scenario: nothing ran."""
    SAFETY = 3
    """A safety property is violated."""
    LIVENESS = 4
    """A liveness property is violated."""
    DIVERGED = 5
    """A replay differs from what was recorded."""
    INTERNAL = 70
    """A bug in chainsim."""
    INTERRUPTED = 130
    """Ctrl-C; what was done so far is kept."""


_PRECEDENCE: Final = (
    ExitCode.INTERNAL,
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.DIVERGED,
    ExitCode.SAFETY,
    ExitCode.LIVENESS,
    ExitCode.EXPECTATION,
)


def decisive(codes: Iterable[ExitCode]) -> ExitCode:
    """Of several that apply, the one to exit with."""
    found = set(codes)
    return next((code for code in _PRECEDENCE if code in found), ExitCode.OK)
