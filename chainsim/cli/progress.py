"""Shows on standard error how far a run is, and turns Ctrl-C into an orderly end.

On a terminal one line redraws itself; elsewhere a plain line comes every few seconds.
Watching reads ``Progress`` values and can't change the run (law 4).
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

from chainsim import wall_clock
from chainsim.cli import output
from chainsim.recorded_run import Interrupted

if TYPE_CHECKING:
    from chainsim.simulation.standing import Progress

REDRAW_NS: Final = 100_000_000
LINE_NS: Final = 2_000_000_000

Show = Callable[["Progress"], None]


@contextmanager
def watching(duration_us: int) -> Iterator[Show]:
    """What to call with each ``Progress``; it raises ``Interrupted`` after a Ctrl-C.

    A second Ctrl-C is a ``KeyboardInterrupt`` at once.
    """
    with interrupts() as interrupted, _display(duration_us) as display:

        def show(progress: Progress) -> None:
            if interrupted():
                raise Interrupted
            display(progress)

        yield show


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """What tells whether Ctrl-C was pressed; pressed again, it is a ``KeyboardInterrupt``."""
    wanted = False

    def remember(_number: int, _frame: FrameType | None) -> None:
        nonlocal wanted
        if wanted:
            raise KeyboardInterrupt
        wanted = True

    try:
        before = signal.signal(signal.SIGINT, remember)
    except ValueError:  # not in the main thread: Ctrl-C isn't ours
        yield lambda: False
        return
    try:
        yield lambda: wanted
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _display(duration_us: int) -> Iterator[Show]:
    if output.animated():
        with _bar(duration_us) as show:
            yield show
    else:
        yield _rarely(LINE_NS, _Pace(), lambda words, _: output.note(words), first=False)


@contextmanager
def _bar(duration_us: int) -> Iterator[Show]:
    from rich.progress import BarColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), BarColumn(bar_width=24), TextColumn("{task.description}"))
    console = output.console(stderr=True)
    with Bar(*columns, console=console, transient=True, refresh_per_second=10) as bar:
        task = bar.add_task("starting", total=duration_us)
        yield _rarely(
            REDRAW_NS,
            _Pace(),
            lambda words, now_us: bar.update(task, completed=now_us, description=words),
            first=True,
        )


class _Pace:
    """Messages per second of wall time since the last look."""

    def __init__(self) -> None:
        self._at_ns = wall_clock.now_ns()
        self._messages = 0

    def __call__(self, messages: int) -> int:
        now_ns = wall_clock.now_ns()
        rate = (messages - self._messages) * 10**9 // max(1, now_ns - self._at_ns)
        self._at_ns, self._messages = now_ns, messages
        return rate


def _rarely(
    interval_ns: int, pace: _Pace, tell: Callable[[str, int], None], *, first: bool
) -> Show:
    """Tells at most once an interval; the first call counts only if ``first``."""
    due_ns = wall_clock.now_ns() + (0 if first else interval_ns)

    def show(progress: Progress) -> None:
        nonlocal due_ns
        if wall_clock.now_ns() < due_ns:
            return
        due_ns = wall_clock.now_ns() + interval_ns
        tell(_words(progress, pace(progress.messages)), progress.now_us)

    return show


def _words(progress: Progress, rate: int) -> str:
    tenths = progress.now_us // 100_000
    return (
        f"{tenths // 10}.{tenths % 10} s simulated, height {progress.height}, "
        f"view {progress.view}, {progress.messages:,} messages, {rate:,}/s"
    )
