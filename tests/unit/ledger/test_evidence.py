"""EVIDENCE: what is proven flags a validator, once; nothing else does."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from consensus.encoding import encode
from consensus.misbehaviour import Misbehaviour
from nodes.ledger.execution import Ledger
from tests.unit.ledger.samples import two_commits
from tests.unit.ledger.support import GENESIS, VOTES, Desk


def give(desk: Desk, what: Misbehaviour | bytes, **more: Any) -> Any:
    content = what if isinstance(what, bytes) else encode(what)
    return desk.do("vault", "EVIDENCE", misbehaviour=content, **more)


def test_a_conflicting_pair_flags_its_signer_once() -> None:
    desk = Desk()
    receipt = give(desk, two_commits(desk), propose_removal=True)
    data = dict(receipt.data)
    assert (data["culprit"], data["kind"]) == ("node-2", "conflicting-commit")
    flag = desk.ledger.get("flagged", "node-2", "conflicting-commit")
    assert (flag.by, flag.epoch, flag.removal_proposed) == ("vault", 0, True)
    other = two_commits(desk, second=b"c" * 32)
    assert give(desk, other).code == "E_DUP", "of a kind that is known"
    assert give(desk, two_commits(desk, 3)).code == "OK"


def test_what_proves_nothing() -> None:
    desk = Desk()
    good = two_commits(desk)
    for wrong in (
        b"",
        b"\xc1" * 100,
        replace(good, second=good.first),
        replace(good, culprit="node-3"),
        replace(good, culprit="nobody"),
        replace(good, kind="ugly"),
        replace(good, second=replace(good.second, signature=bytes(32))),
        replace(good, first=replace(good.first, epoch=1), second=replace(good.second, epoch=1)),
    ):
        before = desk.ledger.state_root
        assert give(desk, wrong).code == "E_EVIDENCE", wrong
        assert desk.ledger.state_root == before


def test_of_an_epoch_that_is_over() -> None:
    """The committee has changed; what its old member signed then still counts."""
    desk = Desk(replace(GENESIS, checkpoint_interval=2, window=4))
    carried = {"change": "remove", "validator": "node-2"}
    receipt = desk.do("node-1", "VALIDATOR_UPDATE", "node-3", "node-4", "node-5", **carried)
    assert receipt.code == "OK", receipt
    for _ in range(3):
        desk.block()
    assert desk.ledger.configuration.epoch == 1
    assert give(desk, two_commits(desk)).code == "OK"


def test_a_ledger_without_a_verifier_believes_nothing() -> None:
    desk = Desk()
    desk.ledger = Ledger(GENESIS)
    assert give(desk, two_commits(desk)).code == "E_EVIDENCE"
    desk = Desk()
    desk.ledger = Ledger(GENESIS, None, VOTES.verifier())
    assert give(desk, two_commits(desk)).code == "OK"
