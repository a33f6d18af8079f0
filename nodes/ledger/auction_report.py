"""An auction as the central bank publishes it: one row per bid, drawn from receipts alone.

The columns up to ``cum_realised_final_pkr_m`` are those of the State Bank's bid log, at its
precision: amounts in PKR million with 3 decimals, prices and yields with 4. Running totals sum
exact amounts and are rounded for display only. The further columns say what the ledger did.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final, cast

import msgspec

from nodes.ledger.codes import OK
from nodes.ledger.instruments import instrument_of
from nodes.ledger.pricing import CONTEXT, PER_100_E4, decimal_of, share_of_face
from nodes.ledger.receipts import Receipt
from nodes.ledger.records import InstrumentName, Series

MINOR_PER_MILLION: Final = 100_000_000
AMOUNT_STEP: Final = Decimal("0.001")
RATE_STEP: Final = Decimal("0.0001")
CSV_COLUMNS: Final = 12
"""The first so many fields of ``Row`` are the log's columns, under its names."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One competitive bid; the running columns include the rows before it."""

    bid_no: int
    """The dealer's reference."""
    bid_amount_pkr_m: Decimal
    bid_price_per_100: Decimal
    running_total_pkr_m: Decimal
    realised_pkr_m: Decimal
    cum_realised_pkr_m: Decimal
    bid_yield_pct: Decimal
    wtd_avg_yield_pct: Decimal
    accrued_pkr_m: Decimal
    cum_accrued_pkr_m: Decimal
    realised_final_pkr_m: Decimal
    cum_realised_final_pkr_m: Decimal
    dealer: str
    allotted: int
    """Face value, minor units."""
    paid: int
    """By the bidder, minor units, rounded once; 0 if nothing was settled."""
    outcome: str
    """BID, REJECTED, ALLOTTED, SETTLED or LAPSED."""


class AuctionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one auction; amounts of face value and money in minor units."""

    id: str
    series: str
    settlement_date: date
    status: str
    """OPEN, CLOSED, ALLOTTED or SETTLED."""
    target: int
    accepted: int
    """Of competitive bids, as the close says."""
    unsold: int
    """Accepted, but left over by pro rata."""
    cutoff_e4: int
    settled: int
    paid: int
    non_competitive: int
    """How many bids without a price were taken."""
    rows: tuple[Row, ...]


class _Bid(msgspec.Struct):
    number: int
    reference: int
    dealer: str
    amount: int
    price_e4: int | None
    rate_e4: int | None = None
    allotted: int = 0
    paid: int = 0
    outcome: str = "BID"


class _Auction:
    """Gathers an auction's receipts."""

    def __init__(self, facts: dict[str, str]) -> None:
        self.facts = facts
        self.status = "OPEN"
        self.bids: dict[int, _Bid] = {}

    def take(self, receipt: Receipt) -> None:
        """One more successful receipt of this auction."""
        data = dict(receipt.data)
        if receipt.type in _BIDS:
            price = data["price_e4"]
            rate = data.get("rate_e4")
            number = int(data["number"])
            self.bids[number] = _Bid(
                number=number,
                reference=int(data["reference"]),
                dealer=receipt.client,
                amount=int(data["amount"]),
                price_e4=int(price) if price else None,
                rate_e4=int(rate) if rate else None,
            )
            return
        self.status = _STATUS[receipt.type]
        self.facts.update(data)
        for number, bid in self.bids.items():
            said = data.get(f"bid.{number}")
            if receipt.type == "AUCTION_ALLOT":
                bid.outcome = "REJECTED" if said is None else "ALLOTTED"
                bid.allotted = int(said or 0)
            elif receipt.type == "AUCTION_SETTLE" and said is not None:
                bid.outcome = "SETTLED" if said.isdigit() else "LAPSED"
                bid.paid = int(said) if said.isdigit() else 0

    def report(self) -> AuctionReport:
        """The auction as it stands."""
        facts = self.facts
        series, settlement = _series_of(facts), date.fromisoformat(facts["settlement_date"])
        return AuctionReport(
            id=facts["auction"],
            series=series.id,
            settlement_date=settlement,
            status=self.status,
            target=int(facts["target"]),
            accepted=int(facts.get("amount", 0)),
            unsold=int(facts.get("unsold", 0)),
            cutoff_e4=int(facts.get("cutoff_e4", 0)),
            settled=int(facts.get("settled", 0)),
            paid=int(facts.get("paid", 0)),
            non_competitive=sum(
                bid.price_e4 is None and bid.rate_e4 is None for bid in self.bids.values()
            ),
            rows=tuple(_rows(self.bids.values(), series, settlement)),
        )


