"""Where things are printed: results to standard output, progress and diagnostics to error.

rich honours NO_COLOR, FORCE_COLOR and TERM=dumb. Nothing is told by colour alone.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


def tolerate_narrow_encodings() -> None:
    """A character that the terminal can't show becomes "?" instead of an exception."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def discard(stream: TextIO) -> None:
    """Points a stream whose reader has gone at nothing, so that later writes do no harm."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return  # a test's stand-in
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)


@cache
def _console_class() -> type[Console]:
    from rich.console import Console

    class PatientConsole(Console):
        """A closed pipe ends the output, never the run: its exit code is still to come."""

        def on_broken_pipe(self) -> None:
            self.quiet = True
            discard(sys.stderr if self.stderr else sys.stdout)

    return PatientConsole


def console(*, stderr: bool = False) -> Console:
    """A console on the present standard output, or error."""
    return _console_class()(stderr=stderr, highlight=False)


def animated() -> bool:
    """Whether progress may redraw its line: a person watches, on a terminal that can."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def write(text: str) -> None:
    """Plain text to standard output, whole; a reader who left is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)


def note(text: str) -> None:
    """A line of diagnostics to standard error."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        discard(sys.stderr)


def invocation() -> str:
    """How chainsim was called, for commands that a person may copy."""
    program = sys.argv[0]
    if program.endswith("__main__.py"):
        interpreter = os.path.relpath(sys.executable)
        if interpreter.startswith(os.pardir):
            interpreter = "python"
        return f"{interpreter} -m chainsim"
    return "chainsim"
