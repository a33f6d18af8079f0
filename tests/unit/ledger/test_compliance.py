"""Compliance modules of a series: country, claims, ceilings, windows, approvals, supply."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.ledger.genesis import Genesis
from nodes.ledger.records import Account, Rules
from tests.unit.ledger.samples import dvp_body, settle_auction
from tests.unit.ledger.support import (
    AUCTION_DAY,
    BILL,
    GENESIS,
    MILLION,
    PIB,
    SETTLEMENT_DAY,
    Desk,
    money,
)


def ruled(**rules: Any) -> Genesis:
    """The genesis whose bond has these modules; dealer-2 is from Dubai and has two accounts."""
    parties = tuple(replace(p, country="AE") if p.id == "dealer-2" else p for p in GENESIS.parties)
    second = Account(id="dealer-2/second", owner="dealer-2")
    return replace(
        GENESIS,
        parties=parties,
        accounts=(*GENESIS.accounts, second),
        series=(replace(PIB, rules=Rules(**rules)), BILL),
    )


def send(desk: Desk, amount: int, target: str = "dealer-2/main", source: str = "dealer-1") -> str:
    where = {"source": f"{source}/main", "target": target}
    return desk.do(source, "TRANSFER", **where, amount=money(amount * MILLION, PIB.id)).code


def test_country() -> None:
    desk = Desk(ruled(countries=("PK",)))
    assert send(desk, 10) == "E_COUNTRY"
    assert send(desk, 10, "exchange-b/main") == "OK"
    pay = {"source": "dealer-1/main", "target": "dealer-2/main", "amount": money(5)}
    assert desk.do("dealer-1", "TRANSFER", **pay).code == "OK", "cash has no modules"


def test_claims_of_holders() -> None:
    desk = Desk(ruled(topics=("accredited",)))
    assert send(desk, 10) == "E_TOPIC"
    desk.ok("exchange-a", "CLAIM_ADD", subject="dealer-2", topic="accredited")
    assert send(desk, 10) == "OK"


def test_most_per_identity_over_all_its_accounts() -> None:
    desk = Desk(ruled(max_balance=30 * MILLION))
    assert send(desk, 20) == "OK"
    assert send(desk, 20, "dealer-2/second") == "E_MAXBAL"
    assert send(desk, 10, "dealer-2/second") == "OK"
    assert send(desk, 10, "dealer-2/second") == "E_MAXBAL"
    inside = {"source": "dealer-2/main", "target": "dealer-2/second"}
    moved = desk.do("dealer-2", "TRANSFER", **inside, amount=money(20 * MILLION, PIB.id))
    assert moved.code == "OK", "nobody holds more when an identity moves its own"
    desk.ok("dealer-2", "ACCOUNT_OPEN", id="dealer-2/third", owner="dealer-2")
    assert send(desk, 10, "dealer-2/third") == "E_MAXBAL", "a new account is seen at once"


def test_frozen_and_reserved_count_as_held() -> None:
    desk = Desk(ruled(max_balance=30 * MILLION))
    assert send(desk, 20) == "OK"
    frozen = {"account": "dealer-2/main", "order": "x", "amount": money(20 * MILLION, PIB.id)}
    desk.ok("pvara", "FREEZE", **frozen)
    assert send(desk, 20) == "E_MAXBAL"


def test_windows() -> None:
    desk = Desk(ruled(window_days=2, window_limit=30 * MILLION))
    assert send(desk, 10) == "E_WINDOW", "no business date yet"
    desk.open_day(AUCTION_DAY)
    assert [send(desk, 20), send(desk, 20), send(desk, 10)] == ["OK", "E_WINDOW", "OK"]
    desk.open_day(SETTLEMENT_DAY)
    assert send(desk, 10) == "E_WINDOW"
    desk.open_day(date(2021, 3, 5))
    assert send(desk, 30) == "OK", "a new window"
    assert send(desk, 10, source="exchange-a") == "OK", "each holder has its own"


def test_an_approval_is_consumed_once() -> None:
    desk = Desk(ruled(approval=True))
    claim: dict[str, Any] = {"subject": "dealer-1", "topic": "approval", "scope": PIB.id}
    assert send(desk, 10) == "E_TOPIC"
    desk.ok("pvara", "CLAIM_ADD", **claim, amount=20 * MILLION)
    assert send(desk, 30) == "E_TOPIC"
    assert send(desk, 200) == "E_FREE_BAL", "cover comes first"
    assert send(desk, 20) == "OK"
    assert send(desk, 10) == "E_TOPIC"
    other = claim | {"scope": "mtb-364"}
    desk.ok("pvara", "CLAIM_ADD", **other, amount=20 * MILLION)
    assert send(desk, 10) == "E_TOPIC", "for another series"


def leg(source: str, target: str, amount: int, asset: str) -> dict[str, Any]:
    return {"source": f"{source}/main", "target": f"{target}/main", "amount": money(amount, asset)}


def instruct(desk: Desk, id_: str, amount: int) -> str:
    body = dvp_body(
        id=id_,
        counterparty="dealer-2",
        delivery=leg("dealer-1", "dealer-2", amount * MILLION, PIB.id),
        payment=leg("dealer-2", "dealer-1", MILLION, "PKR"),
    )
    assert desk.send("dealer-1", body).code == "OK"
    return desk.do("dealer-2", "DVP_ACCEPT", id=id_).code


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"countries": ("PK",)}, "E_COUNTRY"),
        ({"topics": ("accredited",)}, "E_TOPIC"),
        ({"max_balance": 10 * MILLION}, "E_MAXBAL"),
        ({"approval": True}, "E_TOPIC"),
        ({"window_days": 1, "window_limit": 10 * MILLION}, "E_WINDOW"),
        ({"max_balance": 20 * MILLION}, "OK"),
    ],
)
def test_a_settlement_is_no_way_round(rules: dict[str, Any], code: str) -> None:
    desk = Desk(ruled(**rules))
    desk.open_day(AUCTION_DAY)
    assert instruct(desk, "a", 20) == code


def test_what_changed_since_accepting_counts_at_settlement() -> None:
    desk = Desk(ruled(max_balance=30 * MILLION, approval=True))
    claim = {"subject": "dealer-1", "topic": "approval", "scope": PIB.id}
    desk.ok("pvara", "CLAIM_ADD", **claim, amount=30 * MILLION)
    assert [instruct(desk, "a", 20), instruct(desk, "b", 20)] == ["OK", "OK"]
    assert desk.do("dealer-1", "DVP_SETTLE", id="a").code == "OK"
    assert desk.do("dealer-1", "DVP_SETTLE", id="b").code == "E_MAXBAL"
    sale = {"source": "dealer-2/main", "target": "exchange-b/main"}
    desk.ok("pvara", "CLAIM_ADD", **(claim | {"subject": "dealer-2"}), amount=30 * MILLION)
    desk.ok("dealer-2", "TRANSFER", **sale, amount=money(20 * MILLION, PIB.id))
    assert desk.do("dealer-1", "DVP_SETTLE", id="b").code == "E_TOPIC", "the approval is used"
    desk.ok("pvara", "CLAIM_ADD", **claim, amount=30 * MILLION)
    assert desk.do("dealer-1", "DVP_SETTLE", id="b").code == "OK"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"countries": ("AE",)}, "E_COUNTRY"),
        ({"supply_limit": 290 * MILLION}, "E_CAP"),
        ({"max_balance": 190 * MILLION}, "E_MAXBAL"),
    ],
)
def test_an_allotment_that_a_module_forbids_lapses(rules: dict[str, Any], code: str) -> None:
    desk = Desk(ruled(**rules))
    sender, body, _ = settle_auction(desk)
    receipt = desk.send(sender, body)
    assert (receipt.code, dict(receipt.data)["bid.1"]) == ("OK", code)
    assert not receipt.minted


class TestForcedTransfer:
    ORDER = {"source": "ali/main", "target": "sbp/main"}  # noqa: RUF012

    def take(self, desk: Desk, amount: int, order: str = "court 1", **more: str) -> Any:
        where = self.ORDER | more | {"order": order}
        return desk.do("pvara", "FORCED_TRANSFER", "sbp", **where, amount=money(amount))

    def frozen(self) -> Desk:
        """Of 1,000 million: 300 frozen by pvara, 200 by the State Bank."""
        desk = Desk()
        for who, order, amount in (("pvara", "one", 300), ("sbp", "two", 200)):
            where = {"account": "ali/main", "order": order}
            desk.ok(who, "FREEZE", **where, amount=money(amount * MILLION))
        return desk

    def test_only_the_shortfall_is_unfrozen(self) -> None:
        desk = self.frozen()
        receipt = self.take(desk, 400 * MILLION)
        assert dict(receipt.data)["unfrozen"] == "0"
        assert desk.ledger.balance("ali/main", "PKR", "frozen") == 500 * MILLION
        receipt = self.take(desk, 150 * MILLION)
        assert dict(receipt.data)["unfrozen"] == str(50 * MILLION)
        orders = desk.ledger.get("freeze", "ali/main", "PKR").orders
        assert [order.amount for order in orders] == [250 * MILLION, 200 * MILLION]

    def test_the_same_orders_freeze_goes_first(self) -> None:
        desk = self.frozen()
        self.take(desk, 750 * MILLION, "two")
        orders = desk.ledger.get("freeze", "ali/main", "PKR").orders
        assert [(order.order, order.amount) for order in orders] == [("one", 250 * MILLION)]

    def test_codes(self) -> None:
        desk = self.frozen()
        assert self.take(desk, 5, "").code == "E_NO_ORDER"
        assert self.take(desk, 1_001 * MILLION).code == "E_AMOUNT"
        assert self.take(desk, 5, source="nowhere").code == "E_UNVERIFIED"
        assert self.take(desk, 5, target="nowhere").code == "E_UNVERIFIED"
        assert self.take(desk, 5, target="ali/main").code == "E_AMOUNT"
        assert self.take(desk, 5, target="exchange-n/main").code == "E_LICENCE"
        assert self.take(desk, 1_000 * MILLION).code == "OK"

    def test_what_is_reserved_stays(self) -> None:
        desk = Desk()
        desk.send("exchange-a", dvp_body())
        desk.ok("exchange-b", "DVP_ACCEPT", id="d")
        where = {"source": "exchange-a/main", "target": "sbp/main", "order": "x"}
        amount = money(100 * MILLION, PIB.id)
        found = desk.do("pvara", "FORCED_TRANSFER", "sbp", **where, amount=amount)
        assert found.code == "E_AMOUNT"
