"""Auctions at multiple prices: AUCTION_OPEN, BID, AUCTION_CLOSE, AUCTION_ALLOT, AUCTION_SETTLE.

OPEN --close--> CLOSED --allot--> ALLOTTED --settle--> SETTLED. The close carries the State Bank's
decision; the allotment follows from it, and every validator recomputes it. Settlement is on the
next business day, atomic per bid: the series is minted against cash at the bid's price with
accrued interest, rounded once per bid; where the cash is missing the allotment lapses.

Receipts note what ``auction_report`` needs, so a report can be drawn from blocks alone.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Final

from msgspec.structs import replace

from nodes.ledger.act import Act, Partition
from nodes.ledger.allotment import allot as allot_competitive
from nodes.ledger.allotment import rank
from nodes.ledger.calendar import next_business_day
from nodes.ledger.codes import (
    E_ALLOT_MISMATCH,
    E_CAP,
    E_DATE,
    E_DUP,
    E_FUNDS,
    E_LATE,
    E_NCB_CAP,
    E_PRICE,
    E_ROLE,
    E_STATE,
    E_TERMS,
    Refused,
)
from nodes.ledger.compliance import (
    check_covered,
    check_denomination,
    check_inflow,
    verified_account,
)
from nodes.ledger.days import current_fx
from nodes.ledger.instruments import instrument_of
from nodes.ledger.pricing import (
    CONTEXT,
    PER_100_E4,
    round_half_up,
    share_of_face,
    to_e4,
)
from nodes.ledger.programme import lock
from nodes.ledger.records import Auction, BidEntry, Series
from nodes.ledger.transactions import (
    AuctionAllot,
    AuctionClose,
    AuctionOpen,
    AuctionSettle,
    Bid,
)

BIDDERS_BY_PROXY: Final = ("investor", "vasp")
"""Who may have a non-competitive bid made for them: no bank."""


def open_auction(act: Act, body: AuctionOpen) -> None:
    """AUCTION_OPEN: today; it settles on the next business day."""
    if _find(act, body.id) is not None:
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
    _note(act, auction=body.id, series=series.id, target=body.target, settlement_date=settlement)
    _note(act, instrument=series.instrument, coupon_e4=series.coupon_e4)
    _note(act, issue_date=series.issue_date, maturity_date=series.maturity_date)


def take_bid(act: Act, body: Bid) -> None:
    """BID: competitive with a price, for the dealer itself; without one for an investor."""
    auction = _find(act, body.auction)
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
    act.put(_bid_key(auction, bid.number), bid)
    act.put(("auction", auction.id), replace(auction, bids=bid.number))
    price = "" if bid.price_e4 is None else bid.price_e4
    _note(act, auction=auction.id, number=bid.number, reference=bid.reference)
    _note(act, amount=bid.amount, price_e4=price)


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
        _yield(_series(act, auction), auction, price_e4)
    except ValueError as error:
        raise Refused(E_PRICE, "no yield has this price") from error


def close(act: Act, body: AuctionClose) -> None:
    """AUCTION_CLOSE: SBP's cut-off price and the amount accepted of competitive bids."""
    auction = _in_state(act, body.auction, "OPEN")
    check_denomination(act, auction.series, body.amount)
    if body.amount > auction.target:
        raise Refused(E_CAP, f"the target is {auction.target}")
    bids = _competitive(_bids(act, auction))
    if body.amount and sum(b.amount for b in bids if _price(b) > body.cutoff_e4) > body.amount:
        raise Refused(E_PRICE, "bids above the cut-off exceed the amount")
    if body.amount > sum(bid.amount for bid in bids if _price(bid) >= body.cutoff_e4):
        raise Refused(E_PRICE, "bids down to the cut-off don't reach the amount")
    act.put(
        ("auction", auction.id),
        replace(auction, status="CLOSED", cutoff_e4=body.cutoff_e4, amount=body.amount),
    )
    _note(act, auction=auction.id, cutoff_e4=body.cutoff_e4, amount=body.amount)


def allot(act: Act, body: AuctionAllot) -> None:
    """AUCTION_ALLOT: must say what follows from the close."""
    auction = _in_state(act, body.auction, "CLOSED")
    bids = _bids(act, auction)
    shares, ncb_price_e4 = _allotments(act, auction, bids)
    by_name = {(bid.dealer, bid.reference): shares.get(bid.number, 0) for bid in bids}
    expected = {name: share for name, share in by_name.items() if share}
    stated = {(item.dealer, item.reference): item.amount for item in body.allotments}
    if stated != expected or len(stated) != len(body.allotments):
        raise Refused(E_ALLOT_MISMATCH, f"{_first_difference(stated, expected)}")
    _note(act, auction=auction.id)
    for bid in bids:
        share = shares.get(bid.number, 0)
        if share:
            act.put(_bid_key(auction, bid.number), replace(bid, allotted=share, status="ALLOTTED"))
            act.note(f"bid.{bid.number}", share)
    sold = sum(shares.get(bid.number, 0) for bid in _competitive(bids))
    _note(act, unsold=auction.amount - sold, ncb_price_e4=ncb_price_e4)
    act.put(("auction", auction.id), replace(auction, status="ALLOTTED", ncb_price_e4=ncb_price_e4))


