"""Auctions at multiple prices: AUCTION_OPEN, BID, AUCTION_CLOSE, AUCTION_ALLOT, AUCTION_SETTLE.

OPEN --close--> CLOSED --allot--> ALLOTTED --settle--> SETTLED. The close carries the State Bank's
decision; the allotment follows from it, and every validator recomputes it. Settlement is on the
next business day, atomic per bid: the series is minted against cash at the bid's price with
accrued interest, rounded once per bid; where the cash is missing the allotment lapses.

Receipts note what ``auction_report`` needs, so a report can be drawn from blocks alone.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from nodes.ledger.act import Act
from nodes.ledger.auction_book import (
    bid_key,
    bids_of,
    competitive,
    find,
    in_state,
    note,
    price_of,
    series_of,
    yield_of_bid,
)
from nodes.ledger.calendar import next_business_day
from nodes.ledger.codes import (
    E_CAP,
    E_DUP,
    E_LATE,
    E_NCB_CAP,
    E_PRICE,
    E_ROLE,
    E_STATE,
    E_TERMS,
    Refused,
)
from nodes.ledger.compliance import check_denomination, verified_account
from nodes.ledger.pricing import PER_100_E4
from nodes.ledger.records import Auction, BidEntry
from nodes.ledger.transactions import AuctionClose, AuctionOpen, Bid

BIDDERS_BY_PROXY: Final = ("investor", "vasp")
"""Who may have a non-competitive bid made for them: no bank."""


def open_auction(act: Act, body: AuctionOpen) -> None:
    """AUCTION_OPEN: today; it settles on the next business day."""
    if find(act, body.id) is not None:
        raise Refused(E_DUP, f"auction {body.id} exists")
    series = act.series(body.series)
    if series is None:
        raise Refused(E_TERMS, f"no series {body.series}")
    today = act.today()
    settlement = next_business_day(today, act.genesis.closed)
    if not series.issue_date <= settlement < series.maturity_date:
        raise Refused(E_TERMS, f"{series.id} can't settle on {settlement}")
    check_denomination(act, series.id, body.target)
    auction = Auction(
        id=body.id,
        series=series.id,
        target=body.target,
        date=today,
        settlement_date=settlement,
        closes_at_us=body.closes_at_us,
    )
    act.put(("auction", body.id), auction)
    note(act, auction=body.id, series=series.id, target=body.target, settlement_date=settlement)
    note(act, instrument=series.instrument, coupon_e4=series.coupon_e4)
    note(act, issue_date=series.issue_date, maturity_date=series.maturity_date)


def take_bid(act: Act, body: Bid) -> None:
    """BID: competitive with a price, for the dealer itself; without one for an investor."""
    auction = find(act, body.auction)
    if auction is None:
        raise Refused(E_STATE, f"no auction {body.auction}")
    closes = auction.closes_at_us
    if (
        auction.status != "OPEN"
        or act.today() != auction.date
        or (closes is not None and act.block.time_us > closes)
    ):
        raise Refused(E_LATE, "bids are no longer taken")
    named = ("bid-reference", auction.id, act.sender.id, str(body.reference))
    if act.get(named) is not None:
        raise Refused(E_DUP, f"bid {body.reference} of {act.sender.id} exists")
    check_denomination(act, auction.series, body.amount)
    investor = _bidder(act, body)
    if body.price_e4 is None:
        _check_non_competitive(act, auction, investor, body.amount)
    else:
        _check_price(act, auction, body.price_e4)
    bid = BidEntry(
        number=auction.bids + 1,
        dealer=act.sender.id,
        reference=body.reference,
        amount=body.amount,
        price_e4=body.price_e4,
        cash_account=body.cash_account,
        securities_account=body.securities_account,
        investor=investor,
    )
    act.put(named, str(bid.number))
    act.put(bid_key(auction, bid.number), bid)
    act.put(("auction", auction.id), replace(auction, bids=bid.number))
    price = "" if bid.price_e4 is None else bid.price_e4
    note(act, auction=auction.id, number=bid.number, reference=bid.reference)
    note(act, amount=bid.amount, price_e4=price)


def _bidder(act: Act, body: Bid) -> str:
    """Whose bid it is: the owner of both accounts, the dealer itself or its client."""
    cash = verified_account(act, body.cash_account)
    securities = verified_account(act, body.securities_account)
    owner = cash.owner
    if owner != securities.owner:
        raise Refused(E_ROLE, "both accounts must have one owner")
    if body.price_e4 is not None:
        if owner != act.sender.id:
            raise Refused(E_ROLE, "a competitive bid is for the dealer's own account")
    elif {cash.custodian, securities.custodian} != {act.sender.id}:
        raise Refused(E_ROLE, "a non-competitive bid is for a client of the dealer")
    return owner


def _check_non_competitive(act: Act, auction: Auction, investor: str, amount: int) -> None:
    policies = act.genesis.policies
    party = act.party(investor)
    if party is None or party.role not in BIDDERS_BY_PROXY:
        raise Refused(E_ROLE, "banks may not bid non-competitively")
    share = auction.target * policies.ncb_share_e4 // PER_100_E4
    ceiling = min(max(share, policies.ncb_floor), policies.ncb_limit)
    if amount > ceiling:
        raise Refused(E_NCB_CAP, f"at most {ceiling}")
    # A second bid of one investor is taken, and voids all of that investor's.
    key = ("non-competitive", auction.id, investor)
    act.put(key, str(int(act.get(key) or "0") + 1))


def _check_price(act: Act, auction: Auction, price_e4: int) -> None:
    if not price_e4:
        raise Refused(E_PRICE, "a price is above zero")
    try:
        yield_of_bid(series_of(act, auction), auction, price_e4)
    except ValueError as error:
        raise Refused(E_PRICE, "no yield has this price") from error


def close(act: Act, body: AuctionClose) -> None:
    """AUCTION_CLOSE: SBP's cut-off price and the amount accepted of competitive bids."""
    auction = in_state(act, body.auction, "OPEN")
    check_denomination(act, auction.series, body.amount)
    if body.amount > auction.target:
        raise Refused(E_CAP, f"the target is {auction.target}")
    bids = competitive(bids_of(act, auction))
    if body.amount and sum(b.amount for b in bids if price_of(b) > body.cutoff_e4) > body.amount:
        raise Refused(E_PRICE, "bids above the cut-off exceed the amount")
    if body.amount > sum(bid.amount for bid in bids if price_of(bid) >= body.cutoff_e4):
        raise Refused(E_PRICE, "bids down to the cut-off don't reach the amount")
    act.put(
        ("auction", auction.id),
        replace(auction, status="CLOSED", cutoff_e4=body.cutoff_e4, amount=body.amount),
    )
    note(act, auction=auction.id, cutoff_e4=body.cutoff_e4, amount=body.amount)
