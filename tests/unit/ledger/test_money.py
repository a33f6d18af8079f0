"""Cash, transfers, freezes, pause: where money may go, and what holds it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nodes.ledger.genesis import Policies
from nodes.ledger.receipts import Posting
from tests.unit.ledger.support import (
    GENESIS,
    MILLION,
    Desk,
    money,
    with_party,
    with_policies,
)


def pay(source: str, target: str, amount: int, asset: str = "PKR", **more: Any) -> dict[str, Any]:
    where = {"source": f"{source}/main", "target": f"{target}/main"}
    return {**where, "amount": money(amount, asset), **more}


def test_mint_and_burn_leave_postings_and_supply() -> None:
    desk = Desk()
    before = desk.ledger.get("supply", "PKR").issued
    minted = desk.ok("sbp", "CASH_MINT", account="dealer-1/main", amount=money(50))
    assert minted.minted == (("PKR", 50),)
    assert minted.postings == (Posting("dealer-1/main", "PKR", "free", 50),)
    burned = desk.ok("sbp", "CASH_BURN", "dealer-1", account="dealer-1/main", amount=money(20))
    assert burned.minted == (("PKR", -20),)
    assert burned.postings == (Posting("dealer-1/main", "PKR", "free", -20),)
    supply = desk.ledger.get("supply", "PKR")
    assert (supply.issued - before, supply.redeemed) == (50, 20)


@pytest.mark.parametrize(
    ("account", "asset", "code"),
    [
        ("exchange-n/main", "PKR", "OK"),  # a house account: not client money
        ("nowhere", "PKR", "E_UNVERIFIED"),
        ("dealer-1/main", "EUR", "E_FUNDS"),
        ("dealer-1/main", "pib-51-3y", "E_FUNDS"),
    ],
)
def test_mint(account: str, asset: str, code: str) -> None:
    receipt = Desk().do("sbp", "CASH_MINT", account=account, amount=money(10**7, asset))
    assert receipt.code == code


def test_no_minting_for_clients_of_a_firm_that_may_hold_none() -> None:
    desk = Desk(with_party("exchange-a", licence="SUSPENDED"))
    mint = {"account": "ali/main", "amount": money(5)}
    assert desk.do("sbp", "CASH_MINT", **mint).code == "E_LICENCE"
    desk = Desk(with_policies(custody_states=("LICENSED", "SUSPENDED")))
    desk.ok("pvara", "LICENCE_SET", party="exchange-a", state="SUSPENDED")
    assert desk.do("sbp", "CASH_MINT", **mint).code == "OK"


def test_custody_with_a_no_objection_certificate_begins_with_goaml() -> None:
    policies = Policies(custody_states=("NOC_GRANTED", "LICENSED"))
    early = with_party("exchange-a", licence="NOC_GRANTED", goaml=False)
    desk = Desk(replace(early, policies=policies))
    mint = {"account": "ali/main", "amount": money(5)}
    assert desk.do("sbp", "CASH_MINT", **mint).code == "E_LICENCE"
    desk.ok("pvara", "GOAML_ATTEST", party="exchange-a")
    assert desk.do("sbp", "CASH_MINT", **mint).code == "OK"


def test_what_a_client_has_with_a_dealer_is_bound_by_no_licence() -> None:
    """She is the exchange's client now, and still has an account at the dealer."""
    desk = Desk(with_party("sara", custodian="exchange-a"))
    desk.ok("pvara", "LICENCE_SET", party="exchange-a", state="SUSPENDED")
    assert desk.do("sbp", "CASH_MINT", account="sara/main", amount=money(5)).code == "OK"
    assert desk.do("sbp", "CASH_MINT", account="ali/main", amount=money(5)).code == "E_LICENCE"


def test_supply_stays_countable() -> None:
    """However much is minted, every balance fits 64 bits: then it is refused, not wrapped."""
    desk = Desk()
    codes = [
        desk.do("sbp", "CASH_MINT", account="sbp/main", amount=money(10**17)).code
        for _ in range(41)
    ]
    assert codes[:39] == ["OK"] * 39
    assert codes[39:] == ["E_CAP"] * 2


def test_burn_needs_the_funds() -> None:
    burn = {"account": "ali/main", "amount": money(1_000 * MILLION + 1)}
    assert Desk().do("sbp", "CASH_BURN", "ali", **burn).code == "E_FUNDS"