_BIDS: Final = ("BID", "BID_REVEAL")
_STATUS: Final = {
    "AUCTION_CLOSE": "CLOSED",
    "AUCTION_ALLOT": "ALLOTTED",
    "AUCTION_SETTLE": "SETTLED",
}


def auction_reports(receipts: Iterable[Receipt]) -> list[AuctionReport]:
    """Every auction that ``receipts`` (of a chain's blocks, in order) tell of."""
    auctions: dict[str, _Auction] = {}
    for receipt in receipts:
        if receipt.code != OK:
            continue
        if receipt.type == "AUCTION_OPEN":
            facts = dict(receipt.data)
            auctions[facts["auction"]] = _Auction(facts)
        elif receipt.type in _BIDS or receipt.type in _STATUS:
            auctions[dict(receipt.data)["auction"]].take(receipt)
    return [auction.report() for auction in auctions.values()]


def _series_of(facts: dict[str, str]) -> Series:
    """As much of the series as pricing needs."""
    return Series(
        id=facts["series"],
        instrument=cast(InstrumentName, facts["instrument"]),
        issue_date=date.fromisoformat(facts["issue_date"]),
        maturity_date=date.fromisoformat(facts["maturity_date"]),
        denomination=1,
        issuer_account="",
        coupon_e4=int(facts["coupon_e4"]),
    )


def _rows(bids: Iterable[_Bid], series: Series, settlement: date) -> Iterable[Row]:
    instrument = instrument_of(series)
    accrued_e4 = instrument.accrued_e4(series, settlement)
    running = 0
    cum_realised = cum_accrued = Fraction(0)
    weighted = Decimal(0)
    for bid, price_e4 in _ranked(bids):
        price = Decimal(price_e4).scaleb(-4)
        if bid.rate_e4 is None:
            yield_pct = instrument.yield_of(series, settlement, price)
        else:
            yield_pct = Decimal(bid.rate_e4).scaleb(-4)
        realised = share_of_face(bid.amount, price_e4)
        accrued = share_of_face(bid.amount, accrued_e4)
        running += bid.amount
        cum_realised += realised
        cum_accrued += accrued
        weighted = CONTEXT.add(weighted, CONTEXT.multiply(yield_pct, Decimal(bid.amount)))
        yield Row(
            bid_no=bid.reference,
            bid_amount_pkr_m=_millions(Fraction(bid.amount)),
            bid_price_per_100=price,
            running_total_pkr_m=_millions(Fraction(running)),
            realised_pkr_m=_millions(realised),
            cum_realised_pkr_m=_millions(cum_realised),
            bid_yield_pct=_rate(yield_pct),
            wtd_avg_yield_pct=_rate(CONTEXT.divide(weighted, Decimal(running))),
            accrued_pkr_m=_millions(accrued),
            cum_accrued_pkr_m=_millions(cum_accrued),
            realised_final_pkr_m=_millions(realised + accrued),
            cum_realised_final_pkr_m=_millions(cum_realised + cum_accrued),
            dealer=bid.dealer,
            allotted=bid.allotted,
            paid=bid.paid,
            outcome=bid.outcome,
        )


def _ranked(bids: Iterable[_Bid]) -> list[tuple[_Bid, int]]:
    """Competitive bids with their price, the best first; who bids a rate pays par."""
    found = []
    for bid in bids:
        if bid.rate_e4 is not None:
            found.append((bid, PER_100_E4, bid.rate_e4))
        elif bid.price_e4 is not None:
            found.append((bid, bid.price_e4, -bid.price_e4))
    found.sort(key=lambda item: (item[2], item[0].reference, item[0].number))
    return [(bid, price_e4) for bid, price_e4, _ in found]


def _millions(minor: Fraction) -> Decimal:
    return decimal_of(minor / MINOR_PER_MILLION).quantize(AMOUNT_STEP, ROUND_HALF_UP)


def _rate(percent: Decimal) -> Decimal:
    return percent.quantize(RATE_STEP, ROUND_HALF_UP, CONTEXT)
