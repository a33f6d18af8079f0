"""The foundation's figures: the flagship under 200 seeds, run twice each, and the speed.

Every run is the real command in a process of its own, with real Ed25519 signatures; the second
run of a seed has another PYTHONHASHSEED.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from tests.acceptance.journal import Journal, Step, Verdict

ROOT = Path(__file__).parents[2]
SEEDS = range(1, 201)
MESSAGES_PER_S = 50_000


def steps() -> list[Step]:
    """Two runs per seed, and the benchmark."""
    runs = [
        Step(f"sovereign-day/{seed}/{again}", partial(_run, seed, again))
        for seed in SEEDS
        for again in (0, 1)
    ]
    return [Step("bench", _bench), *runs]


def _chainsim(*arguments: str, hash_seed: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chainsim", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )


def _run(seed: int, again: int) -> dict[str, Any]:
    out = tempfile.mkdtemp(prefix="chainsim-acceptance-")
    try:
        done = _chainsim(
            "run", "sovereign-day", "--seed", str(seed), "--json", "--out", out,
            hash_seed=1 + seed * 2 + again,
        )  # fmt: skip
        summary = json.loads(done.stdout)
        return {
            "exit_code": done.returncode,
            "digest": summary["digest"],
            "wall_s": summary["wall_s"],
            "view_changes": summary["view_changes"],
            "checks_ok": all(check["ok"] for check in summary["checks"]),
        }
    finally:
        shutil.rmtree(out)


def _bench() -> dict[str, Any]:
    result: dict[str, Any] = json.loads(_chainsim("bench", "--json", hash_seed=0).stdout)
    return result


def verdicts(journal: Journal) -> list[Verdict]:
    """Exit codes, digests, view changes, wall time."""
    runs = journal.matching("sovereign-day/")
    bad = sorted(n for n, r in runs.items() if r["exit_code"] != 0 or not r["checks_ok"])
    digests: dict[str, list[str]] = {}
    for name, result in runs.items():
        digests.setdefault(name.split("/")[1], []).append(result["digest"])
    differing = sorted(seed for seed, pair in digests.items() if len(set(pair)) != 1)
    still = sorted(n for n, r in runs.items() if r["view_changes"] < 1)
    slowest = max(r["wall_s"] for r in runs.values())
    return [
        Verdict("runs that exit 0, all checks ok", str(2 * len(SEEDS)),
                f"{len(runs) - len(bad)} {' '.join(bad[:5])}", len(runs) == 400 and not bad),
        Verdict("seeds whose two runs have one digest", str(len(SEEDS)),
                f"{len(digests) - len(differing)} {' '.join(differing[:5])}", not differing),
        Verdict("runs with a view change", str(2 * len(SEEDS)),
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