@pytest.mark.parametrize(
    ("sender", "fields", "code"),
    [
        ("exchange-a", pay("exchange-a", "exchange-b", 1), "OK"),
        ("exchange-a", pay("exchange-a", "exchange-a", 1), "OK"),
        ("exchange-a", pay("exchange-a", "sara", 1), "OK"),
        ("ali", pay("ali", "sara", 1), "OK"),
        ("exchange-a", pay("ali", "exchange-a", 1), "E_ROLE"),  # a custodian is no owner
        ("exchange-a", pay("exchange-b", "exchange-a", 1), "E_ROLE"),
        ("exchange-a", pay("exchange-a", "nowhere", 1), "E_UNVERIFIED"),
        ("exchange-a", pay("nowhere", "exchange-a", 1), "E_UNVERIFIED"),
        ("exchange-a", pay("exchange-a", "exchange-n", 1), "E_LICENCE"),
        ("exchange-a", pay("exchange-a", "exchange-b", 20_001 * MILLION), "E_FREE_BAL"),
        ("exchange-a", pay("exchange-a", "exchange-b", 1, "nothing"), "E_FREE_BAL"),
        ("exchange-a", pay("exchange-a", "exchange-b", 10**7, "pib-51-3y"), "OK"),
        ("exchange-a", pay("exchange-a", "exchange-b", 10**7 + 1, "pib-51-3y"), "E_DENOM"),
        ("dealer-2", pay("dealer-2", "exchange-b", 10**7, "pib-51-3y"), "E_FREE_BAL"),
    ],
)
def test_transfer(sender: str, fields: dict[str, Any], code: str) -> None:
    desk = Desk()
    before = desk.ledger.state_root
    receipt = desk.do(sender, "TRANSFER", **fields)
    assert receipt.code == code, receipt
    if code == "OK":
        assert [p.delta for p in receipt.postings] == [
            -fields["amount"]["amount"],
            fields["amount"]["amount"],
        ]
    else:
        assert desk.ledger.state_root == before


@pytest.mark.parametrize("who", ["ali", "sara"])
def test_both_sides_must_be_verified(who: str) -> None:
    desk = Desk(with_party(who, verified=False))
    assert desk.do("ali", "TRANSFER", **pay("ali", "sara", 1)).code == "E_UNVERIFIED"
    accounts = tuple(replace(a, verified=a.id != f"{who}/main") for a in GENESIS.accounts)
    desk = Desk(replace(GENESIS, accounts=accounts))
    assert desk.do("ali", "TRANSFER", **pay("ali", "sara", 1)).code == "E_UNVERIFIED"


@pytest.mark.parametrize(
    ("sender", "target", "amount", "code"),
    [
        ("exchange-a", "exchange-b", 999, "OK"),
        ("exchange-a", "exchange-b", 1_000, "E_TRAVEL"),
        ("ali", "exchange-b", 1_000, "E_TRAVEL"),
        ("ali", "exchange-a", 1_000, "OK"),  # within one firm
        ("exchange-a", "dealer-1", 1_000, "OK"),  # not a VASP
    ],
)
def test_travel_rule(sender: str, target: str, amount: int, code: str) -> None:
    desk = Desk(with_policies(travel_rule_threshold=1_000))
    assert desk.do(sender, "TRANSFER", **pay(sender, target, amount)).code == code
    with_hash = pay(sender, target, amount, travel_hash=bytes(32))
    assert desk.do(sender, "TRANSFER", **with_hash).code == "OK"


def test_freezes_stand_under_their_orders() -> None:
    desk = Desk()

    def order(kind: str, who: str, amount: int, reference: str = "o-1") -> str:
        fields = {"account": "ali/main", "amount": money(amount), "order": reference}
        return desk.do(who, kind, **fields).code

    held = 1_000 * MILLION
    assert order("FREEZE", "pvara", 1, "") == "E_NO_ORDER"
    assert order("FREEZE", "pvara", held + 1) == "E_AMOUNT"
    assert order("FREEZE", "pvara", held - 10) == "OK"
    assert order("FREEZE", "sbp", 5) == "OK"
    assert desk.ledger.balance("ali/main", "PKR") == 5
    assert desk.ledger.balance("ali/main", "PKR", "frozen") == held - 5
    assert desk.do("ali", "TRANSFER", **pay("ali", "sara", 6)).code == "E_FROZEN"
    assert desk.do("ali", "TRANSFER", **pay("ali", "sara", held + 1)).code == "E_FREE_BAL"
    assert desk.do("ali", "TRANSFER", **pay("ali", "sara", 5)).code == "OK"
    assert order("UNFREEZE", "sbp", 6) == "E_AMOUNT", "only what one froze oneself"
    assert order("UNFREEZE", "pvara", 1, "o-2") == "E_NO_ORDER"
    assert order("UNFREEZE", "sbp", 5) == "OK"
    assert order("UNFREEZE", "sbp", 1) == "E_NO_ORDER", "nothing left under it"
    assert order("UNFREEZE", "pvara", held - 10) == "OK"
    assert desk.ledger.balance("ali/main", "PKR") == held - 5


def test_freezing_twice_under_one_order_adds_up() -> None:
    desk = Desk()
    fields = {"account": "ali/main", "amount": money(5), "order": "o-1"}
    desk.ok("sbp", "FREEZE", **fields)
    desk.ok("sbp", "FREEZE", **fields)
    assert desk.ok("sbp", "UNFREEZE", **(fields | {"amount": money(10)})).code == "OK"


def test_pause_is_a_state() -> None:
    desk = Desk()
    assert desk.do("mof", "UNPAUSE", "sbp").code == "E_STATE"
    desk.ok("mof", "PAUSE", "sbp")
    assert desk.do("mof", "PAUSE", "sbp").code == "E_STATE"
    assert desk.do("exchange-a", "TRANSFER", **pay("exchange-a", "ali", 1)).code == "E_PAUSED"
    desk.ok("pvara", "UNPAUSE", "sbp")
    assert desk.do("exchange-a", "TRANSFER", **pay("exchange-a", "ali", 1)).code == "OK"
