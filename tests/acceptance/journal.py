"""What an acceptance run has measured so far, a line each, safe against an interrupt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Step(NamedTuple):
    """One measurement: its name in the journal, and how it is made."""

    name: str
    run: Callable[[], dict[str, Any]]


class Verdict(NamedTuple):
    """A figure beside what was asked."""

    figure: str
    wanted: str
    got: str
    ok: bool


class Journal:
    """Results by name; each is on disk before the next step begins."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        path.parent.mkdir(exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        self._results: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    name, result = json.loads(line)
                except ValueError:
                    continue  # the line that an interrupt cut
                self._results[name] = result

    def __contains__(self, name: str) -> bool:
        return name in self._results

    def __len__(self) -> int:
        return len(self._results)

    def add(self, name: str, result: dict[str, Any]) -> None:
        """Keep one result."""
        self._results[name] = result
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, result]) + "\n")

    def matching(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Results whose name begins with ``prefix``."""
        return {n: r for n, r in self._results.items() if n.startswith(prefix)}
