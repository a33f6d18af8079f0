"""Shows on standard error how far a sweep, or shrinking, is; Ctrl-C ends it in an orderly way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chainsim import wall_clock
from chainsim.cli import output
from chainsim.cli.progress import interrupts

if TYPE_CHECKING:
    from chainsim.explore.finds import Group
    from chainsim.explore.runner import Sweep
    from scenarios.schema import Scenario

LINE_NS: Final = 5_000_000_000
"""Between two plain lines, where nothing can redraw itself."""

SMALLEST: Final = "smallest.toml"
"""In a run's folder: the smallest scenario that fails alike."""

Show = Callable[[int, str], None]
"""Told how much is done, and words for it."""


@contextmanager
def watching_sweep(
    title: str, total: int, *, finds: bool = True
) -> Iterator[Callable[[Sweep], None]]:
    """What to call with a sweep under way; with ``finds`` each is told at once, on its line."""
    from chainsim.explore.runner import Interrupted

    told = 0
    with interrupts() as interrupted, _display(total) as (show, say):

        def tell(found: Sweep) -> None:
            nonlocal told
            for group in found.findings.groups[told:] if finds else ():
                say(_find(group))
                told += 1
            show(found.runs, f"{title}: {_words(found, total)}")
            if interrupted():
                raise Interrupted

        yield tell


def _find(group: Group) -> str:
    faults = ", ".join(group.faults) or "no faults"
    return f"seed {group.seed} violates {group.check} ({faults}): {group.detail}"


def _words(found: Sweep, total: int) -> str:
    rate = found.runs * 10**9 // max(1, found.wall_ns)
    fails = f", {found.failures:,} failing" if found.failures else ""
    return f"{found.runs:,} of {total:,} seeds{fails}, {rate:,}/s"


def shrinking(scenario: Scenario, check: str, folder: Path, limit_s: float) -> str:
    """Shrinks, with progress, and writes the result to ``folder``; returns the file's name, or
    nothing if it doesn't fail again."""
    from chainsim.explore.shrink import NothingToShrink, shrink
    from scenarios.loader import resolved_toml

    with watching_shrink(limit_s) as tell:
        try:
            small = shrink(scenario, check, limit_s=limit_s, tell=tell)
        except NothingToShrink:
            return ""
    target = folder / SMALLEST
    target.write_text(resolved_toml(small.scenario), encoding="utf-8")
    return target.as_posix()


@contextmanager
def watching(what: str) -> Iterator[Callable[[int, int], None]]:
    """What to call with how many are done, of how many."""
    from chainsim.explore.runner import Interrupted

    with interrupts() as interrupted, _display(100) as (show, _say):

        def tell(done: int, total: int) -> None:
            show(done * 100 // max(1, total), f"{done} of {total} {what}")
            if interrupted():
                raise Interrupted

        yield tell


@contextmanager
def watching_shrink(limit_s: float) -> Iterator[Callable[[Any], None]]:
    """What to call with each ``shrink.Step``."""
    start_ns = wall_clock.now_ns()
    with _display(int(limit_s * 1000)) as (show, _say):

        def tell(step: Any) -> None:
            done_ms = int(wall_clock.seconds_since(start_ns) * 1000)
            show(
                min(done_ms, int(limit_s * 1000)),
                f"shrinking, {step.name}: {step.runs} runs, {step.faults} faults, "
                f"{step.validators} validators",
            )

        yield tell


@contextmanager
def _display(total: int) -> Iterator[tuple[Show, Callable[[str], None]]]:
    if not output.animated():
        yield _plain(), output.note
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    console = output.console(stderr=True)
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as bar:
        task = bar.add_task("starting", total=total)

        def show(done: int, words: str) -> None:
            bar.update(task, completed=done, description=words)

        yield show, lambda words: console.print(words, markup=False, soft_wrap=True)


def _plain() -> Show:
    due_ns = wall_clock.now_ns() + LINE_NS

    def show(_done: int, words: str) -> None:
        nonlocal due_ns
        if wall_clock.now_ns() >= due_ns:
            due_ns = wall_clock.now_ns() + LINE_NS
            output.note(words)

    return show
