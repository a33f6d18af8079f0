"""Rule 29 in whole runs: a light observer follows the chain among liars and the crashed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainsim import recorded_run
from chainsim.build import Simulation, build
from chainsim.exit_codes import ExitCode
from chainsim.run_result import RunResult
from chainsim.trace import Executed, MessageMoved, Proven, Reached, Record, Recorder
from consensus.messages import BalanceProof, Message, ReceiptProof
from nodes import observer_round
from nodes.block import Header
from nodes.byzantine import false_proofs
from nodes.ledger.records import Balance
from nodes.observer import Observer
from scenarios import loader
from scenarios.schema import MILESTONES


def run(seed: int = 1, *overrides: str) -> tuple[Simulation, RunResult, list[Record]]:
    records: list[Record] = []
    recorder = Recorder()
    for kind in (Proven, Reached, Executed):
        recorder.subscribe(kind, records.append)
    simulation = build(loader.load("observer-follows", overrides, seed), recorder)
    return simulation, simulation.run(), records


def complaints(result: RunResult) -> list[Any]:
    return [line for line in (*result.checks, *result.expectations) if not line.ok]


@pytest.mark.parametrize("seed", [1, 2])
def test_rule_29_an_observer_follows_through_three_committees_past_a_liar(seed: int) -> None:
    simulation, result, records = run(seed)
    assert result.ok, complaints(result)
    observer = simulation.world.node("auditor")
    assert isinstance(observer, Observer)
    assert observer.committee == simulation.world.committee()
    (line,) = result.watchers
    assert (line.id, line.committee_changes, line.liars) == ("auditor", 3, ("v3",))
    assert line.height == observer.height > result.height - 10
    # It saw every receipt of its accounts up to there, and none of any other.
    watched = {"dealer-a/cash", "dealer-b/cash"}
    expected = {
        receipt.digest
        for block in result.chain[: line.height]
        for receipt in block.receipts
        if watched & {posting.account for posting in receipt.postings}
    }
    believed = {r.digest for r in records if isinstance(r, Proven) and r.what == "receipt"}
    assert believed == expected
    assert line.receipts == len(expected)
    assert line.skipped == 0


def test_rule_29_its_events_are_known_to_scenarios() -> None:
    _, _, records = run()
    events = {r.event for r in records if isinstance(r, Reached) and r.node == "auditor"}
    assert events == {"committee-followed", "liar-caught"}
    assert events <= set(MILESTONES)


def test_rule_29_the_summary_says_what_was_proven() -> None:
    scenario = loader.load("observer-follows")
    summary = recorded_run.summarise(scenario, build(scenario).run(), 0.0)
    (line,) = summary.watchers
    assert line.receipts > 60
    assert line.balances > 20


def test_rule_29_an_observer_that_crashes_starts_again_from_genesis() -> None:
    crash = 'faults[4].node="auditor"'
    _, result, records = run(1, crash)
    (line,) = result.watchers
    assert result.exit_code == 0, complaints(result)
    blocks = [r for r in records if isinstance(r, Proven) and r.what == "blocks"]
    again = next(r for r in blocks if r.at_us > 25_000_000)
    # From genesis in one step: of the blocks before those that validators keep, no receipts.
    assert again.sequence == sum(again.amounts)
    assert line.height >= 140
    # What it was shown before and after the crash counts once.
    assert line.committee_changes == 3


def test_rule_29_while_it_is_cut_off_it_believes_nothing_and_catches_up_later() -> None:
    cut = [
        'faults[4].kind="crash"',
        'faults[4].node="auditor"',
        'faults[4].at="5s"',
        'faults[4].for="10s"',
    ]
    _, result, records = run(3, *cut)
    assert [c for c in result.checks if not c.ok] == []
    believed = [r.at_us for r in records if isinstance(r, Proven)]
    assert not [at_us for at_us in believed if 5_000_000 < at_us < 15_000_000]
    assert result.watchers[0].height >= 135


def credulous_balance(header: Header, proof: BalanceProof) -> Balance | None:
    """Whatever a server says."""
    return msgspec.msgpack.decode(proof.value, type=Balance) if proof.value else Balance()


LIAR = ("faults[1].chance=1.0", 'faults[1].types=["balance-proof"]')


def test_rule_29_an_observer_that_checks_no_balance_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, result, _ = run(1, *LIAR)
    assert result.ok, complaints(result)
    monkeypatch.setattr(observer_round, "balance_under", credulous_balance)
    monkeypatch.setattr(observer_round.Round, "_adds_up", lambda self, account: True)
    _, result, _ = run(1, *LIAR)
    broken = [check for check in result.checks if not check.ok and check.kind == "safety"]
    assert [check.name for check in broken] == ["light-observers"]
    assert result.exit_code == ExitCode.SAFETY
    assert "believes that dealer-" in broken[0].detail


def test_rule_29_an_observer_that_does_not_add_up_misses_receipts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is kept from it shows in nothing but the sums."""
    liar = ("faults[1].chance=1.0", 'faults[1].types=["receipt-proof"]')
    monkeypatch.setattr(false_proofs.FalseProofs, "_other_receipt", _left_out)
    _, whole, _ = run(1, *liar)
    assert whole.watchers[0].liars == ("v3",)
    monkeypatch.setattr(observer_round.Round, "_adds_up", lambda self, account: True)
    _, half, _ = run(1, *liar)
    assert half.watchers[0].liars == ()
    assert half.watchers[0].receipts < whole.watchers[0].receipts


def _left_out(self: false_proofs.FalseProofs, answer: ReceiptProof) -> Message:
    return self._left_out(answer)


def test_rule_29_all_that_reaches_it_is_what_it_asked_for() -> None:
    moved: list[MessageMoved] = []
    recorder = Recorder()
    recorder.subscribe(MessageMoved, moved.append)
    build(loader.load("observer-follows"), recorder).run()
    kinds = {m.type for m in moved if m.node == "auditor" and m.what == "delivered"}
    assert kinds == {"state-proof", "headers", "receipt-proof", "balance-proof"}
