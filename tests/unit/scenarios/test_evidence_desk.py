"""The desk that hands in evidence: once for each charge, later than the report, never too large."""

from __future__ import annotations

from msgspec.structs import replace

from chainsim.build import build
from consensus.encoding import encode
from consensus.limits import MAX_OPERATION_BYTES
from nodes.ledger.transactions import Evidence, decode
from scenarios.loader import load
from scenarios.workload.evidence import EvidenceDesk, Prosecutor
from tests.unit.ledger.samples import two_commits
from tests.unit.ledger.support import Desk

FOUND = two_commits(Desk())


def test_what_it_hands_in_is_what_was_found() -> None:
    prosecutor = Prosecutor(EvidenceDesk(from_="secp", propose_removal=True), "secp.desk")
    charge = prosecutor(5_000, FOUND)
    assert charge is not None
    at_us, node, operation = charge
    transaction = decode(operation)
    assert (at_us, node) == (1_005_000, "secp.desk")
    assert transaction is not None
    assert transaction.body == Evidence(misbehaviour=encode(FOUND), propose_removal=True)


def test_each_kind_of_each_culprit_once() -> None:
    prosecutor = Prosecutor(EvidenceDesk(from_="secp"), "secp.desk")
    assert prosecutor(0, FOUND) is not None
    assert prosecutor(1, two_commits(Desk(), second=b"c" * 32)) is None
    assert prosecutor(2, two_commits(Desk(), 3)) is not None
    assert prosecutor(3, replace(FOUND, kind="conflicting-prepare")) is not None


def test_a_proof_larger_than_a_transaction_waits_for_a_smaller_one() -> None:
    prosecutor = Prosecutor(EvidenceDesk(from_="secp"), "secp.desk")
    second = replace(FOUND.second, signature=bytes(MAX_OPERATION_BYTES))
    assert prosecutor(0, replace(FOUND, second=second)) is None
    assert prosecutor(1, FOUND) is not None


def test_without_a_culprit_nothing_is_handed_in() -> None:
    scenario = load("evidence-on-record", ["consensus.signatures=fast"])
    faults = tuple(f for f in scenario.faults if not f.makes_hostile())
    result = build(replace(scenario, faults=faults), memoise=True).run()
    sent = [r.code for block in result.chain for r in block.receipts if r.type == "EVIDENCE"]
    assert sent == ["E_EVIDENCE"]
