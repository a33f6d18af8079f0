"""Finding one's way in an auction's records; shared by its steps."""

from __future__ import annotations

from decimal import Decimal

from nodes.ledger.act import Act
from nodes.ledger.allotment import Offer
from nodes.ledger.codes import E_STATE, Refused
from nodes.ledger.instruments import instrument_of
from nodes.ledger.records import Auction, BidEntry, Series


def find(act: Act, id_: str) -> Auction | None:
    """The auction, if there is one."""
    auction: Auction | None = act.get(("auction", id_))
    return auction


def in_state(act: Act, id_: str, wanted: str) -> Auction:
    """The auction ``id_``; E_STATE unless it exists and its status is ``wanted``."""
    auction = find(act, id_)
    if auction is None or auction.status != wanted:
        found = "unknown" if auction is None else auction.status
        raise Refused(E_STATE, f"auction {id_} is {found}, not {wanted}")
    return auction


def bid_key(auction: Auction, number: int) -> tuple[str, ...]:
    """Where bid ``number`` is kept; keys sort as bids came."""
    return ("bid", auction.id, f"{number:06d}")


def bids_of(act: Act, auction: Auction) -> list[BidEntry]:
    """All bids as they came."""
    return [act.get(bid_key(auction, number)) for number in range(1, auction.bids + 1)]


def competitive(bids: list[BidEntry]) -> list[BidEntry]:
    """Those with a price or a rate."""
    return [bid for bid in bids if bid.price_e4 is not None or bid.rate_e4 is not None]


def series_of(act: Act, auction: Auction) -> Series:
    """The series on offer."""
    series = act.series(auction.series)
    assert series is not None, "an auction's series exists"
    return series


def worth(bid: BidEntry) -> int:
    """What a competitive bid is ranked by, the highest first: its price, or minus its rate."""
    if bid.rate_e4 is not None:
        return -bid.rate_e4
    assert bid.price_e4 is not None
    return bid.price_e4


def offers(bids: list[BidEntry]) -> list[Offer]:
    """Competitive bids as allotment looks at them."""
    return [Offer(b.number, b.reference, b.amount, worth(b)) for b in competitive(bids)]


def cutoff_worth(auction: Auction, cutoff_e4: int) -> int:
    """A cut-off as ``worth`` counts."""
    return -cutoff_e4 if auction.by_rate else cutoff_e4


def yield_of_bid(series: Series, auction: Auction, price_e4: int) -> Decimal:
    """Yield in percent at settlement. ``ValueError`` if no yield gives that price."""
    price = Decimal(price_e4).scaleb(-4)
    return instrument_of(series).yield_of(series, auction.settlement_date, price)


def note(act: Act, **results: object) -> None:
    """Named results for the receipt."""
    for name, value in results.items():
        act.note(name, value)
