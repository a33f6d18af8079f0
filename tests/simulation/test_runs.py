"""Whole runs: one seed, one digest; exact message counts; what a broken protocol can't hide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chainsim.build import build
from chainsim.run_result import RunResult
from chainsim.testing import Cluster
from consensus.messages import Commit, Prepare, ViewChange
from consensus.pbft import view_change
from consensus.pbft.slot import Slot
from nodes.ledger.auction_report import auction_reports
from scenarios.loader import load

ROOT = Path(__file__).parents[2]

Make = Callable[..., Cluster]


def run_as_command(*arguments: str, hash_seed: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-m", "chainsim", "run", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_one_seed_one_digest_whatever_the_hash_seed_and_the_output(tmp_path: Path) -> None:
    first = run_as_command("quick", "--json", "--out", str(tmp_path / "a"), hash_seed="1")
    second = run_as_command("quick", "--json", "--out", str(tmp_path / "b"), hash_seed="4242")
    plain = run_as_command("quick", "--out", str(tmp_path / "c"), hash_seed="7")
    off = run_as_command(
        "quick", "--json", "--trace", "messages", "--out", str(tmp_path / "d"), hash_seed="7"
    )
    assert [run.returncode for run in (first, second, plain, off)] == [0, 0, 0, 0], first.stderr
    digests = {json.loads(run.stdout)["digest"] for run in (first, second, off)}
    assert len(digests) == 1
    assert digests.pop()[:16] in plain.stdout


@pytest.mark.parametrize(("n", "per_decision"), [(4, 24), (7, 84), (10, 180)])
def test_exact_message_counts(cluster: Make, n: int, per_decision: int) -> None:
    latency = 'network.latency={ kind = "constant", value = "1ms" }'
    c = cluster(n, settings=[latency, "consensus.checkpoint_interval=10", "consensus.window=20"])
    words = [f"word {number}" for number in range(20)]
    for word in words:
        c.submit(word)
        c.settle()
    height = c.check().height
    assert height == len(words) == len(c.final)
    sent = c.sent
    assert sent["pre-prepare"] == height * (n - 1)
    assert sent["prepare"] == height * (n - 1) ** 2
    assert sent["commit"] == height * n * (n - 1)
    assert sent["pre-prepare"] + sent["prepare"] + sent["commit"] == height * per_decision
    assert sent["checkpoint"] == (height // 10) * n * (n - 1)
    assert sent["reply"] == len(words) * n
    assert sent["request"] == len(words)
    assert not {"view-change", "new-view", "fetch-batch", "certified-batch"} & set(sent)


@pytest.mark.parametrize(
    "name",
    ["quick", "primary-crash", "partition-heal", "lossy-wan", "slow-primary", "sovereign-day"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_shipped_scenarios_hold(name: str, seed: int) -> None:
    scenario = load(name, ["consensus.signatures=fast"], seed)
    result = build(scenario).run()
    assert result.exit_code == 0, _complaints(result)


def test_the_flagship_twice_has_one_digest() -> None:
    runs = [build(load("sovereign-day", ["consensus.signatures=fast"])).run() for _ in range(2)]
    assert runs[0].digest == runs[1].digest
    assert runs[0].digest != build(load("sovereign-day", seed=2)).run().digest


def test_a_target_of_10130_million_ties_the_last_two_bids() -> None:
    settings = [
        "consensus.signatures=fast",
        'workload[1].target="10130000000.00 PKR"',
    ]
    result = build(load("sovereign-day", settings)).run()
    receipts = [receipt for block in result.chain for receipt in block.receipts]
    (report,) = auction_reports(receipts)
    allotted = {row.bid_no: row.allotted for row in report.rows}
    million = 100_000_000
    assert allotted[13] == 800 * million
    assert allotted[14] == 200 * million
    assert sum(allotted.values()) == (10_130 - 29) * million


def _complaints(result: RunResult) -> list[Any]:
    checks = [(c.name, c.detail) for c in result.checks if not c.ok]
    return checks + [(e.name, e.wanted, e.got) for e in result.expectations if not e.ok]


def split(c: Cluster) -> set[str]:
    """Two halves, each with clients, and then a primary that dies: with a true quorum neither
    half can decide. The properties that break."""
    halves = ("r0", "r1", "dealer-a", "dealer-b"), ("r2", "r3", "dealer-c", "dealer-d")
    c.partition(*halves, at="1s", for_="10s")
    c.fault("crash", node="primary", at="13s", for_="3s")
    for number in range(140):
        c.submit(f"word {number}", client=f"dealer-{'abcd'[number % 4]}")
        c.run_for("100ms")
    c.run_for("15s")
    return {check.name for check in c.result().checks if not check.ok}


@pytest.mark.seeds(5)
def test_the_right_protocol_survives_the_split(cluster: Make) -> None:
    assert split(cluster(n=4)) == set()


def test_a_quorum_one_lower_is_caught(cluster: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consensus.types.quorum_size", lambda n: (n + (n - 1) // 3 + 2) // 2 - 1)
    assert "agreement" in split(cluster(n=4))


def test_votes_counted_per_message_are_caught(
    cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every delivery counts as a vote more: a duplicating network makes quorums of one."""

    def add_prepare(slot: Slot, position: int, vote: Prepare) -> int:
        slot.prepares[len(slot.prepares)] = vote
        slot.prepare_masks[vote.digest] = (slot.prepare_masks.get(vote.digest, 0) << 1) | 1
        return slot.prepare_count(vote.digest)

    def add_commit(slot: Slot, position: int, vote: Commit) -> int:
        slot.commits[100 + len(slot.commits)] = vote
        slot.commit_masks[vote.digest] = (slot.commit_masks.get(vote.digest, 0) << 1) | 1
        return slot.commit_count(vote.digest)

    monkeypatch.setattr(Slot, "add_prepare", add_prepare)
    monkeypatch.setattr(Slot, "add_commit", add_commit)
    assert "chain-integrity" in split(cluster(n=4, settings=["network.duplicate=0.6"]))


def lone_decision(c: Cluster) -> set[str]:
    """r0 alone decides "a" and falls silent: the others must come to the same in view 1."""
    lost = c.drop("commit", to=("r1", "r2", "r3"))
    c.submit("a")
    c.run_until("committed", node="r0")
    c.isolate("r0")
    lost.heal()
    c.submit("b")
    c.run_for("10s")
    c.heal()
    c.run_for("10s")
    return {check.name for check in c.result().checks if not check.ok}


@pytest.mark.seeds(3)
def test_a_lone_decision_binds_the_next_view(cluster: Make) -> None:
    c = cluster(n=4)
    assert lone_decision(c) == set()
    assert {c.history(node) for node in c.nodes} == {("a", "b")}


def test_view_changes_without_proofs_are_caught(
    cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_p(*fields: Any) -> ViewChange:
        return msgspec.structs.replace(ViewChange(*fields), prepared=())

    monkeypatch.setattr(view_change, "ViewChange", without_p)
    # STATUS brings everybody the lost COMMITs; a NEW-VIEW that forgets "a" then contradicts what
    # all of them executed, and they stop rather than fork (rule 33). That VIEW-CHANGEs leave out
    # what their senders committed to is seen at once.
    c = cluster(n=4)
    assert lone_decision(c) == {"liveness", "remembered-commits"}
    assert "halted" in c.transcript()