def _first_difference(
    stated: dict[tuple[str, int], int], expected: dict[tuple[str, int], int]
) -> str:
    for dealer, reference in sorted(stated.keys() | expected.keys()):
        said = stated.get((dealer, reference), 0)
        right = expected.get((dealer, reference), 0)
        if said != right:
            return f"bid {reference} of {dealer} gets {right}, not {said}"
    return "a bid is named twice"


def _allotments(act: Act, auction: Auction, bids: list[BidEntry]) -> tuple[dict[int, int], int]:
    """Face value by bid number, and what non-competitive bids pay (0 if they get nothing)."""
    if not auction.amount:
        return {}, 0
    step = act.genesis.policies.pro_rata_step
    competitive = _competitive(bids)
    shares = allot_competitive(competitive, auction.cutoff_e4, auction.amount, step)
    others = [bid for bid in bids if bid.price_e4 is None and not _void(act, auction, bid)]
    if not others:
        return shares, 0
    series = _series(act, auction)
    with localcontext(CONTEXT):
        weighted = sum(
            (_yield(series, auction, _price(b)) * shares.get(b.number, 0) for b in competitive),
            Decimal(0),
        )
        average = weighted / sum(shares.values())
        price = instrument_of(series).clean_price(series, auction.settlement_date, average)
    shares.update((bid.number, bid.amount) for bid in others)
    return shares, to_e4(price)


def settle(act: Act, body: AuctionSettle) -> None:
    """AUCTION_SETTLE: from the settlement date on, at its price and accrued interest."""
    auction = _in_state(act, body.auction, "ALLOTTED")
    if act.today() < auction.settlement_date:
        raise Refused(E_DATE, f"settles on {auction.settlement_date}")
    series = _series(act, auction)
    fix = current_fx(act)
    accrued_e4 = instrument_of(series).accrued_e4(series, auction.settlement_date)
    minted = paid = 0
    _note(act, auction=auction.id)
    for bid in _settlement_order(_bids(act, auction)):
        clean_e4 = auction.ncb_price_e4 if bid.price_e4 is None else bid.price_e4
        cost = round_half_up(share_of_face(bid.allotted, clean_e4 + accrued_e4))
        lapsed = _lapses(act, series, bid, cost)
        if not lapsed:
            act.move(series.currency, cost, (bid.cash_account, "free"), _issuer(series))
            act.mint(bid.securities_account, series.id, bid.allotted)
            minted += bid.allotted
            paid += cost
        status = "LAPSED" if lapsed else "SETTLED"
        act.put(_bid_key(auction, bid.number), replace(bid, status=status))
        act.note(f"bid.{bid.number}", lapsed or cost)
    lock(act, minted, fix)
    _note(act, settled=minted, paid=paid)
    act.put(("auction", auction.id), replace(auction, status="SETTLED"))


def _lapses(act: Act, series: Series, bid: BidEntry, cost: int) -> str:
    """The code for which an allotment can't settle, or nothing."""
    try:
        check_covered(act, bid.cash_account, series.currency, cost, E_FUNDS)
        check_inflow(act, verified_account(act, bid.securities_account))
    except Refused as refusal:
        return refusal.code
    return ""


def _settlement_order(bids: list[BidEntry]) -> list[BidEntry]:
    """Allotted bids, competitive ones by rank, then the others as they came."""
    allotted = [bid for bid in bids if bid.status == "ALLOTTED"]
    competitive = sorted(_competitive(allotted), key=rank)
    return competitive + [bid for bid in allotted if bid.price_e4 is None]


# Looking things up


def _find(act: Act, id_: str) -> Auction | None:
    auction: Auction | None = act.get(("auction", id_))
    return auction


def _in_state(act: Act, id_: str, wanted: str) -> Auction:
    auction = _find(act, id_)
    if auction is None or auction.status != wanted:
        found = "unknown" if auction is None else auction.status
        raise Refused(E_STATE, f"auction {id_} is {found}, not {wanted}")
    return auction


def _bid_key(auction: Auction, number: int) -> tuple[str, ...]:
    return ("bid", auction.id, f"{number:06d}")


def _bids(act: Act, auction: Auction) -> list[BidEntry]:
    """All bids as they came."""
    return [act.get(_bid_key(auction, number)) for number in range(1, auction.bids + 1)]


def _competitive(bids: list[BidEntry]) -> list[BidEntry]:
    return [bid for bid in bids if bid.price_e4 is not None]


def _void(act: Act, auction: Auction, bid: BidEntry) -> bool:
    return bool(act.get(("non-competitive", auction.id, bid.investor)) != "1")


def _series(act: Act, auction: Auction) -> Series:
    series = act.series(auction.series)
    assert series is not None, "an auction's series exists"
    return series


def _issuer(series: Series) -> tuple[str, Partition]:
    return series.issuer_account, "free"


def _price(bid: BidEntry) -> int:
    assert bid.price_e4 is not None
    return bid.price_e4


def _yield(series: Series, auction: Auction, price_e4: int) -> Decimal:
    price = Decimal(price_e4).scaleb(-4)
    return instrument_of(series).yield_of(series, auction.settlement_date, price)


def _note(act: Act, **results: object) -> None:
    for name, value in results.items():
        act.note(name, value)
