"""What follows from an auction's close: AUCTION_ALLOT, AUCTION_SETTLE (see ``auction``)."""

from __future__ import annotations

from decimal import Decimal, localcontext

from msgspec.structs import replace

from nodes.ledger.act import Act, Partition
from nodes.ledger.allotment import allot as allot_competitive
from nodes.ledger.allotment import rank
from nodes.ledger.auction_book import (
    bid_key,
    bids_of,
    competitive,
    cutoff_worth,
    in_state,
    note,
    offers,
    series_of,
    worth,
    yield_of_bid,
)
from nodes.ledger.codes import E_ALLOT_MISMATCH, E_DATE, E_FUNDS, E_STATE, Refused
from nodes.ledger.compliance import (
    check_covered,
    check_holder,
    check_inflow,
    check_supply,
    verified_account,
)
from nodes.ledger.days import current_fx
from nodes.ledger.federal_assets import check_backing
from nodes.ledger.instruments import instrument_of
from nodes.ledger.pricing import (
    CONTEXT,
    PER_100_E4,
    locked_value_cents,
    round_half_up,
    share_of_face,
    to_e4,
)
from nodes.ledger.programme import take
from nodes.ledger.records import Auction, BidEntry, Series
from nodes.ledger.transactions import AuctionAllot, AuctionSettle


def allot(act: Act, body: AuctionAllot) -> None:
    """AUCTION_ALLOT: must say what follows from the close."""
    auction = in_state(act, body.auction, "CLOSED")
    bids = bids_of(act, auction)
    shares, ncb_price_e4 = _allotments(act, auction, bids)
    by_name = {(bid.dealer, bid.reference): shares.get(bid.number, 0) for bid in bids}
    expected = {name: share for name, share in by_name.items() if share}
    stated = {(item.dealer, item.reference): item.amount for item in body.allotments}
    if stated != expected or len(stated) != len(body.allotments):
        raise Refused(E_ALLOT_MISMATCH, f"{_first_difference(stated, expected)}")
    note(act, auction=auction.id)
    for bid in bids:
        share = shares.get(bid.number, 0)
        if share:
            act.put(bid_key(auction, bid.number), replace(bid, allotted=share, status="ALLOTTED"))
            act.note(f"bid.{bid.number}", share)
    sold = sum(shares.get(bid.number, 0) for bid in competitive(bids))
    note(act, unsold=auction.amount - sold, ncb_price_e4=ncb_price_e4)
    if auction.by_rate and sold:
        _set_rental(act, auction)
    act.put(("auction", auction.id), replace(auction, status="ALLOTTED", ncb_price_e4=ncb_price_e4))


def _set_rental(act: Act, auction: Auction) -> None:
    """The cut-off rate becomes what a new sukuk pays. E_STATE if another auction set it."""
    series = series_of(act, auction)
    if series.coupon_e4:
        raise Refused(E_STATE, f"the rental rate of {series.id} is set")
    act.put(("series", series.id), replace(series, coupon_e4=auction.cutoff_e4))
    note(act, coupon_e4=auction.cutoff_e4)


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
    """Face value by bid number, and what non-competitive bids pay (0 if they get nothing).

    Where no competitive bid gets anything (all rejected, or rounded to nothing at the cut-off)
    there is no price to pay, and nobody gets anything.
    """
    if not auction.amount:
        return {}, 0
    step = act.genesis.policies.pro_rata_step
    priced = competitive(bids)
    cutoff = cutoff_worth(auction, auction.cutoff_e4)
    shares = allot_competitive(offers(bids), cutoff, auction.amount, step)
    if not shares:
        return {}, 0
    others = [bid for bid in bids if bid not in priced and not _void(act, auction, bid)]
    if not others:
        return shares, 0
    numbers = {bid.number: bid.amount for bid in others}
    series = series_of(act, auction)
    if instrument_of(series).UNIFORM_PRICE:
        return shares | numbers, _uniform_price(auction)
    with localcontext(CONTEXT):
        weighted = sum(
            (yield_of_bid(series, auction, worth(b)) * shares.get(b.number, 0) for b in priced),
            Decimal(0),
        )
        average = weighted / sum(shares.values())
        price = instrument_of(series).clean_price(series, auction.settlement_date, average)
    return shares | numbers, to_e4(price)


def _uniform_price(auction: Auction) -> int:
    """What everybody pays, where everybody pays the same: par, or the cut-off price."""
    return PER_100_E4 if auction.by_rate else auction.cutoff_e4


def _price(auction: Auction, series: Series, bid: BidEntry) -> int:
    """What a bid pays per 100 without accrued interest, 10^-4."""
    if instrument_of(series).UNIFORM_PRICE:
        return _uniform_price(auction)
    return auction.ncb_price_e4 if bid.price_e4 is None else bid.price_e4


def settle(act: Act, body: AuctionSettle) -> None:
    """AUCTION_SETTLE: from the settlement date on, at its price and accrued interest."""
    auction = in_state(act, body.auction, "ALLOTTED")
    if act.today() < auction.settlement_date:
        raise Refused(E_DATE, f"settles on {auction.settlement_date}")
    series = series_of(act, auction)
    if act.get(("redeemed", series.id)) is not None:
        raise Refused(E_STATE, f"{series.id} is redeemed")
    fix = current_fx(act)
    accrued_e4 = instrument_of(series).accrued_e4(series, auction.settlement_date)
    minted = paid = cents = 0
    note(act, auction=auction.id)
    for bid in _settlement_order(bids_of(act, auction)):
        clean_e4 = _price(auction, series, bid)
        cost = round_half_up(share_of_face(bid.allotted, clean_e4 + accrued_e4))
        lapsed = _lapses(act, series, bid, cost)
        if not lapsed:
            act.move(series.currency, cost, (bid.cash_account, "free"), _issuer(series))
            locked = locked_value_cents(bid.allotted, fix.rate_e4)
            act.mint(bid.securities_account, series.id, bid.allotted, locked)
            cents += locked
            minted += bid.allotted
            paid += cost
        status = "LAPSED" if lapsed else "SETTLED"
        act.put(bid_key(auction, bid.number), replace(bid, status=status))
        act.note(f"bid.{bid.number}", lapsed or cost)
    note(act, fx_e4=fix.rate_e4)
    take(act, cents)
    note(act, settled=minted, paid=paid)
    act.put(("auction", auction.id), replace(auction, status="SETTLED"))


def _lapses(act: Act, series: Series, bid: BidEntry, cost: int) -> str:
    """The code for which an allotment can't settle, or nothing."""
    try:
        check_covered(act, bid.cash_account, series.currency, cost, E_FUNDS)
        account = verified_account(act, bid.securities_account)
        check_inflow(act, account)
        check_holder(act, series, account, bid.allotted)
        check_supply(act, series, bid.allotted)
        check_backing(act, series, bid.allotted)
    except Refused as refusal:
        return refusal.code
    return ""


def _settlement_order(bids: list[BidEntry]) -> list[BidEntry]:
    """Allotted bids, competitive ones by rank, then the others as they came."""
    allotted = [bid for bid in bids if bid.status == "ALLOTTED"]
    by_number = {bid.number: bid for bid in allotted}
    priced = [by_number[offer.number] for offer in sorted(offers(allotted), key=rank)]
    return priced + [bid for bid in allotted if bid not in priced]


def _void(act: Act, auction: Auction, bid: BidEntry) -> bool:
    return bool(act.get(("non-competitive", auction.id, bid.investor)) != "1")


def _issuer(series: Series) -> tuple[str, Partition]:
    return series.issuer_account, "free"
