"""Where a run leaves its files, and how a run is found again.

A folder is called NAME-SEED-DIGEST8 and is never overwritten: a repeat gets ``.2``. Since the
digest is known only at the end, a run is written to a hidden folder beside it, which is given
its name when the run is over; a run that dies leaves the hidden one, with what it got to.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Final

RUNS: Final = Path("runs")
"""Below the working directory."""

SCENARIO: Final = "scenario.toml"
SUMMARY: Final = "summary.json"
TRACE: Final = "trace.jsonl.gz"
CHAIN: Final = "chain.sqlite"
EVIDENCE: Final = "evidence"
REPORT: Final = "report.html"
PERFETTO: Final = "perfetto.json"

LAST: Final = "@last"
DIGEST_DIGITS: Final = 8


class RunNotFound(Exception):
    """No run, or more than one, answers to what was asked for; the message says which."""


class Unwritable(Exception):
    """The folder for runs can't be made or written; the message says why."""


def run_name(scenario: str, seed: int, digest: str) -> str:
    """``quick-7-0a1b2c3d``."""
    return f"{scenario}-{seed}-{digest[:DIGEST_DIGITS]}"


@contextmanager
def unfinished(parent: Path, scenario: str, seed: int) -> Iterator[Path]:
    """A new hidden folder in ``parent`` to write a run into; give it its name with ``finish``.

    Removed again if nothing was written into it. Raises ``Unwritable``.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{scenario}-{seed}-", dir=parent))
        folder.chmod(0o755)
    except OSError as error:
        raise Unwritable(f"can't write runs to {parent}: {error.strerror}") from error
    try:
        yield folder
    finally:
        if folder.exists() and not any(folder.iterdir()):
            shutil.rmtree(folder)


def finish(folder: Path, name: str) -> Path:
    """Renames an unfinished run to the first free of ``name``, ``name.2``, ``name.3`` …"""
    count = 1
    while True:
        target = folder.parent / (name if count == 1 else f"{name}.{count}")
        # mkdir claims the name among runs that end together; rename replaces the empty folder.
        try:
            target.mkdir()
        except FileExistsError:
            count += 1
            continue
        return folder.rename(target)


def find(argument: str, runs: Path = RUNS) -> Path:
    """The folder of a run: a path, a unique prefix of a name in ``runs``, or ``@last``.

    Raises ``RunNotFound``.
    """
    if argument == LAST:
        return _last(runs)
    as_path = Path(argument)
    if as_path.is_dir() and (as_path / SCENARIO).is_file():
        return as_path
    if "/" in argument:
        what = "has no scenario.toml: it is no run" if as_path.is_dir() else "does not exist"
        raise RunNotFound(f"{argument} {what}")
    names = finished(runs)
    if argument in names:
        return runs / argument
    matching = [name for name in names if argument and name.startswith(argument)]
    if len(matching) == 1:
        return runs / matching[0]
    if matching:
        raise RunNotFound(_several(argument, matching))
    near = get_close_matches(argument, names, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else f"; {runs}/ holds {len(names)} runs"
    raise RunNotFound(f'no run "{argument}"{hint}')


def _several(argument: str, matching: list[str]) -> str:
    shown = ", ".join(matching[:5]) + (" …" if len(matching) > 5 else "")
    return f'"{argument}" begins the names of {len(matching)} runs: {shown}'


def finished(runs: Path = RUNS) -> list[str]:
    """The names of all runs in a folder, sorted; unfinished ones are hidden."""
    if not runs.is_dir():
        return []
    found = (path for path in runs.iterdir() if (path / SCENARIO).is_file())
    return sorted(path.name for path in found if not path.name.startswith("."))


def _last(runs: Path) -> Path:
    names = finished(runs)
    if not names:
        raise RunNotFound(f"no runs yet in {runs}/")
    return max((runs / name for name in names), key=_finished_at)


def _finished_at(folder: Path) -> tuple[int, str]:
    """When its summary (or, of an interrupted one, its scenario) was written."""
    summary = folder / SUMMARY
    written = summary if summary.exists() else folder / SCENARIO
    return written.stat().st_mtime_ns, folder.name
