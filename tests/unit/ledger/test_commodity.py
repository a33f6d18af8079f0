"""Tokenised gold: never more than the vault attests, at the price of the day, and redeemable."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.unit.ledger.samples import (
    GOLD_E4,
    attest_vault,
    define_gold,
    mint_commodity,
    redeem_commodity,
)
from tests.unit.ledger.support import (
    AUCTION_DAY,
    MILLION,
    SETTLEMENT_DAY,
    Desk,
    money,
    with_policies,
)

FRIDAY = date(2021, 3, 5)


def bar(serial: str, fine_units: int = 400_000, encumbered: bool = False) -> dict[str, Any]:
    return {"serial": serial, "fine_units": fine_units, "encumbered": encumbered}


def attest(desk: Desk, *bars: dict[str, Any], series: str = "gold", who: str = "vault") -> str:
    return desk.do(who, "VAULT_ATTEST", series=series, bars=list(bars)).code


def attested(desk: Desk | None = None) -> Desk:
    desk = desk or Desk()
    assert desk.send(*attest_vault(desk)[:2]).code == "OK"
    desk.ok("sbp", "PRICE_FIX", date=AUCTION_DAY, metal="gold", price_e4=GOLD_E4)
    return desk


def mint(desk: Desk, amount: int, account: str = "exchange-a/main") -> str:
    fields = {"series": "gold", "account": account, "amount": amount}
    return desk.do("mof", "COMMODITY_MINT", "sbp", **fields).code


def redeem(desk: Desk, amount: int, *cosigners: str) -> str:
    fields = {"series": "gold", "account": "exchange-a/main", "amount": amount}
    return desk.do("exchange-a", "COMMODITY_REDEEM", *cosigners, **fields).code


def test_supply_never_exceeds_unencumbered_metal() -> None:
    desk = attested()
    assert mint(desk, 800_001) == "E_BACKING", "the third bar is somebody else's"
    assert mint(desk, 500_000) == "OK"
    assert mint(desk, 300_001) == "E_BACKING"
    assert mint(desk, 300_000) == "OK"
    assert attest(desk, bar("b-1"), bar("b-2", 399_999)) == "E_BACKING", "a bar shrank"
    assert attest(desk, bar("b-1"), bar("b-4", 400_000)) == "OK", "one was exchanged"


def test_a_bar_backs_one_series_and_one_vault_keeps_it() -> None:
    desk = attested()
    define_gold(desk, id="gold-b")
    assert attest(desk, bar("b-9"), bar("b-2"), series="gold-b") == "E_BACKING"
    assert attest(desk, bar("b-9"), bar("b-9"), series="gold-b") == "E_DUP"
    assert attest(desk, bar("b-9"), series="gold-b") == "OK"
    assert attest(desk, bar("b-1")) == "OK", "b-2 left the first series …"
    assert attest(desk, bar("b-9"), bar("b-2"), series="gold-b") == "OK", "… for the second"
    assert attest(desk, bar("b-9"), series="pib-51-3y") == "E_BACKING"
    key = {"public_key": bytes(32)}
    desk.ok("sbp", "PARTY_REGISTER", id="vault-2", role="vault", **key)
    desk.numbers["vault-2"] = 0
    assert attest(desk, bar("b-1"), who="vault-2") == "E_BACKING"


def test_a_stale_attestation_stops_minting_but_not_redemption() -> None:
    desk = attested()
    assert mint(desk, 1_000) == "OK"
    for day in (SETTLEMENT_DAY, FRIDAY):
        desk.open_day(day)
        desk.ok("sbp", "FX_FIX", date=day, rate_e4=1_570_000)
        desk.ok("sbp", "PRICE_FIX", date=day, metal="gold", price_e4=GOLD_E4)
        expected = "OK" if day == SETTLEMENT_DAY else "E_STALE_ATTEST"
        assert mint(desk, 1_000) == expected
    assert redeem(desk, 500, "vault") == "OK"
    assert attest(desk, bar("b-1")) == "OK"
    assert mint(desk, 1_000) == "OK"


def test_before_the_first_attestation_nothing_is_minted() -> None:
    desk = Desk()
    desk.open_day()
    define_gold(desk)
    desk.ok("sbp", "PRICE_FIX", date=AUCTION_DAY, metal="gold", price_e4=GOLD_E4)
    assert mint(desk, 1) == "E_STALE_ATTEST"


def test_redeemed_metal_backs_nothing_more() -> None:
    desk = attested()
    assert mint(desk, 800_000) == "OK"
    assert redeem(desk, 300_000, "vault") == "OK"
    assert mint(desk, 1) == "E_BACKING", "it left the vault"
    assert attest(desk, bar("b-1"), bar("b-2", 100_001)) == "OK"
    assert [mint(desk, 1), mint(desk, 1)] == ["OK", "E_BACKING"]


def test_who_redeems() -> None:
    desk = attested()
    mint(desk, 1_000)
    assert redeem(desk, 5) == "E_ROLE", "the vault must hand it out"
    assert redeem(desk, 1_001, "vault") == "E_FREE_BAL"
    fields = {"series": "gold", "account": "exchange-a/main", "amount": 5}
    assert desk.do("dealer-1", "COMMODITY_REDEEM", "vault", **fields).code == "E_ROLE"
    frozen = {"account": "exchange-a/main", "order": "x", "amount": money(1_000, "gold")}
    desk.ok("pvara", "FREEZE", **frozen)
    assert redeem(desk, 5, "vault") == "E_FROZEN"


def test_a_mint_takes_its_value_from_the_programme_and_redeeming_gives_it_back() -> None:
    """500 ounces at PKR 272,000 and 157: USD 866,242.03 and a bit, rounded up."""
    desk = attested(Desk(with_policies(programme_cap_cents=12_500_000 * 10 + 86_624_203)))
    before = desk.ledger.get("programme").locked_cents
    assert mint(desk, 500_001) == "E_CAP"
    assert mint(desk, 500_000) == "E_CAP", "a fraction of a cent too much"
    desk = attested()
    assert desk.send(*mint_commodity_again()).code == "OK"
    taken = desk.ledger.get("programme").locked_cents - before
    assert taken == -(-500 * 272_000 * 100 // 157) == 86_624_204
    assert redeem(desk, 250_000, "vault") == "OK"
    assert desk.ledger.get("programme").locked_cents - before == taken - taken // 2
    assert redeem(desk, 250_000, "vault") == "OK"
    assert desk.ledger.get("programme").locked_cents == before


def mint_commodity_again() -> Any:
    """The sample's body for a desk that is ready."""
    sender, body, cosigners = mint_commodity(Desk())
    return sender, body, *cosigners


