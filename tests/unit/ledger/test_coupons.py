"""Coupons: who held at the record date's close is paid, once, exactly, whatever happens between."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.ledger.genesis import OpeningBalance
from nodes.ledger.records import Account, Day
from nodes.ledger.schedule import schedule
from tests.unit.ledger.support import (
    COUPON_DAY,
    GENESIS,
    MILLION,
    PIB,
    RECORD_DAY,
    Desk,
    money,
    party,
)

UNIT = PIB.denomination
HALF_COUPON_E4 = PIB.coupon_e4 // 2
AFTER = date(2021, 8, 23)


def on(desk: Desk, day: date) -> None:
    """The business day ``day`` has been opened, and all before it."""
    desk.ledger._state.apply({("day",): Day(day)})


def funded(genesis: Any = GENESIS) -> Desk:
    desk = Desk(genesis)
    desk.ok("sbp", "CASH_MINT", account="mof/proceeds", amount=money(1_000 * MILLION))
    on(desk, RECORD_DAY)
    return desk


def cash(desk: Desk, account: str, partition: str = "free") -> int:
    return desk.ledger.balance(account, "PKR", partition)


def send(desk: Desk, source: str, target: str, amount: int) -> None:
    owner = source.split("/", maxsplit=1)[0]
    where = {"source": source, "target": target}
    desk.ok(owner, "TRANSFER", **where, amount=money(amount, "pib-51-3y"))


def declare(desk: Desk, number: int = 2) -> dict[str, str]:
    return dict(desk.ok("sbp", "COUPON_DECLARE", series="pib-51-3y", number=number).data)


def pay(desk: Desk, number: int = 2, **more: Any) -> dict[str, str]:
    return dict(desk.ok("sbp", "COUPON_PAY", series="pib-51-3y", number=number, **more).data)


def test_dates() -> None:
    """20 February 2021 is a Saturday: paid on Monday to who held on Friday."""
    first, second, *_, last = schedule(PIB, frozenset())
    assert (first.unadjusted, first.payment_date, first.record_date) == (
        date(2021, 2, 20),
        date(2021, 2, 22),
        date(2021, 2, 19),
    )
    assert (second.payment_date, second.record_date) == (COUPON_DAY, RECORD_DAY)
    assert (last.number, last.unadjusted) == (6, PIB.maturity_date)
    holiday = schedule(PIB, frozenset({COUPON_DAY}))[1]
    assert (holiday.payment_date, holiday.record_date) == (AFTER, RECORD_DAY)


def test_everybody_is_paid_and_the_issuer_pays_the_sum() -> None:
    desk = funded()
    send(desk, "exchange-a/main", "exchange-b/main", 30 * MILLION)
    on(desk, COUPON_DAY)
    before = {name: cash(desk, f"{name}/main") for name in ("exchange-a", "exchange-b", "dealer-1")}
    issuer = cash(desk, "mof/proceeds")
    declared = declare(desk)
    assert (declared["holders"], declared["total"]) == ("3", str(200 * MILLION * 35 // 1000))
    assert cash(desk, "mof/proceeds") == issuer, "declaring moves nothing"
    paid = pay(desk)
    assert (paid["paid"], paid["days_late"]) == (declared["total"], "0")
    for name, held in (("exchange-a", 70), ("exchange-b", 30), ("dealer-1", 100)):
        assert cash(desk, f"{name}/main") - before[name] == held * MILLION * 35 // 1000
    assert issuer - cash(desk, "mof/proceeds") == 200 * MILLION * 35 // 1000


def test_the_close_of_the_day_before_counts() -> None:
    """A sale on the payment day itself, before the declaration: the coupon is the seller's."""
    desk = funded()
    on(desk, COUPON_DAY)
    before = cash(desk, "exchange-a/main"), cash(desk, "exchange-b/main")
    send(desk, "exchange-a/main", "exchange-b/main", 100 * MILLION)
    send(desk, "exchange-b/main", "exchange-a/main", 20 * MILLION)
    declare(desk)
    send(desk, "exchange-b/main", "exchange-a/main", 10 * MILLION)
    pay(desk)
    assert cash(desk, "exchange-a/main") - before[0] == 100 * MILLION * 35 // 1000
    assert cash(desk, "exchange-b/main") == before[1]
    assert not desk.ledger.values("recorded"), "notes are gone when they have served"


