"""Delivery versus payment: two legs at one height or none, and no reservation outlives its DvP."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nodes import merkle
from nodes.ledger.receipts import BlockOutcome
from nodes.ledger.records import Account
from nodes.ledger.transactions import body_of
from tests.unit.ledger.samples import DEADLINE_US, accept, dvp_body, propose, settle
from tests.unit.ledger.support import GENESIS, MILLION, Desk, money, with_policies

BOND, CASH = ("exchange-a/main", "pib-51-3y"), ("exchange-b/main", "PKR")
FACE, PRICE = 10 * MILLION, 9 * MILLION


def leg(source: str, target: str, amount: int, asset: str) -> dict[str, Any]:
    return {
        "source": f"{source}/main",
        "target": f"{target}/main",
        "amount": money(amount, asset),
    }


def held(desk: Desk, place: tuple[str, str]) -> tuple[int, int]:
    return desk.ledger.balance(*place), desk.ledger.balance(*place, "reserved")


def let_time_pass(desk: Desk, until_us: int) -> BlockOutcome:
    """A block at ``until_us`` with a transaction that does nothing: null blocks have no time."""
    idle = desk.request("vault", body_of("PAUSE", {}))
    return desk.block(idle, after_us=until_us - desk.time_us)


def status(desk: Desk) -> str:
    return str(desk.ledger.get("dvp", "d").status)


def test_the_walk_of_a_settlement() -> None:
    desk = Desk()
    start = held(desk, BOND), held(desk, CASH)
    desk.send(*propose(desk)[:2])
    assert (held(desk, BOND), held(desk, CASH)) == start, "proposing reserves nothing"
    assert desk.do("exchange-a", "DVP_ACCEPT", id="d").code == "E_ROLE"
    assert desk.do("exchange-a", "DVP_SETTLE", id="d").code == "E_STATE"
    desk.ok("exchange-b", "DVP_ACCEPT", id="d")
    assert held(desk, BOND) == (start[0][0] - FACE, FACE)
    assert held(desk, CASH) == (start[1][0] - PRICE, PRICE)
    assert desk.do("exchange-b", "DVP_ACCEPT", id="d").code == "E_STATE"
    assert desk.do("dealer-1", "DVP_SETTLE", id="d").code == "E_ROLE"
    assert desk.do("dealer-1", "DVP_CANCEL", id="d").code == "E_ROLE"
    receipt = desk.ok("exchange-b", "DVP_SETTLE", id="d")
    assert len(receipt.postings) == 4
    assert held(desk, BOND) == (start[0][0] - FACE, 0)
    assert held(desk, CASH) == (start[1][0] - PRICE, 0)
    assert desk.ledger.balance("exchange-b/main", "pib-51-3y") == FACE
    for kind in ("DVP_ACCEPT", "DVP_SETTLE", "DVP_CANCEL"):
        assert desk.do("exchange-b", kind, id="d").code == "E_STATE"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "OK"),
        ({"deadline_us": 999}, "E_DEADLINE"),
        ({"deadline_us": 1_000}, "OK"),  # the block's own time
        ({"counterparty": "dealer-1"}, "E_ROLE"),
        ({"counterparty": "exchange-a"}, "E_ROLE"),
        ({"delivery": leg("exchange-a", "dealer-1", FACE, "pib-51-3y")}, "E_ROLE"),
        ({"delivery": leg("dealer-1", "exchange-b", FACE, "pib-51-3y")}, "E_ROLE"),
        ({"payment": leg("exchange-b", "dealer-1", PRICE, "PKR")}, "E_ROLE"),
        ({"payment": leg("exchange-a", "exchange-b", PRICE, "PKR")}, "E_ROLE"),
        ({"delivery": leg("exchange-a", "exchange-b", FACE, "PKR")}, "E_STATE"),
        ({"payment": leg("exchange-b", "exchange-a", FACE, "pib-51-3y")}, "E_STATE"),
        ({"delivery": leg("exchange-a", "exchange-b", FACE + 1, "pib-51-3y")}, "E_DENOM"),
        ({"delivery": leg("exchange-a", "nowhere", FACE, "pib-51-3y")}, "E_UNVERIFIED"),
        ({"delivery": leg("nowhere", "exchange-b", FACE, "pib-51-3y")}, "E_UNVERIFIED"),
    ],
)
def test_propose(changes: dict[str, Any], code: str) -> None:
    desk = Desk()
    assert desk.send("exchange-a", dvp_body(**changes)).code == code
    if code == "OK":
        assert desk.send("exchange-a", dvp_body()).code == "E_DUP"


def test_the_buyer_may_propose_too() -> None:
    desk = Desk()
    body = dvp_body(counterparty="exchange-a")
    assert desk.send("exchange-b", body).code == "OK"
    desk.ok("exchange-a", "DVP_ACCEPT", id="d")
    assert desk.ledger.balance(*BOND, "reserved") == FACE


@pytest.mark.parametrize(
    ("spend", "code"),
    [
        (("exchange-a", "pib-51-3y", 100 * MILLION, "TRANSFER"), "E_FREE_BAL"),
        (("exchange-b", "PKR", 20_000 * MILLION, "TRANSFER"), "E_FUNDS"),
        (("exchange-a", "pib-51-3y", 100 * MILLION, "FREEZE"), "E_FROZEN"),
        (("exchange-b", "PKR", 20_000 * MILLION, "FREEZE"), "E_FROZEN"),
    ],
)
def test_accepting_reserves_both_legs_or_none(spend: tuple[str, str, int, str], code: str) -> None:
    desk = Desk()
    desk.send(*propose(desk)[:2])
    who, asset, amount, kind = spend
    if kind == "TRANSFER":
        where = {"source": f"{who}/main", "target": "dealer-2/main"}
        desk.ok(who, "TRANSFER", **where, amount=money(amount, asset))
    else:
        desk.ok("sbp", "FREEZE", account=f"{who}/main", amount=money(amount, asset), order="o")
    before = desk.ledger.state_root
    assert desk.do("exchange-b", "DVP_ACCEPT", id="d").code == code
    assert desk.ledger.state_root == before
    assert status(desk) == "PROPOSED"


def test_what_is_reserved_can_not_be_spent() -> None:
    desk = Desk()
    desk.send(*accept(desk)[:2])
    pay = {"source": BOND[0], "target": "dealer-2/main", "amount": money(100 * MILLION, BOND[1])}
    assert desk.do("exchange-a", "TRANSFER", **pay).code == "E_FREE_BAL"


@pytest.mark.parametrize("type_name", ["DVP_ACCEPT", "DVP_SETTLE", "DVP_CANCEL"])
def test_nothing_comes_of_an_instruction_that_nobody_proposed(type_name: str) -> None:
    assert Desk().do("exchange-b", type_name, id="d").code == "E_STATE"


@pytest.mark.parametrize("who", ["exchange-a", "exchange-b"])
@pytest.mark.parametrize("accepted", [False, True])
def test_cancelling_frees_what_was_reserved(who: str, accepted: bool) -> None:
    desk = Desk()
    start = held(desk, BOND), held(desk, CASH)
    desk.send(*(accept if accepted else propose)(desk)[:2])
    assert desk.ok(who, "DVP_CANCEL", id="d").postings or not accepted
    assert (held(desk, BOND), held(desk, CASH)) == start
    assert desk.do("exchange-b", "DVP_SETTLE", id="d").code == "E_STATE"


@pytest.mark.parametrize("accepted", [False, True])
def test_expiry_at_the_start_of_the_first_block_past_the_deadline(accepted: bool) -> None:
    desk = Desk()
    start = held(desk, BOND), held(desk, CASH)
    deadline = desk.time_us + 10_000
    desk.send("exchange-a", dvp_body(deadline_us=deadline))
    if accepted:
        desk.ok("exchange-b", "DVP_ACCEPT", id="d")
    live = status(desk)
    outcome = let_time_pass(desk, deadline)
    assert (outcome.system_receipts, status(desk)) == ((), live), "alive at the deadline itself"
    kind = "DVP_SETTLE" if accepted else "DVP_ACCEPT"
    late = desk.request("exchange-b", body_of(kind, {"id": "d"}))
    outcome = desk.block(late, after_us=1)
    assert [receipt.code for receipt in outcome.receipts] == ["E_DEADLINE"]
    [released] = outcome.system_receipts
    assert (released.type, released.code, released.index) == ("DVP_EXPIRE", "OK", -1)
    assert released.data == (("dvp", "d"),)
    assert len(released.postings) == (4 if accepted else 0)
    assert (held(desk, BOND), held(desk, CASH), status(desk)) == (*start, "EXPIRED")
    leaves = [receipt.digest for receipt in (*outcome.receipts, released)]
    assert outcome.receipts_root == merkle.root(leaves)
    assert let_time_pass(desk, deadline + 2).system_receipts == (), "once"


def test_expiry_is_of_live_instructions_only() -> None:
    desk = Desk()
    desk.send(*settle(desk)[:2])
    outcome = let_time_pass(desk, DEADLINE_US + 1)
    assert outcome.system_receipts == ()
    assert status(desk) == "SETTLED"


def test_several_expire_in_order_of_deadline_and_id() -> None:
    desk = Desk()
    for id_, deadline in (("c", 7_000), ("b", 9_000), ("a", 9_000), ("z", 20_000)):
        assert desk.send("exchange-a", dvp_body(id=id_, deadline_us=deadline)).code == "OK"
    outcome = let_time_pass(desk, 9_001)
    assert [dict(r.data)["dvp"] for r in outcome.system_receipts] == ["c", "a", "b"]
    assert [receipt.number for receipt in outcome.system_receipts] == [0, 1, 2]


@pytest.mark.parametrize(
    ("policy", "states", "code"),
    [
        ("settle", ["SUSPENDED"], "OK"),
        ("cancel", ["SUSPENDED"], "E_LICENCE"),
        ("settle", ["SUSPENDED", "REVOKED"], "E_LICENCE"),
    ],
)
def test_a_fall_of_licence_after_reserving(policy: str, states: list[str], code: str) -> None:
    """Whoever of the two falls, and whoever then asks; cancelling always works."""
    for fallen in ("exchange-a", "exchange-b"):
        for asks in ("exchange-a", "exchange-b"):
            desk = Desk(with_policies(suspended_settlement=policy))
            desk.send(*accept(desk)[:2])
            for state in states:
                desk.ok("pvara", "LICENCE_SET", party=fallen, state=state)
            assert desk.do(asks, "DVP_SETTLE", id="d").code == code
            if code != "OK":
                assert desk.do(asks, "DVP_CANCEL", id="d").code == "OK"


def test_a_custodians_fall_holds_up_its_clients_settlement() -> None:
    desk = Desk()
    body = dvp_body(
        counterparty="ali",
        delivery=leg("dealer-1", "ali", FACE, "pib-51-3y"),
        payment=leg("ali", "dealer-1", PRICE, "PKR"),
    )
    assert desk.send("dealer-1", body).code == "OK"
    desk.ok("ali", "DVP_ACCEPT", id="d")
    for state in ("SUSPENDED", "REVOKED"):
        desk.ok("pvara", "LICENCE_SET", party="exchange-a", state=state)
    assert desk.do("dealer-1", "DVP_SETTLE", id="d").code == "E_LICENCE"
    assert desk.do("dealer-1", "DVP_CANCEL", id="d").code == "OK"


def test_so_does_the_fall_of_whoever_keeps_only_the_receiving_account() -> None:
    kept = Account(id="dealer-1/kept", owner="dealer-1", custodian="exchange-b")
    desk = Desk(replace(GENESIS, accounts=(*GENESIS.accounts, kept)))
    payment = {"source": "ali/main", "target": kept.id, "amount": money(PRICE)}
    delivery = leg("dealer-1", "ali", FACE, "pib-51-3y")
    body = dvp_body(counterparty="ali", delivery=delivery, payment=payment)
    assert desk.send("dealer-1", body).code == "OK"
    desk.ok("ali", "DVP_ACCEPT", id="d")
    for state in ("SUSPENDED", "REVOKED"):
        desk.ok("pvara", "LICENCE_SET", party="exchange-b", state=state)
    assert desk.do("dealer-1", "DVP_SETTLE", id="d").code == "E_LICENCE"


def test_no_inflow_to_an_unlicensed_firm() -> None:
    desk = Desk()
    desk.send(*propose(desk)[:2])
    desk.ok("pvara", "LICENCE_SET", party="exchange-a", state="SUSPENDED")
    assert desk.do("exchange-b", "DVP_ACCEPT", id="d").code == "E_LICENCE"
