"""Goals about planted bugs, read off the saved table of them."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Final

from chainsim.explore.bug_table import BugTable, Row, best_strategy
from chainsim.goals.readings import Readings
from chainsim.goals.said import MISSING, Said, said, some

WITHIN: Final = 10_000
"""Seeds within which a planted bug must be found."""
MEDIAN: Final = 200
QUICK_S: Final = 600
CORES: Final = 2
SWEEPS: Final = 5
REJECTED: Final = 0.9


def is_liveness(row: Row) -> bool:
    """Whether it breaks liveness and nothing else; bounded memory is safety here."""
    return row.breaks == "liveness"


def _found(row: Row) -> bool:
    return any(h.seed is not None and h.runs <= WITHIN for h in row.hunts)


def _swept(table: BugTable, rows: Iterable[Row]) -> bool:
    """Whether every row was hunted as far as the goal asks, or found on the way."""
    return all(_found(row) or table.seeds >= WITHIN for row in rows)


def _found_of(readings: Readings, *, liveness: bool, spare: int) -> Said:
    table = readings.bugs
    if table is None:
        return MISSING
    rows = [row for row in table.mutants if is_liveness(row) == liveness]
    missed = [row for row in rows if not _found(row)]
    words = f"{len(rows) - len(missed)} of {len(rows)} within {table.seeds:,} seeds"
    if missed:
        words += f"; not {some([row.number for row in missed])}"
    if len(missed) <= spare:
        return said(bool(rows), words)
    return said(not _swept(table, rows), words, whole=False)


def safety(readings: Readings) -> Said:
    """Every safety bug."""
    return _found_of(readings, liveness=False, spare=0)


def liveness(readings: Readings) -> Said:
    """All liveness bugs but one."""
    return _found_of(readings, liveness=True, spare=1)


def medians(readings: Readings) -> Said:
    """Of one strategy, the best, over the safety bugs; what it doesn't find lies beyond any."""
    table = readings.bugs
    if table is None:
        return MISSING
    rows = [row for row in table.applicable if not is_liveness(row)]
    best = best_strategy(rows)
    found = [cell.median for row in rows for cell in row.cells if cell.strategy == best]
    needed = sorted(float("inf") if seeds is None else seeds for seeds in found)
    if not needed:
        return MISSING
    middle = median(needed)
    words = f"{middle:,.0f} with {best}, {table.sweeps} sweeps of each"
    return said(middle <= MEDIAN, words, whole=table.sweeps >= SWEEPS)


def quick(readings: Readings) -> Said:
    """The wall time of a quick pass."""
    run = readings.get("mutants/quick")
    if run is None:
        return MISSING
    words = f"{run['wall_s'] / 60:.1f} min on {run['cores']} cores, {run['found']} of {run['of']}"
    whole = run["cores"] == CORES and run["of"] == run["planted"]
    return said(run["wall_s"] <= QUICK_S, words, whole=whole)


def full(readings: Readings) -> Said:
    """How much of the table there is."""
    table = readings.bugs
    if table is None:
        return MISSING
    hunts = sum(len(row.hunts) for row in table.mutants)
    wanted = len(table.applicable) * len(table.strategies) * table.sweeps
    words = f"{len(table.strategies)} strategies, {table.sweeps} sweeps, {hunts} of {wanted} hunts"
    whole = table.sweeps >= SWEEPS and len(table.strategies) > 1 and hunts == wanted
    return said(True, words, whole=whole)


def rejected(readings: Readings) -> Said:
    """Failing runs that the specification refuses."""
    table = readings.bugs
    hunts = [] if table is None else [h for row in table.mutants for h in row.hunts if h.violated]
    finds = [hunt.specification for hunt in hunts if hunt.specification is not None]
    if not finds:
        return MISSING
    count = sum(bool(refused) for refused in finds)
    words = f"{count} of {len(finds)} failing runs, {count / len(finds):.0%}"
    return said(count >= REJECTED * len(finds), words)
