"""Redemption: face value at maturity, nothing outstanding afterwards, the programme released."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec.structs import replace

from nodes.ledger.genesis import OpeningBalance
from nodes.ledger.records import Day
from tests.unit.ledger.samples import dvp_body
from tests.unit.ledger.support import BILL, GENESIS, MILLION, PIB, Desk, money

RATE_E4 = 1_600_000
BILLS = replace(
    GENESIS,
    balances=(
        *GENESIS.balances,
        OpeningBalance(
            account="exchange-a/main", asset="mtb-364", amount=30 * MILLION, fx_rate_e4=RATE_E4
        ),
        OpeningBalance(
            account="dealer-1/main", asset="mtb-364", amount=20 * MILLION, fx_rate_e4=2 * RATE_E4
        ),
    ),
)


def on(desk: Desk, day: date) -> None:
    desk.ledger._state.apply({("day",): Day(day)})


def mature(amount: int = 50 * MILLION) -> Desk:
    desk = Desk(BILLS)
    if amount:
        desk.ok("sbp", "CASH_MINT", account="mof/proceeds", amount=money(amount))
    on(desk, BILL.maturity_date)
    return desk


def cents(desk: Desk) -> int:
    return int(desk.ledger.get("programme").locked_cents)


def redeem(desk: Desk, **more: Any) -> dict[str, str]:
    return dict(desk.ok("sbp", "REDEEM", series="mtb-364", **more).data)


def test_face_value_and_no_supply_left() -> None:
    desk = mature()
    before = desk.ledger.balance("exchange-a/main", "PKR")
    assert redeem(desk)["days_late"] == "0"
    assert desk.ledger.balance("exchange-a/main", "PKR") - before == 30 * MILLION
    assert desk.ledger.balance("mof/proceeds", "PKR") == 0
    supply = desk.ledger.get("supply", "mtb-364")
    assert supply.issued == supply.redeemed == 50 * MILLION
    assert desk.do("sbp", "REDEEM", series="mtb-364").code == "E_DUP"


def test_codes() -> None:
    desk = mature(0)
    assert desk.do("sbp", "REDEEM", series="nothing").code == "E_NOT_MATURE"
    assert desk.do("sbp", "REDEEM", series="pib-51-3y").code == "E_NOT_MATURE"
    assert desk.do("sbp", "REDEEM", series="mtb-364").code == "E_FUNDS"
    on(desk, PIB.maturity_date)
    assert desk.do("sbp", "REDEEM", series="pib-51-3y").code == "E_NOT_MATURE", "a Sunday"
    on(desk, date(2023, 8, 21))
    assert desk.do("sbp", "REDEEM", series="pib-51-3y").code == "E_NOT_DUE", "coupons first"


def test_the_last_coupon_and_the_face() -> None:
    desk = Desk()
    desk.ok("sbp", "CASH_MINT", account="mof/proceeds", amount=money(500 * MILLION))
    on(desk, date(2023, 8, 22))
    for number in range(2, 7):
        desk.ok("sbp", "COUPON_DECLARE", series="pib-51-3y", number=number)
        desk.ok("sbp", "COUPON_PAY", series="pib-51-3y", number=number)
    assert desk.do("sbp", "COUPON_DECLARE", series="pib-51-3y", number=6).code == "E_DUP"
    receipt = desk.ok("sbp", "REDEEM", series="pib-51-3y")
    assert dict(receipt.data)["days_late"] == "1"
    assert dict(receipt.minted) == {"pib-51-3y": -200 * MILLION}
    assert cents(desk) == 0


def test_each_holding_releases_its_own_weighted_average() -> None:
    """exchange-a's 30 million at 160, dealer-1's 20 million at 320 and what it was sold at 160."""
    desk = mature()
    own = 30 * MILLION * 10_000 // RATE_E4
    others = 20 * MILLION * 10_000 // (2 * RATE_E4)
    before = cents(desk)
    sale = {"source": "exchange-a/main", "target": "dealer-1/main"}
    desk.ok("exchange-a", "TRANSFER", **sale, amount=money(15 * MILLION, "mtb-364"))
    assert desk.ledger.get("balance", "dealer-1/main", "mtb-364").locked_cents == others + own // 2
    assert cents(desk) == before
    results = redeem(desk, limit=1)
    assert (results["paid"], "days_late" in results) == (str(35 * MILLION), False)
    assert before - cents(desk) == others + own // 2
    redeem(desk, limit=1)
    assert before - cents(desk) == others + own


def test_rounding_loses_no_cent() -> None:
    """Seven moves of an odd share: the sum of what holdings take stays what it was."""
    desk = mature()
    before = cents(desk)
    for _ in range(7):
        sale = {"source": "exchange-a/main", "target": "exchange-b/main"}
        desk.ok("exchange-a", "TRANSFER", **sale, amount=money(500_000, "mtb-364"))
    assert cents(desk) == before, "the audit adds up the holdings"
    redeem(desk)
    locked = sum(b.locked_cents for b in desk.ledger.values("balance"))
    assert cents(desk) == locked


def test_live_instructions_are_cancelled_first() -> None:
    desk = mature()

    def leg(source: str, target: str, amount: int, asset: str) -> dict[str, Any]:
        return {
            "source": f"{source}/main",
            "target": f"{target}/main",
            "amount": money(amount, asset),
        }

    for id_ in ("one", "two"):
        delivery = leg("exchange-a", "exchange-b", 10 * MILLION, "mtb-364")
        body = dvp_body(id=id_, delivery=delivery)
        assert desk.send("exchange-a", body).code == "OK"
    desk.ok("exchange-b", "DVP_ACCEPT", id="two")
    receipt = desk.ok("sbp", "REDEEM", series="mtb-364")
    assert [value for name, value in receipt.data if name == "dvp"] == ["one", "two"]
    assert desk.ledger.balance("exchange-b/main", "PKR", "reserved") == 0
    assert desk.do("exchange-a", "DVP_SETTLE", id="two").code == "E_STATE"


def test_instructions_of_the_same_block_too() -> None:
    """Accepted, and redeemed, in one block: lists see what the block itself has done."""
    desk = mature()
    delivery = {
        "source": "exchange-a/main",
        "target": "exchange-b/main",
        "amount": money(10 * MILLION, "mtb-364"),
    }
    from nodes.ledger.transactions import body_of

    sale = {"source": "dealer-1/main", "target": "dealer-2/main"}
    requests = [
        desk.request("exchange-a", dvp_body(delivery=delivery)),
        desk.request("exchange-b", body_of("DVP_ACCEPT", {"id": "d"})),
        desk.request(
            "dealer-1", body_of("TRANSFER", sale | {"amount": money(20 * MILLION, "mtb-364")})
        ),
        desk.request("sbp", body_of("REDEEM", {"series": "mtb-364"})),
    ]
    outcome = desk.block(*requests)
    assert [receipt.code for receipt in outcome.receipts] == ["OK"] * 4
    assert desk.ledger.balance("dealer-2/main", "PKR") == 20_020 * MILLION


def test_frozen_holdings_become_frozen_cash_under_their_orders() -> None:
    desk = mature()
    where = {"account": "exchange-a/main", "order": "x"}
    desk.ok("pvara", "FREEZE", **where, amount=money(10 * MILLION, "mtb-364"))
    redeem(desk)
    assert desk.ledger.balance("exchange-a/main", "PKR", "frozen") == 10 * MILLION
    assert desk.ledger.balance("exchange-a/main", "mtb-364", "frozen") == 0
    desk.ok("pvara", "UNFREEZE", **where, amount=money(10 * MILLION))
