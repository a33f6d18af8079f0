"""Goals about runs: correct code, speed, determinism, shrinking, exhaustive search, forensics."""

from __future__ import annotations

from statistics import median
from typing import Any, Final

from chainsim.checks import SPECIFICATION
from chainsim.goals.readings import Readings
from chainsim.goals.said import MISSING, Said, said, some

CLEAN: Final = 100_000
SEEDS_PER_CORE_S: Final = 300
DELIVERIES: Final = 400
SCHEDULES_PER_CORE_S: Final = 1_000
TWICE: Final = 10_000
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
BY_HAND: Final = 1.5
SHRINK_S: Final = 60
STATES_PER_MIN: Final = 50_000
ENOUGH_STATES: Final = 10_000
"""Of a smaller search the start is what takes the time."""
FORKS: Final = 10_000


# -- correct code ----------------------------------------------------------------------


def clean(readings: Readings) -> Said:
    """Alarms in sweeps of correct code."""
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


def accepted(readings: Readings) -> Said:
    """What the specification refuses of them."""
    chunks = [c for c in readings.below("sweep").values() if SPECIFICATION in c.get("checks", ())]
    if not chunks:
        return MISSING
    runs = sum(chunk["runs"] for chunk in chunks)
    alarms = [a for c in chunks for a in c["alarms"] if a.startswith(SPECIFICATION)]
    words = f"{len(alarms)} of {runs:,} rejected" + (f": {some(alarms)}" if alarms else "")
    return said(not alarms, words, whole=runs >= CLEAN)


# -- speed -----------------------------------------------------------------------------


def _bench_row(readings: Readings, begins: str) -> dict[str, Any] | None:
    """A row of ``chainsim bench``, measured by itself or with the others."""
    rows = [*readings.below("bench").values(), *(readings.get("bench") or {}).get("rows", ())]
    return next((row for row in rows if row["name"].startswith(begins)), None)


def seeds_per_s(readings: Readings) -> Said:
    """Seeds that a core explores in a second."""
    row = _bench_row(readings, "explore")
    if row is None:
        return MISSING
    deliveries = row["detail"]["median_deliveries"]
    words = f"{row['per_s']:,.0f} seeds/s, median {deliveries:,} deliveries"
    return said(row["per_s"] >= SEEDS_PER_CORE_S and deliveries >= DELIVERIES, words)


def schedules_per_s(readings: Readings) -> Said:
    """Twins schedules that a core runs in a second."""
    row = _bench_row(readings, "twins")
    if row is None:
        return MISSING
    words = f"{row['per_s']:,.0f} {row['unit']}/s"
    return said(row["per_s"] >= SCHEDULES_PER_CORE_S, words)


# -- determinism, shrinking, exhaustive, forensics -----------------------------------------


def determinism(readings: Readings) -> Said:
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


def shrinking(readings: Readings) -> Said:
    """Sizes of finds beside those by hand."""
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
    whole = len(shrunk) == max(int(r["of"]) for r in found.values())
    return said(not big and not slow, words, whole=whole)


def exhaustive(readings: Readings) -> Said:
    """Which bounds were completed."""
    searches = readings.below("exhaust")
    if not searches:
        return MISSING
    words = []
    for name, found in searches.items():
        end = "" if found["complete"] else " (cut short)"
        words.append(f"{name}: {found['states']:,} states{end}, {found['violations']} violations")
    ok = not any(found["violations"] for found in searches.values())
    return said(ok, "; ".join(words), whole=all(f["complete"] for f in searches.values()))


def states_per_min(readings: Readings) -> Said:
    """How quick the slowest search was, of those that take longer than to begin."""
    searches = [r for r in readings.below("exhaust").values() if r["states"] >= ENOUGH_STATES]
    if not searches:
        return MISSING
    slowest = min(int(found["states_per_min"]) for found in searches)
    return said(slowest >= STATES_PER_MIN, f"{slowest:,} at the slowest")


def forensics(readings: Readings) -> Said:
    """Who is convicted of forks."""
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