def test_two_coupons_late_each_to_its_own_holders() -> None:
    """Nobody declared coupon 2; by the time of coupon 3 the bonds are elsewhere."""
    desk = funded()
    on(desk, COUPON_DAY)
    send(desk, "exchange-a/main", "exchange-b/main", 100 * MILLION)
    third = schedule(PIB, GENESIS.closed)[2]
    on(desk, third.payment_date)
    send(desk, "exchange-b/main", "dealer-2/main", 100 * MILLION)
    before = [cash(desk, f"{name}/main") for name in ("exchange-a", "exchange-b", "dealer-2")]
    assert desk.do("sbp", "COUPON_DECLARE", series="pib-51-3y", number=3).code == "E_NOT_DUE"
    declare(desk, 2)
    late = int(pay(desk, 2)["days_late"])
    assert late == 131, "20 August to 21 February, in weekdays"
    declare(desk, 3)
    assert pay(desk, 3)["days_late"] == "0"
    after = [cash(desk, f"{name}/main") for name in ("exchange-a", "exchange-b", "dealer-2")]
    one = 100 * MILLION * 35 // 1000
    assert [b - a for a, b in zip(before, after, strict=True)] == [one, one, 0]


def test_codes() -> None:
    desk = funded()
    for kind in ("COUPON_DECLARE", "COUPON_PAY"):
        for fields, code in (
            ({"series": "nothing", "number": 1}, "E_NOT_DUE"),
            ({"series": "mtb-364", "number": 1}, "E_NOT_DUE"),
            ({"series": "pib-51-3y", "number": 1}, "E_DUP"),
            ({"series": "pib-51-3y", "number": 2}, "E_NOT_DUE"),
            ({"series": "pib-51-3y", "number": 3}, "E_NOT_DUE"),
            ({"series": "pib-51-3y", "number": 7}, "E_NOT_DUE"),
        ):
            assert desk.do("sbp", kind, **fields).code == code, (kind, fields)
    on(desk, COUPON_DAY)
    coupon = {"series": "pib-51-3y", "number": 2}
    assert desk.do("sbp", "COUPON_PAY", **coupon).code == "E_NOT_DUE"
    declare(desk)
    assert desk.do("sbp", "COUPON_DECLARE", **coupon).code == "E_DUP"
    pay(desk)
    for kind in ("COUPON_DECLARE", "COUPON_PAY"):
        assert desk.do("sbp", kind, **coupon).code == "E_DUP", "nobody is paid twice"


def test_an_issuer_without_the_money_pays_nobody() -> None:
    desk = Desk()
    on(desk, COUPON_DAY)
    declare(desk)
    desk.ok("sbp", "CASH_MINT", account="mof/proceeds", amount=money(7 * MILLION - 1))
    before = desk.ledger.state_root
    assert desk.do("sbp", "COUPON_PAY", series="pib-51-3y", number=2).code == "E_FUNDS"
    assert desk.ledger.state_root == before
    desk.ok("sbp", "CASH_MINT", account="mof/proceeds", amount=money(1))
    assert pay(desk)["paid"] == str(7 * MILLION)


def crowd(holders: int, quantity: int = UNIT) -> Any:
    """Genesis with so many clients of dealer-1, each with a bond."""
    names = [f"c{number:05d}" for number in range(holders)]
    return replace(
        GENESIS,
        parties=(
            *GENESIS.parties,
            *(party(name, "investor", custodian="dealer-1") for name in names),
        ),
        accounts=(
            *GENESIS.accounts,
            *(Account(id=f"{name}/main", owner=name, custodian="dealer-1") for name in names),
        ),
        balances=(
            *GENESIS.balances,
            *(
                OpeningBalance(account=f"{name}/main", asset="pib-51-3y", amount=quantity)
                for name in names
            ),
        ),
    )


def test_page_by_page_nobody_is_left_out_or_paid_twice() -> None:
    """Pages of 7 over 22 holders, who trade among themselves between the pages."""
    desk = funded(crowd(20))
    on(desk, COUPON_DAY)
    total = int(declare(desk)["total"])
    issuer, paid, pages = cash(desk, "mof/proceeds"), 0, 0
    while True:
        results = pay(desk, limit=7)
        pages, paid = pages + 1, paid + int(results["paid"])
        assert issuer - cash(desk, "mof/proceeds") == paid
        if "days_late" in results:
            break
        send(desk, f"c{pages:05d}/main", f"c{19 - pages:05d}/main", UNIT)
        send(desk, "exchange-a/main", "exchange-b/main", 10 * MILLION)
    assert (pages, paid) == (4, total)
    half = UNIT * 35 // 1000
    assert [cash(desk, f"c{n:05d}/main") for n in range(20)] == [half] * 20
    assert not desk.ledger.values("recorded")
    assert desk.ledger.get("coupon", "pib-51-3y", "2").paid_on == COUPON_DAY
    assert desk.do("sbp", "COUPON_PAY", series="pib-51-3y", number=2, limit=1).code == "E_DUP"


