"""Sealed bids: nobody sees the book before the window is over, nobody changes a bid afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nodes.ledger.sealed_bids import commitment_to
from nodes.ledger.transactions import BidCommit, body_of
from tests.unit.ledger.samples import bid_body, commit_bid, open_sealed, reveal_bid, sealed_bid
from tests.unit.ledger.support import MILLION, Desk


def over(desk: Desk) -> None:
    """The window is over: a block past 20 ms."""
    desk.block(desk.request("vault", body_of("PAUSE", {})), after_us=20_000)


def committed(*reveals: Any) -> Desk:
    desk = Desk()
    open_sealed(desk)
    for reveal in reveals:
        hashed = commitment_to("dealer-1", reveal)
        body = BidCommit(auction="a", reference=reveal.reference, commitment=hashed)
        assert desk.send("dealer-1", body).code == "OK"
    return desk


BID = sealed_bid("dealer-1", 1, 100 * MILLION, 950_000)


def test_revealed_it_is_a_bid_like_any_other() -> None:
    desk = Desk()
    sender, body, _ = reveal_bid(desk)
    assert not desk.ledger.values("bid")
    assert desk.send(sender, body).code == "OK"
    [bid] = desk.ledger.values("bid")
    assert (bid.dealer, bid.price_e4, bid.amount) == ("dealer-1", 950_000, 100 * MILLION)
    assert desk.send(sender, body).code == "E_DUP"


@pytest.mark.parametrize(
    "changes",
    [{"price_e4": 950_001}, {"amount": 90 * MILLION}, {"salt": bytes(15) + b"\x01"},
     {"reference": 2}, {"cash_account": "dealer-2/main"}],
)  # fmt: skip
def test_not_what_was_committed(changes: dict[str, Any]) -> None:
    desk = committed(BID)
    over(desk)
    assert desk.send("dealer-1", replace(BID, **changes)).code == "E_REVEAL"
    assert desk.send("dealer-2", BID).code == "E_REVEAL", "nor somebody else's"
    assert desk.send("dealer-1", BID).code == "OK"


def test_times() -> None:
    desk = committed(BID)
    assert desk.send("dealer-1", BID).code == "E_REVEAL", "still sealed"
    over(desk)
    late = BidCommit(auction="a", reference=5, commitment=bytes(32))
    assert desk.send("dealer-2", late).code == "E_LATE"
    desk.ok("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=0, amount=0)
    assert desk.send("dealer-1", BID).code == "E_LATE"


def test_what_is_not_revealed_is_void() -> None:
    other = sealed_bid("dealer-1", 2, 200 * MILLION, 960_000)
    desk = committed(BID, other)
    over(desk)
    assert desk.send("dealer-1", BID).code == "OK"
    too_much = {"auction": "a", "cutoff_e4": 950_000, "amount": 300 * MILLION}
    assert desk.do("sbp", "AUCTION_CLOSE", **too_much).code == "E_PRICE"
    desk.ok("sbp", "AUCTION_CLOSE", **(too_much | {"amount": 100 * MILLION}))


def test_open_and_sealed_do_not_mix() -> None:
    desk = Desk()
    sender, body, _ = commit_bid(desk)
    assert desk.send("dealer-1", bid_body("dealer-1", 3, 100 * MILLION, 950_000)).code == "E_STATE"
    assert desk.send(sender, body).code == "OK"
    assert desk.send(sender, body).code == "E_DUP"
    unknown = BidCommit(auction="z", reference=1, commitment=bytes(32))
    assert desk.send("dealer-1", unknown).code == "E_STATE"
    opening = {"series": "pib-51-3y", "target": 10 * MILLION}
    desk.ok("sbp", "AUCTION_OPEN", id="open", **opening)
    for wrong in (replace(unknown, auction="open"), replace(BID, auction="open")):
        assert desk.send("dealer-1", wrong).code == "E_STATE"
    untimed = {"id": "b", "series": "pib-5y", "target": 10 * MILLION}
    assert desk.do("sbp", "AUCTION_OPEN", **untimed).code == "E_TERMS"
