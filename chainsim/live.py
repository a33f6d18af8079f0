"""Paces a run against the wall clock, reads keys and draws frames: trio at the edge.

The simulation runs in slices between two looks at keys and signals. Drawing gets a small share
of the time: if frames are dear, there are fewer of them, and the run keeps its speed.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from chainsim import wall_clock
from chainsim.dashboard.app import App
from chainsim.dashboard.keys import KeyReader
from chainsim.dashboard.rows import Painter
from chainsim.dashboard.screen import Screen
from chainsim.dashboard.terminal import Terminal, color_system, opened, shows_unicode

FRAME_NS: Final = 66_000_000
"""Between two frames, at least."""
SHARE: Final = 9
"""While the run goes as fast as it can: this many parts of the time for each that is drawn."""
SLICE_NS: Final = 40_000_000
"""Between two looks at keys and signals, at most."""
ESCAPE_S: Final = 0.05
"""What comes later than this after an Escape is another key."""
RESTING_S: Final = 0.5
"""Between two frames while nothing happens: messages go after a while."""

LEAVING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALS: Final = (*LEAVING, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


def watch(app: App) -> None:
    """Shows a run on the terminal until somebody leaves; the terminal is then as it was."""
    # Whoever closes the terminal ends the watching; what was done is still to be kept.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with opened() as terminal, _resting_collector():
        _run(Watcher(app, terminal))
    if not app.gone:
        signal.signal(signal.SIGHUP, before)


def _run(watcher: Watcher) -> None:
    """Runs the tasks; what one of them raises comes out as it was."""
    try:
        trio.run(watcher.run)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None


class Watcher:
    """The tasks around one app."""

    def __init__(self, app: App, terminal: Terminal) -> None:
        self._app: Final = app
        self._terminal: Final = terminal
        self._screen: Final = Screen(Painter(color=color_system(), unicode=shows_unicode()))
        self._wake = trio.Event()
        self.frames = 0

    async def run(self) -> None:
        """Until the app is left."""
        with trio.open_signal_receiver(*SIGNALS) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keys)
                nursery.start_soon(self._signals, signals)
                await self._play()
                nursery.cancel_scope.cancel()

    async def _play(self) -> None:
        app = self._app
        app.player.start()
        next_frame_ns = 0
        while not app.leaving:
            now_ns = wall_clock.now_ns()
            if now_ns >= next_frame_ns or self._wake.is_set():
                self._wake = trio.Event()
                self._draw()
                cost_ns = wall_clock.now_ns() - now_ns
                share = SHARE if app.player.unpaced() else 2
                next_frame_ns = now_ns + max(FRAME_NS, cost_ns * (share + 1))
            if app.player.idle():
                with trio.move_on_after(RESTING_S):
                    await self._wake.wait()
                continue
            deadline_ns = min(next_frame_ns, wall_clock.now_ns() + SLICE_NS)
            app.tick(deadline_ns)
            left_ns = next_frame_ns - wall_clock.now_ns()
            if app.player.unpaced() or left_ns <= 0:
                await trio.lowlevel.checkpoint()
            else:
                with trio.move_on_after(left_ns / 1e9):
                    await self._wake.wait()

    def _draw(self) -> None:
        try:
            width, height = self._terminal.size()
            text = self._screen.update(width, height, self._app.frame(width, height))
            if text:
                self.frames += 1
                self._terminal.write(text)
        except OSError:
            self._gone()

    def _gone(self) -> None:
        """Nobody is there any more."""
        self._app.gone = True
        self._leave()

    def _leave(self) -> None:
        self._app.leaving = self._app.interrupted = True

    async def _keys(self) -> None:
        reader = KeyReader()
        while True:
            keys: list[str] = []
            with trio.move_on_after(ESCAPE_S) as scope:
                await trio.lowlevel.wait_readable(self._terminal.source)
            if scope.cancelled_caught:
                keys = reader.flush()
                if not keys:
                    await trio.lowlevel.wait_readable(self._terminal.source)
            if not keys:
                data = self._terminal.read()
                if not data:
                    self._gone()
                keys = reader.feed(data)
            for key in keys:
                if key == "ctrl-z":
                    self._suspend()
                elif key == "ctrl-l":
                    self._screen.forget()
                else:
                    self._app.press(key)
            self._wake.set()
            if self._app.leaving:
                return

    async def _signals(self, signals: object) -> None:
        async for number in signals:  # type: ignore[attr-defined]
            if number == signal.SIGHUP:
                self._gone()
            elif number in LEAVING:
                self._leave()
            elif number == signal.SIGTSTP:
                self._suspend()
            elif number == signal.SIGCONT:
                self._terminal.leave()
                self._resume()
            self._wake.set()

    def _suspend(self) -> None:
        """The shell gets the terminal back until it lets us go on."""
        self._terminal.leave()
        os.kill(0, signal.SIGSTOP)
        self._resume()

    def _resume(self) -> None:
        self._terminal.enter()
        self._screen.forget()
        self._app.player.start()


@contextmanager
def _resting_collector() -> Iterator[None]:
    """The garbage collector rests, as in any run: it would scan the whole world again and again."""
    collecting = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if collecting:
            gc.enable()
