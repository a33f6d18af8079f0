"""A person at a terminal: a real process on a pseudo-terminal, keys sent, the screen read back."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pyte

from chainsim import wall_clock

ROOT = Path(__file__).parents[2]
PATIENCE_NS = 30 * 10**9
FRAME_ENDS = (b"\x1b[?2026l", b"\n")
"""Half a frame isn't looked at."""


class Screen(pyte.Screen):
    """pyte knows no faint text: here it is grey."""

    def select_graphic_rendition(self, *attributes: int, **_: object) -> None:
        colored = any(30 <= each <= 38 or 90 <= each <= 97 for each in attributes)
        faint = [90 if each == 2 else each for each in attributes]
        super().select_graphic_rendition(*(attributes if colored else faint))


class Person:
    """Sits at one process until it ends."""

    def __init__(
        self, folder: Path, *arguments: str, size: tuple[int, int] = (80, 24), **extra: str
    ) -> None:
        self.master, slave = pty.openpty()
        self.screen = Screen(*size)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.resize(*size, tell=False)
        self.before = termios.tcgetattr(slave)
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORTERM")}
        environment |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "PYTHONUTF8": "1"}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**environment, **extra},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one thread
        )
        self.slave = slave

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in (self.master, self.slave):
            try:
                os.close(end)
            except OSError:
                pass

    def resize(self, columns: int, lines: int, *, tell: bool = True) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if tell:
            self.screen.resize(lines, columns)

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self.master, key.encode())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def read(self, seconds: float = 0.05) -> bytes:
        """What came within that time."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return b""
        self.raw += data
        self.stream.feed(data)
        return data

    @property
    def text(self) -> str:
        """The screen, as it is."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def sees(self, *words: str, unless: tuple[str, ...] = ()) -> str:
        """Waits until all words are on the screen (and none of the others); the screen."""
        return self.waits(
            lambda text: all(w in text for w in words) and not any(w in text for w in unless),
            f"{words} without {unless}",
        )

    def waits(self, holds: Callable[[str], bool], wanted: str) -> str:
        deadline = wall_clock.now_ns() + PATIENCE_NS
        while not (self.raw.endswith(FRAME_ENDS) and holds(self.text)):
            ended = self.process.poll() is not None
            if not self.read() and (ended or wall_clock.now_ns() > deadline):
                raise AssertionError(f"never saw {wanted}; the screen was:\n{self.text}")
        return self.text

    def settles(self) -> str:
        """Waits until nothing more is drawn; the screen."""
        while self.read(0.4):
            pass
        return self.text

    def ends(self) -> int:
        """Waits for the end of the process; its exit code."""
        deadline = wall_clock.now_ns() + PATIENCE_NS
        while self.process.poll() is None:
            self.read()
            assert wall_clock.now_ns() < deadline, f"it goes on:\n{self.text}"
        while self.read(0.1):
            pass
        return self.process.returncode

    def restored(self) -> bool:
        """Whether the terminal is as it was: its modes, cursor, screen and colours."""
        modes = termios.tcgetattr(self.slave) == self.before
        told = bytes(self.raw)
        entered, left = told.count(b"\x1b[?1049h"), told.count(b"\x1b[?1049l")
        cursor = told.rfind(b"\x1b[?25h") > told.rfind(b"\x1b[?25l")
        return modes and entered == left > 0 and cursor
