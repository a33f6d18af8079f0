"""Auctions: AUCTION_OPEN, BID, AUCTION_CLOSE, AUCTION_ALLOT, AUCTION_SETTLE.

OPEN --close--> CLOSED --allot--> ALLOTTED --settle--> SETTLED. The close carries the State Bank's
decision; the allotment follows from it, and every validator recomputes it. Settlement is on the
next business day, atomic per bid: the series is minted against cash with accrued interest,
rounded once per bid; where the cash is missing the allotment lapses. A bid pays its own price, or
in auctions at a uniform price (sukuk) the cut-off's. A sukuk without a rental rate is bid in rates:
the cut-off rate becomes its rental, and everybody pays par.

Receipts note what ``auction_report`` needs, so a report can be drawn from blocks alone.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from nodes.ledger.act import Act
from nodes.ledger.allotment import price_of
from nodes.ledger.auction_book import (
    bid_key,
    bids_of,
    cutoff_worth,
    find,
    in_state,
    note,
    offers,
    series_of,
    yield_of_bid,
)
from nodes.ledger.bonds import MAX_COUPON_E4
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
from nodes.ledger.federal_assets import check_backing
from nodes.ledger.pricing import PER_100_E4
from nodes.ledger.records import Auction, BidEntry
from nodes.ledger.transactions import AuctionClose, AuctionOpen, Bid, BidReveal

BIDDERS_BY_PROXY: Final = ("investor", "vasp")
"""Who may have a non-competitive bid made for them: no bank."""


def open_auction(act: Act, body: AuctionOpen) -> None:
    """AUCTION_OPEN: today; it settles on the next business day."""
    if find(act, body.id) is not None:
        raise Refused(E_DUP, f"auction {body.id} exists")
    series = act.series(body.series)
    if series is None or series.instrument == "commodity":
        raise Refused(E_TERMS, f"no security {body.series} is auctioned")
    today = act.today()
    settlement = next_business_day(today, act.genesis.closed)
    if not series.issue_date <= settlement < series.maturity_date:
        raise Refused(E_TERMS, f"{series.id} can't settle on {settlement}")
    check_denomination(act, series.id, body.target)
    check_backing(act, series, body.target)
    if series.sealed and body.closes_at_us is None:
        raise Refused(E_TERMS, "sealed bids need a time at which the window closes")
    auction = Auction(
        id=body.id,
        series=series.id,
        target=body.target,
        date=today,
        settlement_date=settlement,
        closes_at_us=body.closes_at_us,
        by_rate=series.instrument == "sukuk" and not series.coupon_e4,
    )
    act.put(("auction", body.id), auction)
    note(act, auction=body.id, series=series.id, target=body.target, settlement_date=settlement)
    note(act, instrument=series.instrument, coupon_e4=series.coupon_e4)
    note(act, issue_date=series.issue_date, maturity_date=series.maturity_date)


def take_bid(act: Act, body: Bid) -> None:
    """BID: competitive with a price or rate, for the dealer itself; without for an investor."""
    auction = find(act, body.auction)
    if auction is None:
        raise Refused(E_STATE, f"no auction {body.auction}")
    if series_of(act, auction).sealed:
        raise Refused(E_STATE, f"bids for {auction.series} are sealed")
    check_window(act, auction)
    enter_bid(act, auction, body)


def check_window(act: Act, auction: Auction) -> None:
    """E_LATE once bids are no longer taken."""
    closes = auction.closes_at_us
    if (
        auction.status != "OPEN"
        or act.today() != auction.date
        or (closes is not None and act.block.time_us > closes)
    ):
        raise Refused(E_LATE, "bids are no longer taken")


def enter_bid(act: Act, auction: Auction, body: Bid | BidReveal) -> None:
    """Check a bid and put it into the book."""
    named = ("bid-reference", auction.id, act.sender.id, str(body.reference))
    if act.get(named) is not None:
        raise Refused(E_DUP, f"bid {body.reference} of {act.sender.id} exists")
    check_denomination(act, auction.series, body.amount)
    investor = _bidder(act, body)
    if is_competitive(body):
        _check_price(act, auction, body)
    else:
        _check_non_competitive(act, auction, investor, body.amount)
    bid = BidEntry(
        number=auction.bids + 1,
        dealer=act.sender.id,
        reference=body.reference,
        amount=body.amount,
        price_e4=body.price_e4,
        rate_e4=body.rate_e4,
        cash_account=body.cash_account,
        securities_account=body.securities_account,
        investor=investor,
    )
    act.put(named, str(bid.number))
    act.put(bid_key(auction, bid.number), bid)
    act.put(("auction", auction.id), replace(auction, bids=bid.number))
    note(act, auction=auction.id, number=bid.number, reference=bid.reference)
    note(act, amount=bid.amount, price_e4="" if bid.price_e4 is None else bid.price_e4)
    if bid.rate_e4 is not None:
        note(act, rate_e4=bid.rate_e4)


def is_competitive(body: Bid | BidReveal) -> bool:
    """Whether a bid names its price or rate."""
    return body.price_e4 is not None or body.rate_e4 is not None


def _bidder(act: Act, body: Bid | BidReveal) -> str:
    """Whose bid it is: the owner of both accounts, the dealer itself or its client."""
    cash = verified_account(act, body.cash_account)
    securities = verified_account(act, body.securities_account)
    owner = cash.owner
    if owner != securities.owner:
        raise Refused(E_ROLE, "both accounts must have one owner")
    if is_competitive(body):
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


def _check_price(act: Act, auction: Auction, body: Bid | BidReveal) -> None:
    if (body.rate_e4 is not None) != auction.by_rate or (body.price_e4 is None) != auction.by_rate:
        raise Refused(E_PRICE, f"bids are {'rental rates' if auction.by_rate else 'prices'}")
    if body.rate_e4 is not None and not 0 < body.rate_e4 <= MAX_COUPON_E4:
        raise Refused(E_PRICE, f"a rate is above zero and at most {MAX_COUPON_E4}")
    if body.price_e4 is None:
        return
    if not body.price_e4:
        raise Refused(E_PRICE, "a price is above zero")
    try:
        yield_of_bid(series_of(act, auction), auction, body.price_e4)
    except ValueError as error:
        raise Refused(E_PRICE, "no yield has this price") from error


def close(act: Act, body: AuctionClose) -> None:
    """AUCTION_CLOSE: SBP's cut-off and the amount accepted of competitive bids."""
    auction = in_state(act, body.auction, "OPEN")
    check_denomination(act, auction.series, body.amount)
    if body.amount > auction.target:
        raise Refused(E_CAP, f"the target is {auction.target}")
    bids = offers(bids_of(act, auction))
    cutoff = cutoff_worth(auction, body.cutoff_e4)
    if body.amount and sum(b.amount for b in bids if price_of(b) > cutoff) > body.amount:
        raise Refused(E_PRICE, "bids above the cut-off exceed the amount")
    if body.amount > sum(bid.amount for bid in bids if price_of(bid) >= cutoff):
        raise Refused(E_PRICE, "bids down to the cut-off don't reach the amount")
    act.put(
        ("auction", auction.id),
        replace(auction, status="CLOSED", cutoff_e4=body.cutoff_e4, amount=body.amount),
    )
    note(act, auction=auction.id, cutoff_e4=body.cutoff_e4, amount=body.amount)
