"""The table of goals. Each row reads the readings and says: reached, short, partly, or missing.

*Partly* is a measurement that holds and is smaller than the goal asks for (a sample, or an
unfinished run); *missing* is none at all. Neither counts as reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from statistics import median
from typing import Any, Final

import msgspec

from chainsim.checks import SPECIFICATION
from chainsim.explore.bug_table import BugTable, Row, best_strategy
from chainsim.goals.readings import Readings

WITHIN: Final = 10_000
"""Seeds within which a planted bug must be found."""
MEDIAN: Final = 200
QUICK_S: Final = 600
CORES: Final = 2
SWEEPS: Final = 5
CLEAN: Final = 100_000
SEEDS_PER_CORE_S: Final = 300
DELIVERIES: Final = 400
SCHEDULES_PER_CORE_S: Final = 1_000
TWICE: Final = 10_000
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
BY_HAND: Final = 1.5
SHRINK_S: Final = 60
STATES_PER_MIN: Final = 50_000
REJECTED: Final = 0.9
FORKS: Final = 10_000
SHOWN: Final = 5


class State(Enum):
    """How far a goal is."""

    REACHED = "reached"
    SHORT = "falls short"
    PARTLY = "partly measured"
    MISSING = "not measured"


class Said(msgspec.Struct, frozen=True):
    """What a row makes of the readings."""

    state: State
    got: str


Reader = Callable[[Readings], Said]


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One figure that must be reached."""

    area: str
    goal: str
    read: Reader
    how: str
    """The command that measures it."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A goal beside its reading."""

    area: str
    goal: str
    state: str
    got: str
    how: str


MISSING: Final = Said(State.MISSING, "")


def said(ok: bool, got: str, *, whole: bool = True) -> Said:
    """``whole``: as much was measured as the goal asks for."""
    if not ok:
        return Said(State.SHORT, got)
    return Said(State.REACHED if whole else State.PARTLY, got)


def some(items: Sequence[object]) -> str:
    """A few of them, in words."""
    words = ", ".join(str(item) for item in items[:SHOWN])
    return words + (" …" if len(items) > SHOWN else "")


# -- planted bugs ----------------------------------------------------------------------


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


def _safety(readings: Readings) -> Said:
    return _found_of(readings, liveness=False, spare=0)


def _liveness(readings: Readings) -> Said:
    return _found_of(readings, liveness=True, spare=1)


def _medians(readings: Readings) -> Said:
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


def _quick(readings: Readings) -> Said:
    run = readings.get("mutants/quick")
    if run is None:
        return MISSING
    words = f"{run['wall_s'] / 60:.1f} min on {run['cores']} cores, {run['found']} of {run['of']}"
    return said(run["wall_s"] <= QUICK_S, words, whole=run["cores"] == CORES)


def _full(readings: Readings) -> Said:
    table = readings.bugs
    if table is None:
        return MISSING
    hunts = sum(len(row.hunts) for row in table.mutants)
    wanted = len(table.applicable) * len(table.strategies) * table.sweeps
    words = f"{len(table.strategies)} strategies, {table.sweeps} sweeps, {hunts} of {wanted} hunts"
    whole = table.sweeps >= SWEEPS and len(table.strategies) > 1 and hunts == wanted
    return said(True, words, whole=whole)


# -- correct code ----------------------------------------------------------------------


def _clean(readings: Readings) -> Said:
    chunks = list(readings.below("sweep").values())
    if not chunks:
        return MISSING
    runs = sum(chunk["runs"] for chunk in chunks)
    alarms = [alarm for chunk in chunks for alarm in chunk["alarms"]]
    names = dict.fromkeys(name.partition("/")[0] for name in readings.below("sweep"))
    words = f"{len(alarms)} alarms in {runs:,} seeds of {', '.join(names)}"
    if alarms:
        words += f": {some(alarms)}"
    return said(not alarms, words, whole=runs >= CLEAN)


def _accepted(readings: Readings) -> Said:
    chunks = [c for c in readings.below("sweep").values() if SPECIFICATION in c.get("checks", ())]
    if not chunks:
        return MISSING
    runs = sum(chunk["runs"] for chunk in chunks)
    alarms = [a for c in chunks for a in c["alarms"] if a.startswith(SPECIFICATION)]
    words = f"{len(alarms)} of {runs:,} rejected" + (f": {some(alarms)}" if alarms else "")
    return said(not alarms, words, whole=runs >= CLEAN)