def test_each_holder_is_rounded_once_half_up() -> None:
    """A coupon of 7.0001 % on one unit is 350,005 paisa; of 7.00005 it would be a tie."""
    series = replace(PIB, denomination=10_000_000, coupon_e4=70_001)
    genesis = replace(crowd(3), series=(series, *GENESIS.series[1:]))
    desk = funded(genesis)
    on(desk, COUPON_DAY)
    declare(desk)
    pay(desk)
    assert cash(desk, "c00001/main") == 350_005


def test_a_frozen_holding_earns_frozen_cash() -> None:
    """Two orders on 30 and 10 of 100: 40 % of the coupon is frozen, three quarters by the first."""
    desk = funded()
    start = cash(desk, "exchange-a/main")
    for who, order, amount in (("pvara", "x", 30), ("sbp", "y", 10)):
        where = {"account": "exchange-a/main", "order": order}
        desk.ok(who, "FREEZE", **where, amount=money(amount * MILLION, "pib-51-3y"))
    on(desk, COUPON_DAY)
    declare(desk)
    pay(desk)
    coupon = 100 * MILLION * 35 // 1000
    assert cash(desk, "exchange-a/main") - start == coupon * 60 // 100
    assert cash(desk, "exchange-a/main", "frozen") == coupon * 40 // 100
    back = {"account": "exchange-a/main", "order": "x"}
    assert desk.do("pvara", "UNFREEZE", **back, amount=money(coupon * 31 // 100)).code == "E_AMOUNT"
    desk.ok("pvara", "UNFREEZE", **back, amount=money(coupon * 30 // 100))


def test_a_holding_sold_since_has_nothing_to_freeze() -> None:
    """What is frozen now is more than what was held then: all of that coupon is frozen."""
    desk = funded()
    send(desk, "exchange-a/main", "exchange-b/main", 10 * MILLION)
    on(desk, COUPON_DAY)
    send(desk, "exchange-a/main", "exchange-b/main", 40 * MILLION)
    where = {"account": "exchange-b/main", "order": "z"}
    desk.ok("pvara", "FREEZE", **where, amount=money(50 * MILLION, "pib-51-3y"))
    declare(desk)
    pay(desk)
    assert cash(desk, "exchange-b/main", "frozen") == 10 * MILLION * 35 // 1000
    assert all(posting.delta for posting in desk.receipts[-1].postings), "nothing free: no posting"


def test_a_reserved_holding_is_a_holding() -> None:
    from tests.unit.ledger.samples import accept

    desk = funded()
    desk.send(*accept(desk)[:2])
    on(desk, COUPON_DAY)
    start = cash(desk, "exchange-a/main")
    declare(desk)
    pay(desk)
    assert cash(desk, "exchange-a/main") - start == 100 * MILLION * 35 // 1000


@pytest.mark.parametrize("issued", [date(2021, 2, 4), date(2021, 8, 20)])
def test_a_series_defined_later_owes_no_coupon_of_before(issued: date) -> None:
    desk = funded()
    on(desk, date(2021, 9, 1))
    desk.ok(
        "mof",
        "SERIES_DEFINE",
        "sbp",
        id="pib-5y",
        instrument="pib",
        issue_date=issued,
        maturity_date=date(issued.year + 5, issued.month, issued.day),
        denomination=UNIT,
        issuer_account="mof/proceeds",
        coupon_e4=75_000,
    )
    upcoming = desk.ledger.get("upcoming", "pib-5y")
    assert upcoming.number == (2 if issued.month == 2 else 1)
    # 4 February 2022 is a Friday; 20 February 2022 a Sunday, so paid on Monday to Friday's holders.
    assert upcoming.record_date == (date(2022, 2, 3) if issued.month == 2 else date(2022, 2, 18))


def test_a_paisa_that_orders_can_not_share_goes_to_the_oldest() -> None:
    """350,005 paisa on one unit held then; three orders keep three units frozen now."""
    series = replace(PIB, coupon_e4=70_001)
    desk = funded(replace(crowd(3), series=(series, *GENESIS.series[1:])))
    on(desk, COUPON_DAY)
    for giver in ("c00001", "c00002"):
        send(desk, f"{giver}/main", "c00000/main", UNIT)
    for order in ("x", "y", "z"):
        where = {"account": "c00000/main", "order": order}
        desk.ok("pvara", "FREEZE", **where, amount=money(UNIT, "pib-51-3y"))
    declare(desk)
    pay(desk)
    assert cash(desk, "c00000/main", "frozen") == 350_005
    orders = desk.ledger.get("freeze", "c00000/main", "PKR").orders
    assert [order.amount for order in orders] == [116_669, 116_668, 116_668]
