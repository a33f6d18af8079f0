"""Sealed bids: BID_COMMIT, BID_REVEAL, where a series asks for them.

Until the auction's ``closes_at`` dealers send only the hash of their bids, so nobody sees the book
while it is open. From then until AUCTION_CLOSE they reveal what they committed to; what isn't
revealed is void.
"""

from __future__ import annotations

from hashlib import sha256

from consensus.encoding import encode
from nodes.ledger.act import Act
from nodes.ledger.auction import check_window, enter_bid
from nodes.ledger.auction_book import find, note, series_of
from nodes.ledger.codes import E_DUP, E_LATE, E_REVEAL, E_STATE, Refused
from nodes.ledger.records import Auction
from nodes.ledger.state import Key
from nodes.ledger.transactions import BidCommit, BidReveal

DOMAIN = "chainsim sealed bid"


def commitment_to(dealer: str, body: BidReveal) -> bytes:
    """What a dealer commits to: SHA-256 over its name and all that it will reveal."""
    fields = (getattr(body, name) for name in body.__struct_fields__)
    return sha256(encode((DOMAIN, dealer, *fields))).digest()


def commit(act: Act, body: BidCommit) -> None:
    """BID_COMMIT: while bids are taken."""
    auction = _sealed(act, body.auction)
    check_window(act, auction)
    key = _key(act, auction, body.reference)
    if act.get(key) is not None:
        raise Refused(E_DUP, f"bid {body.reference} of {act.sender.id} exists")
    act.put(key, body.commitment.hex())
    note(act, auction=auction.id, reference=body.reference)


def reveal(act: Act, body: BidReveal) -> None:
    """BID_REVEAL: between ``closes_at`` and the close; then it is a bid like any other."""
    auction = _sealed(act, body.auction)
    assert auction.closes_at_us is not None, "a sealed auction has a time"
    if auction.status != "OPEN":
        raise Refused(E_LATE, "the auction is closed")
    if act.block.time_us <= auction.closes_at_us:
        raise Refused(E_REVEAL, "bids are still sealed")
    committed: str | None = act.get(_key(act, auction, body.reference))
    if committed != commitment_to(act.sender.id, body).hex():
        raise Refused(E_REVEAL, f"not what {act.sender.id} committed to as {body.reference}")
    enter_bid(act, auction, body)


def _sealed(act: Act, id_: str) -> Auction:
    auction = find(act, id_)
    if auction is None:
        raise Refused(E_STATE, f"no auction {id_}")
    if not series_of(act, auction).sealed:
        raise Refused(E_STATE, f"bids for {auction.series} are open")
    return auction


def _key(act: Act, auction: Auction, reference: int) -> Key:
    return ("commitment", auction.id, act.sender.id, str(reference))
