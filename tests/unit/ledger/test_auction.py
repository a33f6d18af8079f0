"""Auctions on the ledger, the real one first: equal to the State Bank's log in every column."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.ledger import bonds
from nodes.ledger.allotment import Offer, allot
from nodes.ledger.auction_report import CSV_COLUMNS, AuctionReport, Row, auction_reports
from nodes.ledger.genesis import Genesis, OpeningBalance
from nodes.ledger.pricing import CONTEXT, round_half_up, share_of_face
from nodes.ledger.records import Account
from tests.unit.ledger.samples import allot_auction, bid_body, close_auction, open_auction
from tests.unit.ledger.support import (
    AUCTION_DAY,
    GENESIS,
    MILLION,
    PIB,
    SETTLEMENT_DAY,
    Desk,
    csv_rows,
    money,
    party,
    with_policies,
)


def real_auction(target: int, accepted: int) -> tuple[Desk, AuctionReport]:
    """The 51st auction; targets in PKR million. Odd bids are dealer-1's, even ones dealer-2's."""
    desk = Desk()
    desk.open_day()
    desk.ok("sbp", "AUCTION_OPEN", id="a", series="pib-51-3y", target=target * MILLION)
    bids = []
    for row in csv_rows():
        number, price = int(row["bid_no"]), int(row["bid_price_per_100"].replace(".", ""))
        amount = int(Decimal(row["bid_amount_pkr_m"]) * MILLION)
        dealer = f"dealer-{2 - number % 2}"
        assert desk.send(dealer, bid_body(dealer, number, amount, price)).code == "OK"
        bids.append(Offer(number, number, amount, price))
    desk.ok("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=949_435, amount=accepted * MILLION)
    shares = allot(bids, 949_435, accepted * MILLION)
    stated = [
        {"dealer": f"dealer-{2 - number % 2}", "reference": number, "amount": share}
        for number, share in shares.items()
    ]
    desk.ok("sbp", "AUCTION_ALLOT", auction="a", allotments=stated)
    desk.open_day(SETTLEMENT_DAY)
    desk.ok("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=1_570_000)
    desk.ok("sbp", "AUCTION_SETTLE", auction="a")
    [report] = auction_reports(desk.receipts)
    return desk, report


def test_all_columns_of_the_real_auction() -> None:
    desk, report = real_auction(40_000, 11_601)
    rows = csv_rows()
    assert Row.__struct_fields__[:CSV_COLUMNS] == tuple(rows[0])
    for row, published in zip(report.rows, rows, strict=True):
        for column, value in published.items():
            assert str(getattr(row, column)) == value, (row.bid_no, column)
    assert report.status == "SETTLED"
    assert (report.settled, report.unsold) == (11_601 * MILLION, 0)
    assert report.paid == sum(row.paid for row in report.rows)
    assert desk.ledger.balance("mof/proceeds", "PKR") == report.paid


def test_each_holder_pays_once_rounded_half_up() -> None:
    _, report = real_auction(40_000, 11_601)
    accrued_e4 = bonds.accrued_e4(PIB, SETTLEMENT_DAY)
    for row in report.rows:
        price_e4 = int(row.bid_price_per_100.scaleb(4))
        assert row.paid == round_half_up(share_of_face(row.allotted, price_e4 + accrued_e4))
    # Bid 1 by hand: 1,000,000 x (0.956713 + 0.035 x 12/181) = 959,033.4420 rupees.
    assert report.rows[0].paid == 95_903_344


def test_the_tied_cut_off() -> None:
    """Target 10,130: bids 13 and 14 get 800 and 200, and 29 million stay unsold."""
    desk, report = real_auction(10_130, 10_130)
    assert [row.allotted // MILLION for row in report.rows[12:]] == [800, 200]
    assert report.unsold == 29 * MILLION
    assert report.settled == 10_101 * MILLION
    for row, published in zip(report.rows, csv_rows(), strict=True):
        for column, value in published.items():
            assert str(getattr(row, column)) == value
    issued = desk.ledger.get("supply", "pib-51-3y").issued
    assert issued == (200 + 10_101) * MILLION


@pytest.mark.parametrize(
    ("number", "by"), [(13, 50 * MILLION), (13, -50 * MILLION), (1, 10_000_000), (14, 1)]
)
def test_a_wrong_allotment_is_refused(number: int, by: int) -> None:
    """Also when it is a single paisa off."""
    desk = Desk()
    desk.send(*close_auction(desk)[:2])
    right = {"dealer": "dealer-1", "reference": 1, "amount": 100 * MILLION}
    before = desk.ledger.state_root
    for wrong in (
        [],
        [right | {"amount": right["amount"] + by}],  # type: ignore[operator]
        [right, right],
        [right | {"dealer": "dealer-2"}],
        [right | {"reference": number + 1}],
        [right, {"dealer": "dealer-2", "reference": number, "amount": abs(by)}],
    ):
        receipt = desk.do("sbp", "AUCTION_ALLOT", auction="a", allotments=wrong)
        assert receipt.code == "E_ALLOT_MISMATCH"
    assert desk.ledger.state_root == before
    desk.ok("sbp", "AUCTION_ALLOT", auction="a", allotments=[right])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OK"),
        ({"series": "nothing"}, "E_TERMS"),
        ({"target": MILLION + 1}, "E_DENOM"),
    ],
)
def test_open(changes: dict[str, Any], code: str) -> None:
    fields = {"id": "a", "series": "pib-51-3y", "target": 100 * MILLION} | changes
    desk = Desk()
    assert desk.do("sbp", "AUCTION_OPEN", **fields).code in ("E_DATE", "E_TERMS"), "no day yet"
    desk.open_day()
    assert desk.do("sbp", "AUCTION_OPEN", **fields).code == code
    if code == "OK":
        assert desk.ledger.get("auction", "a").settlement_date == SETTLEMENT_DAY
        assert desk.do("sbp", "AUCTION_OPEN", **fields).code == "E_DUP"


def test_no_auction_that_settles_after_maturity() -> None:
    matured = replace(PIB, issue_date=date(2018, 3, 4), maturity_date=date(2021, 3, 4))
    desk = Desk(replace(GENESIS, series=(matured,)))
    desk.open_day()
    receipt = desk.do("sbp", "AUCTION_OPEN", id="a", series="pib-51-3y", target=MILLION)
    assert receipt.code == "E_TERMS"


def opened(**more: Any) -> Desk:
    desk = Desk()
    desk.open_day()
    fields = {"id": "a", "series": "pib-51-3y", "target": 1_000 * MILLION}
    desk.ok("sbp", "AUCTION_OPEN", **(fields | more))
    return desk


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OK"),
        ({"auction": "b"}, "E_STATE"),
        ({"amount": MILLION + 1}, "E_DENOM"),
        ({"price_e4": 0}, "E_PRICE"),
        ({"price_e4": 10**9}, "E_PRICE"),
        ({"cash_account": "dealer-2/main"}, "E_ROLE"),
        ({"cash_account": "dealer-2/main", "securities_account": "dealer-2/main"}, "E_ROLE"),
        ({"cash_account": "nowhere"}, "E_UNVERIFIED"),
    ],
)
def test_bid(changes: dict[str, Any], code: str) -> None:
    desk = opened()
    body = replace(bid_body("dealer-1", 1, 5 * MILLION, 950_000), **changes)
    assert desk.send("dealer-1", body).code == code
    if code == "OK":
        assert desk.send("dealer-1", body).code == "E_DUP"
        assert desk.send("dealer-2", bid_body("dealer-2", 1, MILLION, 1_100_000)).code == "OK"


def test_late_bids() -> None:
    good = bid_body("dealer-1", 1, MILLION, 950_000)
    desk = opened(closes_at_us=10_000)
    first = desk.request("dealer-1", good)
    assert desk.block(first, after_us=10_000 - desk.time_us).receipts[0].code == "OK"
    assert desk.send("dealer-1", replace(good, reference=2)).code == "E_LATE", "past its time"
    desk = opened()
    desk.ok("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=0, amount=0)
    assert desk.send("dealer-1", good).code == "E_LATE", "closed"
    desk = opened()
    desk.open_day(SETTLEMENT_DAY)
    assert desk.send("dealer-1", good).code == "E_LATE", "another day"


@pytest.mark.parametrize(
    ("cutoff_e4", "millions", "code"),
    [
        (950_000, 300, "OK"),
        (950_000, 250, "OK"),
        (951_000, 100, "OK"),
        (0, 0, "OK"),
        (950_000, 99, "E_PRICE"),  # the better bid alone exceeds it
        (950_000, 301, "E_PRICE"),  # more than was bid
        (951_000, 101, "E_PRICE"),
        (950_000, 1_001, "E_CAP"),
        (950_000, Decimal("250.05"), "E_DENOM"),
    ],
)
def test_close(cutoff_e4: int, millions: Any, code: str) -> None:
    desk = opened()
    desk.send("dealer-1", bid_body("dealer-1", 1, 100 * MILLION, 951_000))
    desk.send("dealer-2", bid_body("dealer-2", 1, 200 * MILLION, 950_000))
    amount = int(millions * MILLION)
    fields = {"auction": "a", "cutoff_e4": cutoff_e4, "amount": amount}
    assert desk.do("sbp", "AUCTION_CLOSE", **fields).code == code
    if code == "OK":
        assert desk.do("sbp", "AUCTION_CLOSE", **fields).code == "E_STATE"


def test_a_rejected_auction_ends_with_nothing_sold() -> None:
    desk = opened()
    desk.send("dealer-1", bid_body("dealer-1", 1, 100 * MILLION, 951_000))
    desk.ok("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=0, amount=0)
    desk.ok("sbp", "AUCTION_ALLOT", auction="a", allotments=[])
    desk.open_day(SETTLEMENT_DAY)
    desk.ok("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=1_570_000)
    assert desk.ok("sbp", "AUCTION_SETTLE", auction="a").postings == ()
    [report] = auction_reports(desk.receipts)
    assert [row.outcome for row in report.rows] == ["REJECTED"]


def test_order_of_the_steps() -> None:
    desk = opened()
    for kind in ("AUCTION_ALLOT", "AUCTION_SETTLE"):
        more: dict[str, Any] = {"allotments": []} if kind == "AUCTION_ALLOT" else {}
        assert desk.do("sbp", kind, auction="a", **more).code == "E_STATE"
        assert desk.do("sbp", kind, auction="b", **more).code == "E_STATE"


def settled(genesis: Genesis = GENESIS, rate_e4: int | None = 1_570_000) -> Desk:
    """An auction in which dealer-1 got 100 million, on its settlement day, unsettled."""
    desk = Desk(genesis)
    desk.send(*allot_auction(desk)[:2])
    desk.open_day(SETTLEMENT_DAY)
    if rate_e4 is not None:
        desk.ok("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=rate_e4)
    return desk


def test_settles_on_its_day_and_once() -> None:
    desk = Desk()
    desk.send(*allot_auction(desk)[:2])
    assert desk.do("sbp", "AUCTION_SETTLE", auction="a").code == "E_DATE"
    desk = settled()
    desk.ok("sbp", "AUCTION_SETTLE", auction="a")
    assert desk.do("sbp", "AUCTION_SETTLE", auction="a").code == "E_STATE"


def test_a_late_settlement_keeps_its_terms() -> None:
    """If the day passes without it, the contracted amount is paid later, and no more."""
    on_time = settled()
    paid = dict(on_time.ok("sbp", "AUCTION_SETTLE", auction="a").data)["paid"]
    late = settled()
    late.open_day(date(2021, 3, 5))
    assert dict(late.ok("sbp", "AUCTION_SETTLE", auction="a").data)["paid"] == paid


def test_a_defaulters_allotment_lapses() -> None:
    """Atomic per bid: the one without cash gets nothing and pays nothing, the other settles."""
    desk = opened()
    for dealer in ("dealer-1", "dealer-2"):
        assert desk.send(dealer, bid_body(dealer, 1, 100 * MILLION, 950_000)).code == "OK"
    desk.ok("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=950_000, amount=200 * MILLION)
    both = [
        {"dealer": dealer, "reference": 1, "amount": 100 * MILLION}
        for dealer in ("dealer-1", "dealer-2")
    ]
    desk.ok("sbp", "AUCTION_ALLOT", auction="a", allotments=both)
    gone = {"source": "dealer-1/main", "target": "sbp/main", "amount": money(20_000 * MILLION)}
    desk.ok("dealer-1", "TRANSFER", **gone)
    desk.open_day(SETTLEMENT_DAY)
    desk.ok("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=1_570_000)
    before = desk.ledger.balance("dealer-1/main", "pib-51-3y")
    receipt = desk.ok("sbp", "AUCTION_SETTLE", auction="a")
    assert receipt.minted == (("pib-51-3y", 100 * MILLION),)
    assert desk.ledger.balance("dealer-1/main", "pib-51-3y") == before
    [report] = auction_reports(desk.receipts)
    assert [(row.outcome, row.paid > 0) for row in report.rows] == [
        ("LAPSED", False),
        ("SETTLED", True),
    ]


def test_programme_cap() -> None:
    """100 million rupees at 157.0000 are USD 636,942.68 (rounded up), beside 1,250,000 before."""
    before, more = 125_000_000, 63_694_268
    room = settled(with_policies(programme_cap_cents=before + more))
    room.ok("sbp", "AUCTION_SETTLE", auction="a")
    assert room.ledger.get("programme").locked_cents == before + more
    full = settled(with_policies(programme_cap_cents=before + more - 1))
    state = full.ledger.state_root
    receipt = full.do("sbp", "AUCTION_SETTLE", auction="a")
    assert (receipt.code, receipt.postings) == ("E_CAP", ())
    assert full.ledger.state_root == state


@pytest.mark.parametrize(("max_age", "code"), [(0, "E_FX_STALE"), (1, "E_FX_STALE"), (2, "OK")])
def test_stale_rates_stop_minting(max_age: int, code: str) -> None:
    """The last fix is of 2 March, settlement on 4 March."""
    desk = settled(with_policies(fx_max_age_business_days=max_age), rate_e4=None)
    assert desk.do("sbp", "AUCTION_SETTLE", auction="a").code == code


# Non-competitive bids

NCB = replace(
    GENESIS,
    parties=(*GENESIS.parties, party("bank", "dealer", custodian="dealer-1")),
    accounts=(*GENESIS.accounts, Account(id="bank/main", owner="bank", custodian="dealer-1")),
    balances=(
        *GENESIS.balances,
        OpeningBalance(account="bank/main", asset="PKR", amount=MILLION),
    ),
)


def non_competitive(investor: str, reference: int, millions: int) -> Any:
    accounts = {"cash_account": f"{investor}/main", "securities_account": f"{investor}/main"}
    return bid_body("dealer-1", reference, millions * MILLION, None, **accounts)


@pytest.mark.parametrize(
    ("target", "investor", "millions", "code"),
    [
        (1_000, "sara", 25, "OK"),  # the floor
        (1_000, "sara", 26, "E_NCB_CAP"),
        (10_000, "sara", 50, "OK"),  # half a percent
        (10_000, "sara", 51, "E_NCB_CAP"),
        (200_000, "sara", 500, "OK"),  # the limit
        (200_000, "sara", 501, "E_NCB_CAP"),
        (1_000, "bank", 1, "E_ROLE"),  # banks may not
        (1_000, "dealer-1", 1, "E_ROLE"),
        (1_000, "ali", 1, "E_ROLE"),  # another's client
    ],
)
def test_ceiling(target: int, investor: str, millions: int, code: str) -> None:
    desk = Desk(NCB)
    desk.open_day()
    desk.ok("sbp", "AUCTION_OPEN", id="a", series="pib-51-3y", target=target * MILLION)
    assert desk.send("dealer-1", non_competitive(investor, 9, millions)).code == code


def close_with_one_competitive(desk: Desk) -> list[dict[str, Any]]:
    desk.send("dealer-1", bid_body("dealer-1", 1, 100 * MILLION, 952_000))
    desk.send("dealer-2", bid_body("dealer-2", 1, 300 * MILLION, 948_000))
    desk.ok("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=948_000, amount=400 * MILLION)
    return [
        {"dealer": "dealer-1", "reference": 1, "amount": 100 * MILLION},
        {"dealer": "dealer-2", "reference": 1, "amount": 300 * MILLION},
    ]


def test_they_pay_the_price_of_the_weighted_average_yield() -> None:
    desk = opened()
    assert desk.send("dealer-1", non_competitive("sara", 2, 20)).code == "OK"
    allotments = close_with_one_competitive(desk)
    allotments.append({"dealer": "dealer-1", "reference": 2, "amount": 20 * MILLION})
    desk.ok("sbp", "AUCTION_ALLOT", auction="a", allotments=allotments)
    with localcontext(CONTEXT):
        yields = [bonds.yield_of(PIB, SETTLEMENT_DAY, Decimal(p)) for p in ("95.2", "94.8")]
        average = (yields[0] * 100 + yields[1] * 300) / 400
    price = bonds.clean_price(PIB, SETTLEMENT_DAY, average).quantize(Decimal("0.0001"))
    assert desk.ledger.get("auction", "a").ncb_price_e4 == int(price.scaleb(4))
    assert 948_000 < int(price.scaleb(4)) < 952_000
    desk.open_day(SETTLEMENT_DAY)
    desk.ok("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=1_570_000)
    desk.ok("sbp", "AUCTION_SETTLE", auction="a")
    assert desk.ledger.balance("sara/main", "pib-51-3y") == 20 * MILLION
    accrued_e4 = bonds.accrued_e4(PIB, SETTLEMENT_DAY)
    cost = round_half_up(share_of_face(20 * MILLION, int(price.scaleb(4)) + accrued_e4))
    assert desk.ledger.balance("sara/main", "PKR") == 1_000 * MILLION - cost


@pytest.mark.parametrize("how_many", [2, 3])
def test_a_second_one_of_an_investor_voids_all(how_many: int) -> None:
    desk = opened()
    for reference in range(2, 2 + how_many):
        assert desk.send("dealer-1", non_competitive("sara", reference, 1)).code == "OK"
    allotments = close_with_one_competitive(desk)
    desk.ok("sbp", "AUCTION_ALLOT", auction="a", allotments=allotments)
    assert desk.ledger.get("auction", "a").ncb_price_e4 == 0


def test_bills_are_auctioned_too() -> None:
    """No coupon, no accrued interest; ties of half a paisa go up."""
    desk = Desk()
    desk.open_day()
    desk.ok("sbp", "AUCTION_OPEN", id="a", series="mtb-364", target=500_000)
    body = bid_body("dealer-1", 1, 500_000, 956_713)
    assert desk.send("dealer-1", body).code == "OK"
    desk.ok("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=956_713, amount=500_000)
    one = {"dealer": "dealer-1", "reference": 1, "amount": 500_000}
    desk.ok("sbp", "AUCTION_ALLOT", auction="a", allotments=[one])
    desk.open_day(SETTLEMENT_DAY)
    desk.ok("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=1_570_000)
    desk.ok("sbp", "AUCTION_SETTLE", auction="a")
    assert desk.ledger.balance("mof/proceeds", "PKR") == 478_357
    assert desk.ledger.balance("dealer-1/main", "mtb-364") == 500_000


def test_report_of_an_auction_under_way() -> None:
    desk = Desk()
    desk.send(*open_auction(desk)[:2])
    [report] = auction_reports(desk.receipts)
    assert (report.status, report.rows, report.paid) == ("OPEN", (), 0)
    assert report.settlement_date > AUCTION_DAY


def test_where_pro_rata_rounds_everything_away_nobody_gets_anything() -> None:
    """Two bids of PKR 100 million share 20: each share rounds to 0, and no yield has a weight."""
    desk = opened()
    for dealer in ("dealer-1", "dealer-2"):
        assert desk.send(dealer, bid_body(dealer, 7, 100 * MILLION, 950_000)).code == "OK"
    assert desk.send("dealer-1", non_competitive("sara", 8, 20)).code == "OK"
    desk.ok("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=950_000, amount=20 * MILLION)
    item = {"dealer": "dealer-1", "reference": 8, "amount": 20 * MILLION}
    wrong = desk.do("sbp", "AUCTION_ALLOT", auction="a", allotments=[item])
    assert wrong.code == "E_ALLOT_MISMATCH"
    data = dict(desk.ok("sbp", "AUCTION_ALLOT", auction="a", allotments=[]).data)
    assert (data["unsold"], data["ncb_price_e4"]) == (str(20 * MILLION), "0")
