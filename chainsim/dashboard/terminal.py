"""The terminal in raw mode, and back as it was on every way out.

A context manager: whatever leaves the ``with`` block (an exception, a signal that became one, the
end) finds the terminal restored. ``suspended`` gives it back for a while, for Ctrl-Z.
"""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from chainsim.dashboard.screen import ENTER, LEAVE

COLORS: Final = ("truecolor", "24bit")


class Terminal:
    """Raw bytes in, one write per frame out. Made by ``opened``."""

    def __init__(self, source: int, target: int) -> None:
        self.source: Final = source
        self.target: Final = target
        self._before = termios.tcgetattr(source)
        self._raw = False

    def enter(self) -> None:
        """Raw mode, alternate screen."""
        if not self._raw:
            self._before = termios.tcgetattr(self.source)
            self._raw = True
            tty.setraw(self.source, termios.TCSADRAIN)
            self.write(ENTER)

    def leave(self) -> None:
        """As it was before ``enter``."""
        if self._raw:
            self._raw = False
            try:
                self.write(LEAVE)
            finally:
                termios.tcsetattr(self.source, termios.TCSADRAIN, self._before)

    def size(self) -> tuple[int, int]:
        """(cells, rows) now."""
        size = os.get_terminal_size(self.target)  # OSError if it is gone
        return size.columns or 80, size.lines or 24

    def write(self, text: str) -> None:
        """Writes all of it. Raises ``OSError`` if nobody is there any more."""
        data = text.encode("utf-8", "replace")
        while data:
            try:
                data = data[os.write(self.target, data) :]
            except BlockingIOError:
                select.select([], [self.target], [])

    def read(self) -> bytes:
        """What was typed; empty if the terminal is gone."""
        try:
            return os.read(self.source, 4096)
        except BlockingIOError:
            return b"\0"
        except OSError:
            return b""


@contextmanager
def opened() -> Iterator[Terminal]:
    """The terminal on standard input and output, in raw mode until the block is left."""
    terminal = Terminal(sys.stdin.fileno(), sys.stdout.fileno())
    sys.stdout.flush()
    terminal.enter()
    try:
        yield terminal
    finally:
        try:
            terminal.leave()
        except (OSError, termios.error):
            pass  # it is gone: nothing is left to restore


def usable() -> bool:
    """Whether a person sits at a terminal that can be drawn on."""
    there = sys.stdin.isatty() and sys.stdout.isatty()
    return there and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


def color_system() -> str | None:
    """rich's name of the terminal's colours; None: bold and reverse only (NO_COLOR)."""
    if os.environ.get("NO_COLOR"):
        return None
    if os.environ.get("COLORTERM", "").lower() in COLORS:
        return "truecolor"
    return "256" if "256" in os.environ.get("TERM", "") else "standard"


def shows_unicode() -> bool:
    """Whether standard output can show more than ASCII."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") in ("utf8", "utf16")