def _rejected(readings: Readings) -> Said:
    table = readings.bugs
    hunts = [] if table is None else [h for row in table.mutants for h in row.hunts if h.violated]
    finds = [hunt.specification for hunt in hunts if hunt.specification is not None]
    if not finds:
        return MISSING
    count = sum(bool(refused) for refused in finds)
    words = f"{count} of {len(finds)} failing runs, {count / len(finds):.0%}"
    return said(count >= REJECTED * len(finds), words)


# -- speed -----------------------------------------------------------------------------


def _bench_row(readings: Readings, begins: str) -> dict[str, Any] | None:
    """A row of ``chainsim bench``, measured by itself or with the others."""
    rows = [*readings.below("bench").values(), *(readings.get("bench") or {}).get("rows", ())]
    return next((row for row in rows if row["name"].startswith(begins)), None)


def _seeds_per_s(readings: Readings) -> Said:
    row = _bench_row(readings, "explore")
    if row is None:
        return MISSING
    deliveries = row["detail"]["median_deliveries"]
    words = f"{row['per_s']:,.0f} seeds/s, median {deliveries:,} deliveries"
    return said(row["per_s"] >= SEEDS_PER_CORE_S and deliveries >= DELIVERIES, words)


def _schedules_per_s(readings: Readings) -> Said:
    row = _bench_row(readings, "twins")
    if row is None:
        return MISSING
    words = f"{row['per_s']:,.0f} {row['unit']}/s"
    return said(row["per_s"] >= SCHEDULES_PER_CORE_S, words)


# -- determinism, shrinking, exhaustive, forensics -----------------------------------------


def _determinism(readings: Readings) -> Said:
    """Steps are ``determinism/WAY/FIRST``: one chunk of seeds under one interpreter and hash
    seed. Chunks that begin alike must have one digest."""
    chunks: dict[str, dict[str, dict[str, Any]]] = {}
    for name, result in readings.below("determinism").items():
        way, _, first = name.partition("/")
        chunks.setdefault(first, {})[way] = result
    compared = {first: ways for first, ways in chunks.items() if len(ways) > 1}
    if not compared:
        return MISSING
    differing = [f for f, ways in compared.items() if len({r["digest"] for r in ways.values()}) > 1]
    seeds = sum(next(iter(ways.values()))["runs"] for ways in compared.values())
    versions = {r["python"] for ways in compared.values() for r in ways.values()}
    known = [version for version in PYTHONS if version in versions]
    words = f"{seeds:,} seeds under {', '.join(known)}"
    if differing:
        words += f"; digests differ in the chunks from {some(differing)}"
    missing = [version for version in PYTHONS if version not in versions]
    if missing:
        words += f"; not under {', '.join(missing)}"
    return said(not differing, words, whole=seeds >= TWICE and not missing)


def _shrinking(readings: Readings) -> Said:
    shrunk = readings.below("shrink")
    found = {n: r for n, r in shrunk.items() if r.get("by_hand")}
    if not found:
        return MISSING
    ratios = {number: r["size"] / r["by_hand"] for number, r in found.items()}
    slow = [number for number, r in found.items() if r["wall_s"] > SHRINK_S]
    big = [f"{n} ({ratio:.2f})" for n, ratio in ratios.items() if ratio > BY_HAND]
    words = f"{len(found)} bugs, median {median(ratios.values()):.2f}, at most "
    words += f"{max(ratios.values()):.2f} times the size by hand; "
    words += f"at most {max(r['wall_s'] for r in found.values()):.0f} s"
    lost = [number for number in shrunk if number not in found]
    if lost:
        words += f"; nothing found to shrink: {some(lost)}"
    if big:
        words += f"; too big: {some(big)}"
    if slow:
        words += f"; too slow: {some(slow)}"
    return said(not big and not slow, words)


def _exhaustive(readings: Readings) -> Said:
    searches = readings.below("exhaust")
    if not searches:
        return MISSING
    words = []
    for name, found in searches.items():
        end = "" if found["complete"] else " (cut short)"
        words.append(f"{name}: {found['states']:,} states{end}, {found['violations']} violations")
    ok = not any(found["violations"] for found in searches.values())
    return said(ok, "; ".join(words), whole=all(f["complete"] for f in searches.values()))