def test_prices_and_rates_go_stale() -> None:
    desk = attested()
    for day in (SETTLEMENT_DAY, FRIDAY):
        desk.open_day(day)
    attest(desk, bar("b-1"))
    assert mint(desk, 1) == "E_FX_STALE"
    desk.ok("sbp", "FX_FIX", date=FRIDAY, rate_e4=1_570_000)
    assert mint(desk, 1) == "E_FX_STALE", "the price too"
    desk.ok("sbp", "PRICE_FIX", date=FRIDAY, metal="silver", price_e4=1)
    assert mint(desk, 1) == "E_FX_STALE", "of that metal"
    desk.ok("sbp", "PRICE_FIX", date=FRIDAY, metal="gold", price_e4=GOLD_E4)
    assert mint(desk, 1) == "OK"


@pytest.mark.parametrize(
    ("day", "code"), [(AUCTION_DAY, "E_DUP"), (date(2021, 3, 2), "E_LATE"), (FRIDAY, "E_DATE")]
)
def test_a_price_is_fixed_once_and_today(day: date, code: str) -> None:
    desk = attested()
    fields = {"date": day, "metal": "gold", "price_e4": 1}
    assert desk.do("sbp", "PRICE_FIX", **fields).code == code
    if code == "E_DUP":
        silver = fields | {"metal": "silver"}
        assert desk.do("sbp", "PRICE_FIX", **silver).code == "OK"


@pytest.mark.parametrize(
    "terms",
    [{"metal": ""}, {"denomination": 1_000}, {"maturity_date": FRIDAY}, {"coupon_e4": 1},
     {"instrument": "mtb"}],
)  # fmt: skip
def test_terms(terms: dict[str, Any]) -> None:
    desk = Desk()
    desk.open_day()
    fields = {"id": "gold", "instrument": "commodity", "metal": "gold", "denomination": 1}
    fields |= {"issue_date": AUCTION_DAY, "issuer_account": "mof/proceeds"}
    assert desk.do("mof", "SERIES_DEFINE", "sbp", **(fields | terms)).code == "E_TERMS"


def test_metal_trades_but_is_neither_auctioned_nor_matures() -> None:
    desk = attested()
    mint(desk, 1_000)
    sale = {"source": "exchange-a/main", "target": "exchange-b/main"}
    desk.ok("exchange-a", "TRANSFER", **sale, amount=money(7, "gold"))
    auction = {"id": "g", "series": "gold", "target": 10 * MILLION}
    assert desk.do("sbp", "AUCTION_OPEN", **auction).code == "E_TERMS"
    assert desk.do("sbp", "REDEEM", series="gold").code == "E_NOT_MATURE"
    assert desk.send(*redeem_sample()).code == "OK"


def redeem_sample() -> Any:
    sender, body, cosigners = redeem_commodity(Desk())
    from msgspec.structs import replace

    return sender, replace(body, amount=1), *cosigners
