"""The foundation's figures: the flagship under 200 seeds, run twice each, and the speed.

Every run is the real command in a process of its own, with real Ed25519 signatures; the second
run of a seed has another PYTHONHASHSEED. ``--sample N`` runs N of the seeds.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.acceptance.command import Scale, chainsim_json
from tests.acceptance.journal import Journal, Step, Verdict

SEEDS = 200
MESSAGES_PER_S = 50_000


def steps(scale: Scale) -> list[Step]:
    """Two runs per seed, and the benchmark."""
    runs = [
        Step(f"sovereign-day/{seed}/{again}", partial(_run, seed, again))
        for seed in range(1, scale.of(SEEDS) + 1)
        for again in (0, 1)
    ]
    return [Step("bench", _bench), *runs]


def _run(seed: int, again: int) -> dict[str, Any]:
    code, summary = chainsim_json(
        "run", "sovereign-day", "--seed", str(seed), hash_seed=1 + seed * 2 + again
    )
    return {
        "exit_code": code,
        "digest": summary["digest"],
        "wall_s": summary["wall_s"],
        "view_changes": summary["view_changes"],
        "checks_ok": all(check["ok"] for check in summary["checks"]),
    }


def _bench() -> dict[str, Any]:
    result: dict[str, Any] = chainsim_json("bench", out=False)[1]
    return result


def verdicts(journal: Journal, scale: Scale) -> list[Verdict]:
    """Exit codes, digests, view changes, wall time."""
    seeds = scale.of(SEEDS)
    runs = journal.matching("sovereign-day/")
    bad = sorted(n for n, r in runs.items() if r["exit_code"] != 0 or not r["checks_ok"])
    digests: dict[str, list[str]] = {}
    for name, result in runs.items():
        digests.setdefault(name.split("/")[1], []).append(result["digest"])
    differing = sorted(seed for seed, pair in digests.items() if len(set(pair)) != 1)
    still = sorted(n for n, r in runs.items() if r["view_changes"] < 1)
    slowest = max(r["wall_s"] for r in runs.values())
    return [
        Verdict("runs that exit 0, all checks ok", str(2 * seeds),
                f"{len(runs) - len(bad)} {' '.join(bad[:5])}", len(runs) == 2 * seeds and not bad),
        Verdict("seeds whose two runs have one digest", str(seeds),
                f"{len(digests) - len(differing)} {' '.join(differing[:5])}", not differing),
        Verdict("runs with a view change", str(2 * seeds),
                str(len(runs) - len(still)), not still),
        Verdict("slowest run, wall", "under 10 s", f"{slowest} s", slowest < 10),
        *_speed(journal.matching("bench")["bench"]),
    ]  # fmt: skip


def _speed(result: Any) -> list[Verdict]:
    """The first row is the one with a goal: consensus messages, one transaction per block."""
    found = []
    for position, row in enumerate(result["rows"]):
        goal = MESSAGES_PER_S if position == 0 else 0
        found.append(
            Verdict(
                row["name"],
                f"at least {goal}/s" if goal else "",
                f"{row['per_s']}/s",
                row["per_s"] >= goal,
            )
        )
    return found
