"""PBFT's figures: long sweeps with up to f hostile, planted bugs, the classics, exact counts.

``--sample N`` runs N seeds of each strategy and of each classic, and hunts for N planted bugs.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from chainsim.testing import cluster
from tests.acceptance.command import Scale, chainsim_json
from tests.acceptance.journal import Journal, Step, Verdict
from tests.acceptance.sweeps import (
    consensus_mutants,
    hunt_steps,
    hunt_verdicts,
    sweep_steps,
    sweep_verdicts,
    unplanted_verdict,
)
from tests.unit.pbft.bench import Bench

SEEDS: Final = 20_000
SIZES: Final = "4,5,6,7,10"
CLASSIC_SEEDS: Final = 20
CLASSICS: Final = (
    "cascading-primary-crashes",
    "partition-heal",
    "asymmetric-cut",
    "slow-primary",
    "lossy-wan",
    "all-restart",
    "amnesia-beyond-f",
    "late-joiner",
    "add-and-remove-validator",
    "key-rotation",
    "chaotic-start",
    "only-the-primary-committed",
    "lone-prepared-is-discarded",
    "missed-two-view-changes",
    "checkpoint-lag-state-transfer",
    "state-transfer-source-lies",
)
PER_DECISION: Final = {4: 24, 7: 84, 10: 180}
DECISIONS: Final = 20


def steps(scale: Scale) -> list[Step]:
    """Counts, classics, planted bugs, and the long sweeps last."""
    counts = [Step(f"count/{n}", partial(_count, n)) for n in PER_DECISION]
    classics = [
        Step(f"classic/{name}/{seed}", partial(_classic, name, seed))
        for seed in range(1, scale.of(CLASSIC_SEEDS) + 1)
        for name in CLASSICS
    ]
    return [
        *counts,
        Step("count/view-change", _count_view_change),
        *classics,
        *hunt_steps(consensus_mutants(), scale),
        *sweep_steps(SEEDS, scale, "--sizes", SIZES),
    ]


def _count(n: int) -> dict[str, Any]:
    """Messages of decisions in a whole network without faults."""
    latency = 'network.latency={ kind = "constant", value = "1ms" }'
    network = cluster(n, settings=[latency])
    for number in range(DECISIONS):
        network.submit(f"word {number}")
        network.settle()
    height = network.check().height
    kinds = ("pre-prepare", "prepare", "commit")
    return {"height": height, "sent": {kind: network.sent[kind] for kind in kinds}}


def _count_view_change() -> dict[str, Any]:
    """Messages of a view change of four whose primary is down."""
    bench = Bench(4)
    bench.crash("r0")
    bench.submit(1, to="all")
    bench.run_for(2_500_000)
    sent = bench.view_traffic()
    return {kind: sent[kind] for kind in ("view-change", "new-view")}


def _classic(name: str, seed: int) -> dict[str, Any]:
    code, summary = chainsim_json("run", name, "--seed", str(seed))
    met = [row for row in summary["expectations"] if row["name"].startswith("sometimes")]
    return {
        "exit_code": code,
        "sometimes": len(met),
        "missed": [row["name"] for row in summary["expectations"] if not row["ok"]],
        "digest": summary["digest"],
    }


def verdicts(journal: Journal, scale: Scale) -> list[Verdict]:
    """What the issue asks of the protocol."""
    mutants = consensus_mutants()
    return [
        *sweep_verdicts(journal, SEEDS, scale),
        *hunt_verdicts(journal, mutants, scale),
        unplanted_verdict(mutants),
        *_classics(journal, scale),
        *_counts(journal),
    ]


def _classics(journal: Journal, scale: Scale) -> Iterable[Verdict]:
    for name in CLASSICS:
        runs = journal.matching(f"classic/{name}/")
        bad = [seed.rpartition("/")[2] for seed, run in runs.items() if run["exit_code"] != 0]
        vacuous = [seed for seed, run in runs.items() if not run["sometimes"]]
        wanted = scale.of(CLASSIC_SEEDS)
        said = f"{len(runs) - len(bad)}" + (f", not seeds {' '.join(bad)}" if bad else "")
        if vacuous:
            said += ", nothing that must have happened is named"
        ok = len(runs) == wanted and not bad and not vacuous
        yield Verdict(f"{name}: seeds that exit 0", str(wanted), said, ok)


def _counts(journal: Journal) -> Iterable[Verdict]:
    for n, per_decision in PER_DECISION.items():
        counted = journal.matching("count/")[f"count/{n}"]
        height, sent = counted["height"], counted["sent"]
        exact = {"pre-prepare": n - 1, "prepare": (n - 1) ** 2, "commit": n * (n - 1)}
        ok = {kind: height * each for kind, each in exact.items()} == sent and height > 0
        said = f"{sum(sent.values())} for {height}"
        yield Verdict(f"messages of a decision, n = {n}", f"{per_decision} each", said, ok)
    sent = journal.matching("count/")["count/view-change"]
    said = f"{sent['view-change']} VIEW-CHANGE, {sent['new-view']} NEW-VIEW"
    wanted = "9 VIEW-CHANGE, 3 NEW-VIEW"
    yield Verdict("messages of a view change, n = 4", wanted, said, said == wanted)
