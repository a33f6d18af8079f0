"""Sweeps and planted bugs, as steps of an area: chunks of seeds, one hunt for each bug."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from chainsim.explore.planting import Mutant
from tests.acceptance.command import CORES, Scale, chainsim_json
from tests.acceptance.journal import Journal, Step, Verdict
from tests.mutants import MUTANTS

STRATEGIES: Final = ("random", "swarm")
CHUNK: Final = 500
"""Seeds of one step: what an interrupt can cost."""
HUNT: Final = 10_000
"""Seeds for each strategy after each planted bug."""
SHOWN: Final = 5

MUST_SEE: Final = ("view-change", "checkpoint", "null-request", "state-transfer", "epoch-entered")
"""What a sweep must have seen, besides each kind of fault."""


BASE: Final = "explore-base"


def sweep_steps(seeds: int, scale: Scale, *options: str, base: str = BASE) -> list[Step]:
    """Seeds 0 to ``seeds`` - 1 of each strategy, on all cores."""
    last = scale.of(seeds)
    return [
        Step(
            f"sweep/{strategy}/{first}",
            partial(_sweep, strategy, first, min(first + CHUNK, last), options, base),
        )
        for first in range(0, last, CHUNK)
        for strategy in STRATEGIES
    ]


def _sweep(
    strategy: str, first: int, last: int, options: Sequence[str], base: str
) -> dict[str, Any]:
    _, printed = chainsim_json(
        "explore", base, "--seeds", f"{first}:{last}", "--strategy", strategy,
        "--jobs", str(CORES), "--no-shrink", *options,
    )  # fmt: skip
    found = printed["sweeps"][0]
    kept = ("runs", "failures", "digest", "coverage", "wall_s", "seeds_per_core_s")
    alarms = [f"{group['check']} at seed {group['seed']}" for group in found["groups"]]
    return {**{name: found[name] for name in kept}, "alarms": alarms}


def sweep_verdicts(journal: Journal, seeds: int, scale: Scale) -> Iterable[Verdict]:
    """For each strategy: seeds without an alarm, what happened in them, how quick they were."""
    for strategy in STRATEGIES:
        chunks = list(journal.matching(f"sweep/{strategy}/").values())
        runs = sum(chunk["runs"] for chunk in chunks)
        alarms = [alarm for chunk in chunks for alarm in chunk["alarms"]]
        failures = sum(chunk["failures"] for chunk in chunks)
        wanted = scale.of(seeds)
        said = f"{runs - failures} of {runs}{_some(alarms)}"
        yield Verdict(
            f"{strategy}: seeds without an alarm", str(wanted), said, runs == wanted and not alarms
        )
        seen: dict[str, int] = {}
        for chunk in chunks:
            for name, count in chunk["coverage"].items():
                seen[name] = seen.get(name, 0) + count
        said = ", ".join(f"{name} {seen.get(name, 0)}" for name in MUST_SEE)
        happened = all(seen.get(name) for name in MUST_SEE)
        yield Verdict(f"{strategy}: in how many", "each above 0", said, happened)


def speed_verdict(journal: Journal, goal: int) -> Verdict:
    """Seeds that a core runs in a second of its time, over all sweeps."""
    chunks = list(journal.matching("sweep/").values())
    busy_s = sum(chunk["runs"] / chunk["seeds_per_core_s"] for chunk in chunks)
    per_s = round(sum(chunk["runs"] for chunk in chunks) / busy_s, 1)
    return Verdict("seeds per second and core", f"at least {goal}", f"{per_s}", per_s >= goal)


def rows_of(mutants: Iterable[Mutant], scale: Scale) -> list[Mutant]:
    """Those that can be planted; of a sample the first few."""
    planted = [mutant for mutant in mutants if mutant.apply is not None]
    return planted[: scale.of(len(planted))]


def hunt_steps(mutants: Iterable[Mutant], scale: Scale) -> list[Step]:
    """A hunt for each planted bug, with each strategy, to the first find."""
    return [
        Step(f"mutant/{mutant.number}", partial(_hunt, mutant.number))
        for mutant in rows_of(mutants, scale)
    ]


def _hunt(number: int) -> dict[str, Any]:
    each = [word for strategy in STRATEGIES for word in ("--strategy", strategy)]
    _, printed = chainsim_json(
        "mutants", "--only", str(number), "--seeds", str(HUNT), "--jobs", str(CORES), *each,
        out=False,
    )  # fmt: skip
    (row,) = printed["mutants"]
    return {
        hunt["strategy"]: {name: hunt[name] for name in ("seed", "runs", "check", "wall_s")}
        for hunt in row["hunts"]
    }


def hunt_verdicts(journal: Journal, mutants: Sequence[Mutant], scale: Scale) -> Iterable[Verdict]:
    """Found within ``HUNT`` seeds by a strategy: a summary, then a row for each bug."""
    hunted = rows_of(mutants, scale)
    results = {m.number: journal.matching("mutant/").get(f"mutant/{m.number}") for m in hunted}
    missed = [str(number) for number, result in results.items() if not _seeds(result)]
    soon = sum(1 for result in results.values() if min(_seeds(result), default=HUNT) < 500)
    said = f"{len(hunted) - len(missed)} of {len(hunted)}{_some(missed)}; {soon} within 500"
    yield Verdict(f"planted bugs found within {HUNT} seeds", "all", said, not missed)
    for mutant in hunted:
        result = results[mutant.number] or {}
        said = "; ".join(
            f"{strategy} {hunt['check']} at {hunt['seed']}"
            if hunt["seed"] is not None
            else f"{strategy} not in {hunt['runs']}"
            for strategy, hunt in result.items()
        )
        figure = f"  {mutant.number} {mutant.name}"
        yield Verdict(figure, mutant.breaks, said or "not hunted", bool(_seeds(result)))


def unplanted_verdict(mutants: Sequence[Mutant]) -> Verdict:
    """Rows of the list that can't be planted, and why."""
    missing = [f"{mutant.number}: {mutant.note}" for mutant in mutants if mutant.apply is None]
    return Verdict("rows of the list that can't be planted", "0", _list(missing), not missing)


def consensus_mutants() -> list[Mutant]:
    """Rows that break something else than money."""
    return [mutant for mutant in MUTANTS.values() if mutant.breaks != "money"]


def money_mutants() -> list[Mutant]:
    """Rows that break money."""
    return [mutant for mutant in MUTANTS.values() if mutant.breaks == "money"]


def _seeds(result: dict[str, Any] | None) -> list[int]:
    return [hunt["seed"] for hunt in (result or {}).values() if hunt["seed"] is not None]


def _some(items: Sequence[str]) -> str:
    return f" ({', '.join(items[:SHOWN])}{' …' if len(items) > SHOWN else ''})" if items else ""


def _list(items: Sequence[str]) -> str:
    return f"{len(items)}{_some(items)}" if items else "0"
