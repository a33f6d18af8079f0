"""What was measured: results by name, out of journals that ``make acceptance`` and samples leave.

A journal is a file of lines ``[name, result]``. The same name in two journals is the same
measurement; the later file counts. What nobody measured isn't there, and nothing is made up for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from chainsim.explore.bug_table import BugTable

JOURNALS: Final = ".acceptance"
"""Below the checkout's root, as ``make acceptance`` has it."""
BUGS: Final = "docs/mutants.json"
"""The last full table of planted bugs."""

Result = dict[str, Any]


class Readings:
    """Everything that was measured, by name."""

    def __init__(
        self, results: dict[str, Result] | None = None, bugs: BugTable | None = None
    ) -> None:
        self._results: Final = dict(results or {})
        self.bugs: Final = bugs

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, name: str) -> bool:
        return name in self._results

    def get(self, name: str) -> Result | None:
        """One result."""
        return self._results.get(name)

    def below(self, prefix: str) -> dict[str, Result]:
        """Results whose name begins with ``prefix`` and a slash, by the rest of the name."""
        start = prefix + "/"
        return {n.removeprefix(start): r for n, r in self._results.items() if n.startswith(start)}


def read(folder: Path, bugs: Path, *, samples: bool = False) -> Readings:
    """The readings of a folder of journals; ``samples`` counts those of ``--sample`` too."""
    results: dict[str, Result] = {}
    journals = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    for path in journals:
        if samples or "-sample-" not in path.stem:
            results.update(lines(path.read_text(encoding="utf-8").splitlines()))
    return Readings(results, bug_table(bugs))


def lines(texts: Iterable[str]) -> Iterator[tuple[str, Result]]:
    """The results of a journal; a line that an interrupt cut is none."""
    for text in texts:
        try:
            name, result = json.loads(text)
        except ValueError:
            continue
        if isinstance(name, str) and isinstance(result, dict):
            yield name, result


def bug_table(path: Path) -> BugTable | None:
    """A saved table of planted bugs, if there is a readable one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=BugTable)
    except (OSError, msgspec.DecodeError):
        return None
