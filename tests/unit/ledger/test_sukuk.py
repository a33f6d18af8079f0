"""Ijara sukuk: backed by one asset, sold at a uniform price, a new issue bid in rental rate."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.ledger import sukuk
from nodes.ledger.auction_report import auction_reports
from nodes.ledger.records import FederalAsset, Series
from nodes.ledger.transactions import Bid
from tests.unit.ledger.support import (
    AUCTION_DAY,
    GENESIS,
    MILLION,
    SETTLEMENT_DAY,
    Desk,
    money,
)

SUKUK = Series(
    id="gis-3y",
    instrument="sukuk",
    issue_date=SETTLEMENT_DAY,
    maturity_date=date(2024, 3, 4),
    denomination=10_000_000,
    issuer_account="mof/proceeds",
    underlying="m-2",
)
TERMS = {
    name: getattr(SUKUK, name)
    for name in SUKUK.__struct_fields__
    if name not in ("rules", "isin", "name", "currency")
}


def desk(value: int = 500 * MILLION) -> Desk:
    """The motorway is registered; the first day is open."""
    made = Desk()
    made.ok("mof", "ASSET_REGISTER", "sbp", id="m-2", title="deed 9", value=money(value))
    made.open_day(AUCTION_DAY)
    return made


def define(made: Desk, **changes: Any) -> str:
    return made.do("mof", "SERIES_DEFINE", "sbp", **(TERMS | changes)).code


def rate_bid(dealer: str, reference: int, amount: int, **worth: int) -> Bid:
    return Bid(
        auction="g",
        reference=reference,
        amount=amount * MILLION,
        cash_account=f"{dealer}/main",
        securities_account=f"{dealer}/main",
        **worth,
    )


class TestBacking:
    def test_an_asset_backs_one_sukuk(self) -> None:
        made = desk()
        assert define(made) == "OK"
        assert define(made, id="other") == "E_BACKING", "m-2 is taken"
        assert define(made, id="other", underlying="m-3") == "E_BACKING", "nobody registered it"
        twice = {"id": "m-2", "title": "deed 10", "value": money(1)}
        assert made.do("mof", "ASSET_REGISTER", "sbp", **twice).code == "E_DUP"
        again = {"id": "m-2b", "title": "deed 9", "value": money(1)}
        assert made.do("mof", "ASSET_REGISTER", "sbp", **again).code == "E_BACKING"

    def test_terms(self) -> None:
        made = desk()
        assert define(made, underlying="") == "E_TERMS"
        assert define(made, maturity_date=date(2025, 3, 4)) == "E_TERMS"
        assert define(made, denomination=500_000) == "E_TERMS"
        pib = {"instrument": "pib", "coupon_e4": 70_000}
        assert define(made, **pib) == "E_TERMS", "only a sukuk has an underlying"
        assert define(made, **pib, underlying="") == "OK"

    def test_an_isin_names_one_series(self) -> None:
        made = desk()
        assert define(made, isin="US0378331005") == "OK"
        pib = {"instrument": "pib", "coupon_e4": 70_000, "underlying": ""}
        assert define(made, id="other", isin="US0378331005", **pib) == "E_DUP"
        assert define(made, id="other", isin="US0378331004", **pib) == "E_TERMS"
        assert define(made, id="other", **pib) == "OK"

    def test_never_more_than_the_asset_is_worth(self) -> None:
        made = desk(100 * MILLION)
        assert define(made) == "OK"
        opening = {"id": "g", "series": SUKUK.id}
        too_much = made.do("sbp", "AUCTION_OPEN", **opening, target=101 * MILLION)
        assert too_much.code == "E_BACKING"
        assert made.do("sbp", "AUCTION_OPEN", **opening, target=100 * MILLION).code == "OK"

    def test_two_auctions_share_the_asset(self) -> None:
        """Both fit when they open; what the second sells beyond the asset's value lapses."""
        made = desk(150 * MILLION)
        assert define(made, coupon_e4=90_000) == "OK"
        for id_ in ("g", "h"):
            opening = {"id": id_, "series": SUKUK.id, "target": 100 * MILLION}
            made.ok("sbp", "AUCTION_OPEN", **opening)
            bid = replace(rate_bid("dealer-1", 1, 100, price_e4=1_000_000), auction=id_)
            assert made.send("dealer-1", bid).code == "OK"
            close(made, 1_000_000, 100, id_)
        settle_day(made)
        first = dict(made.ok("sbp", "AUCTION_SETTLE", auction="g").data)
        second = dict(made.ok("sbp", "AUCTION_SETTLE", auction="h").data)
        assert (first["bid.1"], second["bid.1"]) == (str(100 * MILLION), "E_BACKING")

    def test_genesis(self) -> None:
        asset = FederalAsset(id="m-2", title="deed 9", value=100 * MILLION)
        sound = replace(GENESIS, series=(*GENESIS.series, SUKUK), assets=(asset,))
        assert sound.problems() == []
        made = Desk(sound)
        made.open_day()
        assert define(made, id="other") == "E_BACKING"
        missing = replace(sound, assets=())
        assert missing.problems() == ['series[2].underlying: unknown asset "m-2"']
        second = replace(sound, series=(*sound.series, replace(SUKUK, id="gis-b")))
        assert second.problems() == ['series.underlying: "m-2" appears twice']


