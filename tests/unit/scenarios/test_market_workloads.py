"""Workloads of the market: trades, metal, exchanges on the way to a licence; crowded accounts."""

from __future__ import annotations

from typing import Any

import pytest

from chainsim.build import build
from nodes.ledger.genesis import Genesis
from nodes.ledger.transactions import DvpPropose, decode
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.loader import ScenarioErrors, load_text
from scenarios.schema import Scenario
from scenarios.workload import Submission
from scenarios.workload.plan import submissions

BASE = """
name = "m"
duration = "80s"
validators = 4
[consensus]
signatures = "fast"
[calendar]
start = 2021-03-03
day = "20s"
[genesis]
include = "market"
"""
DAYS = """
[[workload]]
kind = "days"
pkr_per_usd = 157.1
"""
TRADES = """
[[workload]]
kind = "dvp"
rate = "2/s"
stop = "11s"
series = "PIB-5Y-05MAR2024"
between = ["exchange-a", "exchange-b", "bank-a"]
cancel_one_in = 4
"""
GOLD = """
[[genesis.series]]
id = "GOLD"
instrument = "commodity"
metal = "gold"
issue_date = 2021-03-03
denomination = "1 GOLD"
issuer_account = "mof/cash"
[[workload]]
kind = "commodity"
series = "GOLD"
account = "exchange-a/cash"
price = 272000
mint = 500
redeem = 100
"""
ONBOARDING = """
[[genesis.parties]]
id = "exchange-c"
role = "exchange"
[[workload]]
kind = "onboarding"
clients = 2
"""


def plan(scenario: Scenario) -> list[Submission]:
    keys = Keys(scenario.seed, "fast")
    return list(submissions(scenario, make_genesis(scenario, keys), keys))


def codes(text: str) -> dict[str, dict[str, int]]:
    """How often each type ended in each code, in a real run; everything else holds."""
    result = build(load_text(text)).run()
    assert result.ok, [check for check in result.checks if not check.ok]
    found: dict[str, dict[str, int]] = {}
    for block in result.chain:
        for receipt in block.receipts:
            by_code = found.setdefault(receipt.type, {})
            by_code[receipt.code] = by_code.get(receipt.code, 0) + 1
    return found


class TestDvp:
    def test_twenty_trades_of_which_five_are_cancelled(self) -> None:
        found = codes(BASE + TRADES)
        assert found == {
            "DVP_PROPOSE": {"OK": 20},
            "DVP_ACCEPT": {"OK": 20},
            "DVP_SETTLE": {"OK": 15},
            "DVP_CANCEL": {"OK": 5},
        }

    def test_drawn_from_the_seed_alone(self) -> None:
        first, again = (load_text(BASE + TRADES, seed=seed) for seed in (7, 7))
        assert plan(first) == plan(again) != plan(load_text(BASE + TRADES, seed=8))

    def test_terms_keep_to_their_bounds(self) -> None:
        unit = 10_000_000
        for submission in plan(load_text(BASE + TRADES)):
            transaction = decode(submission.operation)
            assert transaction is not None
            body = transaction.body
            if isinstance(body, DvpPropose):
                face, paid = body.delivery.amount.amount, body.payment.amount.amount
                assert unit <= face <= 10 * unit
                assert face % unit == 0
                assert 94 * face <= 100 * paid <= 98 * face
                assert submission.party != body.counterparty


def test_metal_is_attested_minted_and_taken_out_every_day() -> None:
    found = codes(BASE + GOLD + DAYS)
    assert found["VAULT_ATTEST"] == found["COMMODITY_MINT"] == {"OK": 4}
    assert found["COMMODITY_REDEEM"] == {"OK": 4}


def test_from_nothing_to_a_licence_and_two_clients() -> None:
    found = codes(BASE + ONBOARDING)
    assert found["LICENCE_SET"] == {"OK": 3}
    assert found["PARTY_REGISTER"] == found["ACCOUNT_OPEN"] == {"OK": 2}
    assert "REGULATIONS_COMMENCE" not in found, "they are in force in this genesis"


CROWD = """
[[genesis.crowds]]
id = "crowd"
owner = "client-3"
custodian = "bank-a"
count = 12
balance = ["10000000 PIB-5Y-05MAR2024", "5.00 PKR"]
"""


def genesis(text: str) -> Genesis:
    scenario = load_text(BASE + text)
    return make_genesis(scenario, Keys(1, "fast"))


def test_a_crowd_is_so_many_accounts() -> None:
    made = genesis(CROWD)
    crowd = [account for account in made.accounts if account.id.startswith("crowd/")]
    assert [account.id for account in crowd[::11]] == ["crowd/00001", "crowd/00012"]
    assert {(a.owner, a.custodian) for a in crowd} == {("client-3", "bank-a")}
    held = [b.amount for b in made.balances if b.account == "crowd/00007"]
    assert held == [10_000_000, 500]
    assert made.problems() == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (CROWD.replace("client-3", "nobody"), 'genesis.crowds[0].owner: unknown party "nobody"'),
        (CROWD.replace("10000000", "1"), "genesis.crowds[0].balance: not a multiple of the"),
        (CROWD.replace("count = 12\n", ""), 'genesis.crowds[0].count: missing: "crowd" is a new'),
        (TRADES.replace("bank-a", "bank-c"), 'workload[0].between[2]: "bank-c" has no account'),
        (TRADES.replace("PIB-5Y", "PIB-6Y"), 'workload[0].series: unknown series "PIB-6Y'),
        (TRADES + "lowest = 99", "workload[0].highest: wanted no less than lowest"),
        (GOLD.replace('"gold"', '"GOLD"').replace("mint = 500", "mint = 0"), "workload[0].mint"),
        (GOLD.replace('series = "GOLD"', 'series = "GOLD-B"'), "workload[0].series: unknown comm"),
        (
            ONBOARDING.replace("clients", 'exchanges = ["bank-a"]\nclients'),
            "workload[0].exchanges[0]",
        ),
        (ONBOARDING.replace("clients = 2", 'step = "20s"'), "workload[0].step: the last step"),
    ],
)
def test_what_is_wrong_is_said(text: str, error: str) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(BASE + text)
    errors: list[Any] = [str(found) for found in caught.value.errors]
    assert any(found.startswith(error) for found in errors), errors
