"""The chain id covers everything, and what is wrong with a genesis is said all at once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import fields, replace

from nodes.ledger.execution import Ledger
from nodes.ledger.genesis import Genesis, OpeningBalance, Policies, Seat
from nodes.ledger.records import MAX_SUPPLY, Account, FederalAsset, FxFix
from tests.unit.ledger.support import GENESIS, PIB, key, party, voter, with_party
from tests.unit.ledger.test_standing import REAL_LEI

REAL_ISIN = "US0378331005"

OTHER: dict[str, Any] = {
    "chain": "other",
    "validators": (Seat(id="mof", public_key=key("another key")),),
    "parties": GENESIS.parties[:-1],
    "first_business_day": date(2021, 3, 4),
    "accounts": GENESIS.accounts[:-1],
    "currencies": ("PKR", "USD"),
    "series": (PIB,),
    "assets": (FederalAsset(id="m-2", title="deed", value=1),),
    "balances": GENESIS.balances[:-1],
    "fx_fixes": (),
    "holidays": (date(2021, 3, 23),),
    "regulations_commenced": True,
    "policies": Policies(programme_cap_cents=1),
    "checkpoint_interval": 5,
    "window": 40,
}


@pytest.mark.parametrize("field", [field.name for field in fields(Genesis)])
def test_the_chain_id_covers_every_field(field: str) -> None:
    changed = replace(GENESIS, **{field: OTHER[field]})
    assert changed.hash != GENESIS.hash
    assert replace(changed, **{field: getattr(GENESIS, field)}).hash == GENESIS.hash


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("validators", (), "validators: at least one"),
        ("validators", GENESIS.validators * 2, 'validators: "node-1" appears twice'),
        ("parties", (*GENESIS.parties, party("mof", "mof")), 'parties: "mof" appears twice'),
        ("parties", (*GENESIS.parties, replace(GENESIS.parties[0], id="x")), "public_key"),
        ("parties", (*GENESIS.parties, party("x", "investor")), 'investor "x" needs one'),
        ("parties", (*GENESIS.parties, party("x", "vasp", custodian="y")), "unknown party"),
        ("accounts", GENESIS.accounts * 2, "appears twice"),
        ("accounts", (*GENESIS.accounts, Account(id="x", owner="y")), 'unknown party "y"'),
        ("currencies", ("PKR", "pib-51-3y"), "currencies and series"),
        ("currencies", ("USD",), 'unknown currency "PKR"'),
        ("series", (replace(PIB, denomination=1),), "series[0]: denomination"),
        ("series", (replace(PIB, issuer_account="sbp/main"),), "account of the ministry"),
        ("balances", (OpeningBalance(account="x", asset="PKR", amount=1),), "unknown account"),
        ("balances", (OpeningBalance(account="sbp/main", asset="x", amount=1),), "unknown asset"),
        ("balances", (OpeningBalance(account="sbp/main", asset="PKR", amount=0),), "positive"),
        (
            "balances",
            (OpeningBalance(account="sbp/main", asset="pib-51-3y", amount=1),),
            "denomination",
        ),
        (
            "balances",
            (OpeningBalance(account="sbp/main", asset="PKR", amount=MAX_SUPPLY + 1),),
            "minor units of PKR",
        ),
        (
            "balances",
            (
                OpeningBalance(
                    account="sbp/main", asset="pib-51-3y", amount=10**17, fx_rate_e4=10**6
                ),
            ),
            "exceed its cap",
        ),
        ("fx_fixes", GENESIS.fx_fixes * 2, "fx_fixes"),
        ("first_business_day", date(2021, 3, 6), "weekend"),
        ("holidays", (date(2021, 3, 3),), "weekend or a holiday"),
        ("first_business_day", date(9999, 12, 31), "the year must be"),
        ("fx_fixes", (FxFix(date=date(2021, 3, 2), rate_e4=0),), "fx_fixes[0].rate_e4"),
        ("series", (replace(PIB, currency="USD"),), "securities are in PKR"),
        ("series", tuple(replace(s, isin=REAL_ISIN) for s in GENESIS.series), "series.isin"),
        ("parties", with_party("mof", lei=REAL_LEI[:-1] + "0").parties, "parties[0].lei"),
        (
            "parties",
            tuple(replace(p, lei=REAL_LEI) for p in GENESIS.parties),
            f'parties.lei: "{REAL_LEI}" appears twice',
        ),
        ("policies", Policies(request_window=0), "request_window"),
        ("policies", Policies(fx_max_age_business_days=10**9), "fx_max_age_business_days"),
        ("policies", Policies(pro_rata_step=0), "pro_rata_step: must be from"),
        ("policies", Policies(pro_rata_step=15_000_000), "pro_rata_step: must be a multiple"),
        ("policies", Policies(programme_cap_cents=-1), "programme_cap_cents"),
    ],
)
def test_problems(field: str, value: Any, message: str) -> None:
    assert GENESIS.problems() == []
    wrong = replace(GENESIS, **{field: value})
    assert any(message in problem for problem in wrong.problems()), wrong.problems()
    with pytest.raises(ValueError):
        Ledger(wrong)


def test_all_problems_at_once() -> None:
    wrong = replace(GENESIS, validators=(), currencies=(), first_business_day=date(2021, 3, 6))
    paths = [problem.split(":")[0] for problem in wrong.problems()]
    assert {"validators", "first_business_day", "series[0].currency"} <= set(paths)


def test_opening_balances_add_up_and_rates_count() -> None:
    fixes = (FxFix(date=date(2021, 3, 2), rate_e4=2), FxFix(date=date(2021, 3, 1), rate_e4=1))
    twice = replace(GENESIS, balances=GENESIS.balances * 2, fx_fixes=fixes)
    ledger = Ledger(twice)
    assert ledger.audit() == []
    assert ledger.balance("ali/main", "PKR") == 2 * Ledger(GENESIS).balance("ali/main", "PKR")
    assert ledger.get("fx").rate_e4 == 2, "the latest by date"
    assert ledger.get("programme").locked_cents == 250_000_000


def test_committee_is_that_of_the_seats() -> None:
    assert GENESIS.committee.ids == tuple(f"node-{n}" for n in range(1, 6))
    assert GENESIS.committee.public_key("node-2") == voter(2).public_key