def _states_per_min(readings: Readings) -> Said:
    searches = readings.below("exhaust")
    if not searches:
        return MISSING
    slowest = min(int(found["states_per_min"]) for found in searches.values())
    return said(slowest >= STATES_PER_MIN, f"{slowest:,} at the slowest")


def _forensics(readings: Readings) -> Said:
    chunks = list(readings.below("forensics").values())
    if not chunks:
        return MISSING
    seeds = sum(chunk["seeds"] for chunk in chunks)
    forks = sum(chunk["forks"] for chunk in chunks)
    innocents = [seed for chunk in chunks for seed in chunk["innocents"]]
    escaped = [seed for chunk in chunks for seed in chunk["escaped"]]
    refused = [seed for chunk in chunks for seed in chunk["refused"]]
    words = f"{forks - len(escaped):,} of {forks:,} forks convict f+1, {len(innocents)} innocents"
    words += f" in {seeds:,} seeds"
    for what, found in (
        ("innocents", innocents), ("too few", escaped), ("proofs refused", refused)
    ):  # fmt: skip
        if found:
            words += f"; {what} at {some(found)}"
    return said(not innocents and not escaped and not refused, words, whole=seeds >= FORKS)


HARNESS: Final = "make acceptance AREA=harness"
TABLE: Final = "chainsim mutants --full --jobs 2 --save docs/mutants.json"

GOALS: Final[tuple[Goal, ...]] = (
    Goal(
        area="planted bugs",
        goal=f"every safety bug within {WITHIN:,} seeds",
        read=_safety,
        how=TABLE,
    ),
    Goal(
        area="planted bugs",
        goal=f"median of the medians at most {MEDIAN}",
        read=_medians,
        how=TABLE,
    ),
    Goal(
        area="planted bugs",
        goal="all liveness bugs but one",
        read=_liveness,
        how=TABLE,
    ),
    Goal(
        area="planted bugs",
        goal=f"a quick pass in at most {QUICK_S // 60} min on {CORES} cores",
        read=_quick,
        how=HARNESS,
    ),
    Goal(
        area="planted bugs",
        goal=f"a full table: strategies x {SWEEPS} sweeps",
        read=_full,
        how=TABLE,
    ),
    Goal(
        area="correct code",
        goal=f"no alarm in {CLEAN:,} seeds of all strategies",
        read=_clean,
        how=HARNESS,
    ),
    Goal(
        area="speed",
        goal=f"at least {SEEDS_PER_CORE_S} seeds/s/core, median at least {DELIVERIES} deliveries",
        read=_seeds_per_s,
        how="chainsim bench",
    ),
    Goal(
        area="speed",
        goal=f"Twins: at least {SCHEDULES_PER_CORE_S:,} schedules/s/core",
        read=_schedules_per_s,
        how="chainsim bench",
    ),
    Goal(
        area="determinism",
        goal=f"{TWICE:,} seeds twice, another hash seed, Python {PYTHONS[0]} to {PYTHONS[-1]}",
        read=_determinism,
        how=HARNESS,
    ),
    Goal(
        area="shrinking",
        goal=f"within {BY_HAND} times the scenario by hand, at most {SHRINK_S} s",
        read=_shrinking,
        how=HARNESS,
    ),
    Goal(
        area="exhaustive",
        goal="n = 4, 1 request: view 0 with an equivocator; two views",
        read=_exhaustive,
        how=HARNESS,
    ),
    Goal(
        area="exhaustive",
        goal=f"at least {STATES_PER_MIN:,} states/min/core",
        read=_states_per_min,
        how=HARNESS,
    ),
    Goal(
        area="specification",
        goal=f"accepts every trace of {CLEAN:,} seeds",
        read=_accepted,
        how=HARNESS,
    ),
    Goal(
        area="specification",
        goal=f"rejects at least {REJECTED:.0%} of the bugs' failing runs",
        read=_rejected,
        how=TABLE,
    ),
    Goal(
        area="forensics",
        goal=f"f+1 culprits in every fork, no innocent, {FORKS:,} seeds",
        read=_forensics,
        how=HARNESS,
    ),
)
"""In the order in which they are printed."""


def lines_of(readings: Readings) -> tuple[Line, ...]:
    """Each goal beside its reading."""
    found = [(goal, goal.read(readings)) for goal in GOALS]
    return tuple(
        Line(area=g.area, goal=g.goal, state=s.state.value, got=s.got, how=g.how) for g, s in found
    )
