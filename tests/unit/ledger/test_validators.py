"""VALIDATOR_UPDATE: who carries it, when it takes effect, and what it refuses (rules 27, 28)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from consensus.types import Member, ScheduledChange
from nodes.ledger.genesis import Seat
from nodes.ledger.receipts import Receipt
from tests.unit.ledger.support import GENESIS, Desk, key, voter

QUICK = replace(GENESIS, checkpoint_interval=2, window=4)
"""A change ordered in block 1 takes effect after block 4."""


def ask(desk: Desk, change: str, validator: str, signed: int = 4, **more: Any) -> Receipt:
    """One of the first ``signed`` validators proposes, the others carry."""
    fields = {"change": change, "validator": validator} | more
    return desk.do(
        "node-1", "VALIDATOR_UPDATE", *[f"node-{n}" for n in range(2, signed + 1)], **fields
    )


def ids(members: tuple[Member, ...]) -> list[str]:
    return [member.id for member in members]


def test_rule_27_a_change_is_scheduled_and_takes_effect_after_its_boundary() -> None:
    desk = Desk(QUICK)
    receipt = ask(desk, "add", "node-6", public_key=key("vote 6"))
    assert (receipt.code, receipt.data) == ("OK", (("effective", "4"),))
    before = desk.ledger.configuration
    assert (before.epoch, len(before.members)) == (0, 5)
    for height in (2, 3):
        desk.block()
        assert desk.ledger.configuration == before, height
    desk.block()
    after = desk.ledger.configuration
    assert (after.epoch, after.scheduled) == (1, None)
    assert after.members == (*before.members, Member("node-6", key("vote 6")))
    (note,) = desk.system_receipts
    assert (note.type, note.height, note.data[0]) == ("EPOCH_END", 4, ("epoch", "1"))
    assert len(note.data) == 7


@pytest.mark.parametrize(
    ("signed", "code"), [(1, "E_QUORUM"), (3, "E_QUORUM"), (4, "OK"), (5, "OK")]
)
def test_rule_28_a_quorum_of_five_is_four(signed: int, code: str) -> None:
    assert ask(Desk(QUICK), "remove", "node-5", signed).code == code


def test_who_is_no_validator_carries_nothing() -> None:
    desk = Desk(QUICK)
    body = {"change": "remove", "validator": "node-5"}
    others = ("node-2", "node-3")
    assert desk.do("node-1", "VALIDATOR_UPDATE", *others, "node-6", **body).code == "E_QUORUM"
    assert desk.do("node-1", "VALIDATOR_UPDATE", *others, "sbp", "mof", **body).code == "E_QUORUM"
    assert desk.do("node-6", "VALIDATOR_UPDATE", *others, "node-4", **body).code == "E_ROLE"
    assert desk.do("sbp", "VALIDATOR_UPDATE", *others, "node-4", **body).code == "E_ROLE"


def test_a_party_with_a_seat_proposes_whatever_its_role() -> None:
    seats = (*GENESIS.validators[:4], Seat(id="sbp", public_key=key("sbp votes")))
    desk = Desk(replace(QUICK, validators=seats))
    body = {"change": "remove", "validator": "node-4"}
    assert desk.do("sbp", "VALIDATOR_UPDATE", "node-1", "node-2", "node-3", **body).code == "OK"


def test_rule_28_one_change_at_a_time() -> None:
    desk = Desk(QUICK)
    assert ask(desk, "remove", "node-5").code == "OK"
    assert ask(desk, "add", "node-6", public_key=key("vote 6")).code == "E_STATE"
    desk.block()
    desk.block()
    assert desk.ledger.configuration.epoch == 1
    assert ids(desk.ledger.configuration.members) == ["node-1", "node-2", "node-3", "node-4"]
    assert ask(desk, "add", "node-6", public_key=key("vote 6")).code == "OK"


def test_rule_28_fewer_than_four_are_refused() -> None:
    desk = Desk(replace(QUICK, validators=GENESIS.validators[:4]))
    receipt = ask(desk, "remove", "node-4", 3)
    assert receipt.code == "E_QUORUM"
    assert "3 validators would remain" in receipt.detail


def test_a_rotated_key_keeps_its_place_and_never_comes_back() -> None:
    desk = Desk(QUICK)
    assert ask(desk, "rotate", "node-2", public_key=key("fresh")).code == "OK"
    desk.block(), desk.block(), desk.block()
    members = desk.ledger.configuration.members
    assert members[1] == Member("node-2", key("fresh"))
    assert ask(desk, "rotate", "node-2", public_key=voter(2).public_key).code == "E_KEY"
    assert ask(desk, "rotate", "node-3", public_key=key("fresh")).code == "E_KEY"


@pytest.mark.parametrize(
    ("change", "validator", "public_key", "code"),
    [
        ("add", "node-2", key("new"), "E_DUP"),
        ("remove", "node-6", None, "E_STATE"),
        ("rotate", "node-6", key("new"), "E_STATE"),
        ("add", "node-6", None, "E_KEY"),
        ("add", "node-6", voter(1).public_key, "E_KEY"),
        ("rotate", "node-1", None, "E_KEY"),
        ("remove", "node-5", key("new"), "E_KEY"),
        ("add", "stranger", key("new"), "E_UNVERIFIED"),
    ],
)
def test_what_makes_no_sense_is_refused(
    change: str, validator: str, public_key: bytes | None, code: str
) -> None:
    desk = Desk(QUICK)
    before = desk.ledger.state_root
    assert ask(desk, change, validator, public_key=public_key).code == code
    assert desk.ledger.state_root == before
    assert desk.ledger.configuration.scheduled is None


def test_the_schedule_is_in_the_state_that_roots_commit_to() -> None:
    desk = Desk(QUICK)
    root = desk.ledger.state_root
    ask(desk, "remove", "node-5")
    assert desk.ledger.state_root != root
    members = desk.ledger.configuration.members
    assert desk.ledger.configuration.scheduled == ScheduledChange(4, members[:4])
