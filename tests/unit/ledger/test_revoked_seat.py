"""A firm that loses its licence loses its seat: by itself, one at a time, never below four."""

from __future__ import annotations

from msgspec.structs import replace

from nodes.ledger.execution import Ledger
from nodes.ledger.genesis import Genesis, Seat
from nodes.ledger.receipts import Receipt
from tests.unit.ledger.support import GENESIS, Desk, key

FIRMS = ("exchange-a", "exchange-b")


def seated(*ids: str) -> Genesis:
    """Validators of these names; a change ordered in block c takes effect after c + 3 or c + 4."""
    seats = tuple(Seat(id=id_, public_key=key(f"{id_} votes")) for id_ in ids)
    return replace(GENESIS, validators=seats, checkpoint_interval=2, window=4)


SIX = seated("node-1", "node-2", "node-3", "node-4", *FIRMS)


def revoke(desk: Desk, firm: str) -> Receipt:
    desk.ok("pvara", "LICENCE_SET", party=firm, state="SUSPENDED")
    return desk.ok("pvara", "LICENCE_SET", party=firm, state="REVOKED")


def members(desk: Desk) -> list[str]:
    return [member.id for member in desk.ledger.configuration.members]


def removals(desk: Desk) -> list[tuple[int, str]]:
    return [
        (receipt.height, receipt.data[0][1])
        for receipt in desk.system_receipts
        if receipt.type == "VALIDATOR_REMOVAL"
    ]


def blocks(desk: Desk, count: int) -> None:
    for _ in range(count):
        desk.block()


def test_the_seat_goes_with_the_licence_at_the_end_of_the_epoch() -> None:
    desk = Desk(SIX)
    receipt = revoke(desk, "exchange-a")
    assert ("seat", "removal queued") in receipt.data
    scheduled = desk.ledger.configuration.scheduled
    assert scheduled is not None
    assert (scheduled.effective, removals(desk)) == (6, [(2, "exchange-a")])
    assert desk.ledger.get("removals") is None
    assert "exchange-a" in members(desk)
    blocks(desk, 4)
    assert members(desk) == ["node-1", "node-2", "node-3", "node-4", "exchange-b"]


def test_a_suspension_or_a_firm_without_a_seat_queues_nothing() -> None:
    desk = Desk(SIX)
    desk.ok("pvara", "LICENCE_SET", party="exchange-a", state="SUSPENDED")
    assert desk.ledger.get("removals") is None
    desk = Desk()
    assert ("seat", "removal queued") not in revoke(desk, "exchange-a").data
    assert desk.ledger.get("removals") is None
    assert not removals(desk)


def test_of_four_validators_none_is_removed_until_a_fifth_sits() -> None:
    desk = Desk(seated("node-1", "node-2", "node-3", "exchange-a"))
    revoke(desk, "exchange-a")
    blocks(desk, 8)
    assert desk.ledger.configuration.scheduled is None
    assert desk.ledger.get("removals").validators == ("exchange-a",)
    fields = {"change": "add", "validator": "node-4", "public_key": key("node-4 votes")}
    desk.ok("node-1", "VALIDATOR_UPDATE", "node-2", "node-3", **fields)
    blocks(desk, 10)
    assert members(desk) == ["node-1", "node-2", "node-3", "node-4"]
    assert desk.ledger.get("removals") is None


def test_a_removal_waits_for_a_change_in_flight_and_for_the_one_before_it() -> None:
    desk = Desk(SIX)
    signed = ("node-2", "node-3", "node-4", "exchange-a", "exchange-b")
    fields = {"change": "add", "validator": "node-5", "public_key": key("node-5 votes")}
    desk.ok("node-1", "VALIDATOR_UPDATE", *signed, **fields)  # in block 1, until block 4
    revoke(desk, "exchange-b")
    revoke(desk, "exchange-a")  # in block 5, the first of the epoch that follows
    assert removals(desk) == [(5, "exchange-b")]
    assert desk.ledger.get("removals").validators == ("exchange-a",)
    blocks(desk, 12)
    assert [name for _, name in removals(desk)] == ["exchange-b", "exchange-a"]
    assert members(desk) == ["node-1", "node-2", "node-3", "node-4", "node-5"]


def test_who_was_voted_out_meanwhile_is_forgotten() -> None:
    desk = Desk(SIX)
    others = ("node-2", "node-3", "node-4", "exchange-b")
    fields = {"change": "remove", "validator": "exchange-a"}
    desk.ok("node-1", "VALIDATOR_UPDATE", *others, **fields)
    revoke(desk, "exchange-a")
    assert desk.ledger.get("removals").validators == ("exchange-a",)
    blocks(desk, 3)
    assert desk.ledger.get("removals") is None
    assert removals(desk) == []
    assert members(desk) == ["node-1", "node-2", "node-3", "node-4", "exchange-b"]


def test_who_gets_a_seat_only_at_the_end_of_the_epoch_loses_it_in_the_next() -> None:
    desk = Desk(seated("node-1", "node-2", "node-3", "node-4"))
    fields = {"change": "add", "validator": "exchange-a", "public_key": key("exchange-a votes")}
    desk.ok("node-1", "VALIDATOR_UPDATE", "node-2", "node-3", **fields)
    assert ("seat", "removal queued") in revoke(desk, "exchange-a").data
    blocks(desk, 12)
    assert members(desk) == ["node-1", "node-2", "node-3", "node-4"]
    assert desk.ledger.configuration.epoch == 2


def test_what_is_queued_survives_a_transfer_of_the_state() -> None:
    desk = Desk(seated("node-1", "node-2", "node-3", "exchange-a"))
    revoke(desk, "exchange-a")
    other = Ledger(desk.ledger.genesis)
    other.install(desk.ledger.height, desk.time_us, *desk.ledger.trees)
    assert other.get("removals") == desk.ledger.get("removals")
    assert other.state_root == desk.ledger.state_root


def test_who_lost_its_licence_for_good_gets_no_seat_again() -> None:
    """Also if the quorum had signed before the regulator spoke."""
    desk = Desk(seated("node-1", "node-2", "node-3", "node-4", "exchange-a"))
    revoke(desk, "exchange-a")
    blocks(desk, 12)
    again = {
        "change": "add",
        "validator": "exchange-a",
        "public_key": key("exchange-a votes again"),
    }
    cosigners = ("node-2", "node-3")
    refused = desk.do("node-1", "VALIDATOR_UPDATE", *cosigners, **again)
    assert refused.code == "E_LICENCE"
    blocks(desk, 24)
    assert "exchange-a" not in members(desk)