def close(made: Desk, cutoff_e4: int, amount: int, id_: str = "g") -> None:
    """Close, and allot everything to the bids as they came (they fit)."""
    fields = {"auction": id_, "cutoff_e4": cutoff_e4, "amount": amount * MILLION}
    made.ok("sbp", "AUCTION_CLOSE", **fields)
    bids = [bid for bid in made.ledger.values("bid") if bid.status == "TAKEN"]
    chosen = [
        {"dealer": bid.dealer, "reference": bid.reference, "amount": bid.amount}
        for bid in bids
        if bid.rate_e4 is None or bid.rate_e4 <= cutoff_e4
    ]
    made.ok("sbp", "AUCTION_ALLOT", auction=id_, allotments=chosen)


def settle_day(made: Desk) -> None:
    made.open_day(SETTLEMENT_DAY)
    made.ok("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=1_600_000)


class TestRateAuction:
    """Bids of 9.10, 9.20 and 9.35 % and a client's without a rate; the cut-off is 9.20."""

    def opened(self) -> Desk:
        made = desk()
        assert define(made) == "OK"
        made.ok("sbp", "AUCTION_OPEN", id="g", series=SUKUK.id, target=300 * MILLION)
        return made

    def allotted(self) -> Desk:
        made = self.opened()
        for dealer, reference, amount, rate in (
            ("dealer-1", 1, 100, 91_000),
            ("dealer-2", 1, 50, 92_000),
            ("dealer-1", 2, 80, 93_500),
        ):
            bid = rate_bid(dealer, reference, amount, rate_e4=rate)
            assert made.send(dealer, bid).code == "OK"
        client = replace(
            rate_bid("sara", 7, 1), cash_account="sara/main", securities_account="sara/main"
        )
        assert made.send("dealer-1", client).code == "OK"
        close(made, 92_000, 150)
        return made

    def test_the_cut_off_becomes_the_rental_and_everybody_pays_par(self) -> None:
        made = self.allotted()
        assert made.ledger.get("series", SUKUK.id).coupon_e4 == 92_000
        settle_day(made)
        data = dict(made.ok("sbp", "AUCTION_SETTLE", auction="g").data)
        assert [data[f"bid.{n}"] for n in (1, 2, 4)] == [str(n * MILLION) for n in (100, 50, 1)]
        assert made.ledger.balance("dealer-2/main", SUKUK.id) == 50 * MILLION
        assert made.ledger.balance("sara/main", SUKUK.id) == MILLION

    def test_the_lowest_rates_win(self) -> None:
        """Whoever stated that the 9.35 % bid gets something is refused."""
        made = self.opened()
        made.send("dealer-1", rate_bid("dealer-1", 1, 100, rate_e4=91_000))
        made.send("dealer-2", rate_bid("dealer-2", 1, 100, rate_e4=93_500))
        bad = {"auction": "g", "cutoff_e4": 91_000}
        assert made.do("sbp", "AUCTION_CLOSE", **bad, amount=200 * MILLION).code == "E_PRICE"
        made.ok("sbp", "AUCTION_CLOSE", **bad, amount=100 * MILLION)
        wrong = [{"dealer": "dealer-2", "reference": 1, "amount": 100 * MILLION}]
        found = made.do("sbp", "AUCTION_ALLOT", auction="g", allotments=wrong)
        assert found.code == "E_ALLOT_MISMATCH"

    @pytest.mark.parametrize(
        "worth", [{"price_e4": 1_000_000}, {"rate_e4": 0}, {"rate_e4": 1, "price_e4": 1}]
    )
    def test_prices_are_no_rates(self, worth: dict[str, int]) -> None:
        assert self.opened().send("dealer-1", rate_bid("dealer-1", 1, 1, **worth)).code == "E_PRICE"

    def test_rates_are_no_prices(self) -> None:
        made = desk()
        assert define(made, coupon_e4=90_000) == "OK"
        made.ok("sbp", "AUCTION_OPEN", id="g", series=SUKUK.id, target=300 * MILLION)
        assert made.send("dealer-1", rate_bid("dealer-1", 1, 1, rate_e4=9)).code == "E_PRICE"

    def test_a_second_auction_by_rate_can_not_set_it_again(self) -> None:
        made = self.opened()
        made.ok("sbp", "AUCTION_OPEN", id="h", series=SUKUK.id, target=100 * MILLION)
        for id_ in ("g", "h"):
            bid = replace(rate_bid("dealer-1", 1, 50, rate_e4=91_000), auction=id_)
            assert made.send("dealer-1", bid).code == "OK"
            fields = {"auction": id_, "cutoff_e4": 91_000, "amount": 50 * MILLION}
            made.ok("sbp", "AUCTION_CLOSE", **fields)
        item = {"dealer": "dealer-1", "reference": 1, "amount": 50 * MILLION}
        made.ok("sbp", "AUCTION_ALLOT", auction="g", allotments=[item])
        assert made.do("sbp", "AUCTION_ALLOT", auction="h", allotments=[item]).code == "E_STATE"

    def test_the_report_ranks_by_rate(self) -> None:
        made = self.allotted()
        [report] = auction_reports(made.receipts)
        assert [row.bid_no for row in report.rows] == [1, 1, 2]
        assert [str(row.bid_yield_pct) for row in report.rows] == ["9.1000", "9.2000", "9.3500"]
        assert [row.outcome for row in report.rows] == ["ALLOTTED", "ALLOTTED", "REJECTED"]
        assert report.non_competitive == 1


def test_a_reopened_sukuk_is_sold_at_the_cut_off_price_to_all() -> None:
    """Multiple-price auctions charge each its own; here 101.50 and 101.00 both pay 101.00."""
    made = desk()
    assert define(made, issue_date=date(2020, 9, 4), maturity_date=date(2023, 9, 4),
                  coupon_e4=73_000) == "OK"  # fmt: skip
    made.ok("sbp", "AUCTION_OPEN", id="g", series=SUKUK.id, target=300 * MILLION)
    for dealer, price in (("dealer-1", 1_015_000), ("dealer-2", 1_010_000)):
        assert made.send(dealer, rate_bid(dealer, 1, 100, price_e4=price)).code == "OK"
    client = replace(
        rate_bid("sara", 7, 1), cash_account="sara/main", securities_account="sara/main"
    )
    made.send("dealer-1", client)
    close(made, 1_010_000, 200)
    settle_day(made)
    data = dict(made.ok("sbp", "AUCTION_SETTLE", auction="g").data)
    # 4 March 2021 is a rental date: nothing has accrued.
    assert [data[f"bid.{n}"] for n in (1, 2, 3)] == [
        str(101 * MILLION),
        str(101 * MILLION),
        str(101 * MILLION // 100),
    ]


def test_rentals_are_by_days() -> None:
    series = replace(SUKUK, coupon_e4=73_000)
    # 4 March to 4 September 2021 are 184 days, to 4 March 2022 another 181.
    assert sukuk.coupon_e4(series, 1) == Fraction(73_000 * 184, 365)
    assert sukuk.coupon_e4(series, 2) == Fraction(73_000 * 181, 365)
    assert sukuk.accrued_e4(series, date(2021, 3, 14)) == 2_000
