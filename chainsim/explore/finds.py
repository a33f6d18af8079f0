"""Failures of a sweep, grouped so that one bug is told once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from chainsim.explore.outcome import Outcome

GROUPS: Final = 64
"""Groups that are told apart; what else fails is only counted."""

Key = tuple[str, tuple[str, ...]]


class Group(msgspec.Struct, kw_only=True):
    """Failures with the same first violated check under the same kinds of faults."""

    check: str
    kind: str
    """Of the check: safety, money, liveness or error."""
    faults: tuple[str, ...]
    count: int
    seed: int
    """Of the first one."""
    detail: str
    also: tuple[str, ...]
    """Other checks that the first one violates."""
    run_dir: str = ""
    shrunk: str = ""
    """A file with the smallest scenario that fails alike."""
    scenario: str = ""
    """Of the first one, as TOML, if its seed alone doesn't say it (``coverage``)."""


class Findings:
    """Groups in the order in which they were found."""

    def __init__(self) -> None:
        self._groups: dict[Key, Group] = {}
        self.kinds: dict[str, int] = {}
        """How many violations of each kind of check."""
        self.ungrouped = 0
        """Failures beyond the groups that are told apart."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """All groups, first found first."""
        return tuple(self._groups.values())

    def add(self, outcomes: Iterable[Outcome], failures: int) -> None:
        """Takes what a chunk kept of its failures, in order of seeds, and how many there were."""
        for outcome in outcomes:
            failures -= 1
            for found in outcome.found:
                self.kinds[found.kind] = self.kinds.get(found.kind, 0) + 1
            group = self._groups.get(outcome.key)
            if group is not None:
                group.count += 1
            elif len(self._groups) < GROUPS:
                self._groups[outcome.key] = _group(outcome)
            else:
                self.ungrouped += 1
        self.ungrouped += failures


def _group(outcome: Outcome) -> Group:
    first = outcome.found[0]
    return Group(
        check=first.check,
        kind=first.kind,
        faults=outcome.kinds,
        count=1,
        seed=outcome.seed,
        detail=first.detail,
        also=tuple(found.check for found in outcome.found[1:]),
        scenario=outcome.scenario,
    )
