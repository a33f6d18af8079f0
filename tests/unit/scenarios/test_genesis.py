"""The [genesis] section: overlays, keys, and what the ledger makes of it."""

from __future__ import annotations

from nodes.ledger.genesis import Genesis
from nodes.ledger.records import Rules
from scenarios.genesis import client_cities, make_genesis, shipped_geneses
from scenarios.keys import Keys
from scenarios.loader import load, load_text
from scenarios.schema import client_id

BASE = """
name = "g"
duration = "30s"
validators = 4
[calendar]
start = 2021-03-03
[genesis]
include = "sovereign"
"""


def genesis(text: str = "", seed: int = 1) -> Genesis:
    scenario = load_text(BASE + text, seed=seed)
    return make_genesis(scenario, Keys(scenario.seed, "fast"))


def test_there_is_something_to_include() -> None:
    assert shipped_geneses() == ("cash", "market", "sovereign")


def test_an_override_replaces_only_what_it_says() -> None:
    plain, changed = (
        genesis(),
        genesis('[[genesis.parties]]\nid = "exchange-a"\nlicence = "LICENSED"'),
    )
    before = {party.id: party for party in plain.parties}
    after = {party.id: party for party in changed.parties}
    assert list(before) == list(after)
    assert before["exchange-a"].licence == "NOC_GRANTED"
    assert after["exchange-a"].licence == "LICENSED"
    assert after["exchange-a"].country == before["exchange-a"].country == "AE"
    assert {k: v for k, v in after.items() if k != "exchange-a"} == {
        k: v for k, v in before.items() if k != "exchange-a"
    }
    assert plain.hash != changed.hash


def test_roles_of_validators_mean_their_ledger_roles() -> None:
    made = genesis('[[genesis.parties]]\nid = "exchange-c"\nrole = "exchange"')
    assert {party.id: party.role for party in made.parties}["exchange-c"] == "vasp"


def test_balances_and_policies_come_in_minor_units() -> None:
    made = genesis(
        '[genesis.policies]\nprogramme_cap = "5.00 USD"\nncb_share = 0.25\n'
        'pro_rata_step = "200000.00 PKR"\ntravel_rule_threshold = "1000.00 PKR"\n'
        '[[genesis.accounts]]\nid = "pd-1/cash"\nbalance = ["0.05 PKR", "200000.00 PKR"]\n'
    )
    assert made.policies.programme_cap_cents == 500
    assert made.policies.ncb_share_e4 == 2500
    assert made.policies.pro_rata_step == 20_000_000
    assert made.policies.travel_rule_threshold == 100_000
    assert [b.amount for b in made.balances if b.account == "pd-1/cash"] == [5, 20_000_000]


def test_the_real_terms_of_the_bond() -> None:
    (series,) = genesis().series
    assert (series.coupon_e4, series.denomination) == (70_000, 10_000_000)
    assert (series.maturity_date - series.issue_date).days == 3 * 365


def test_keys_derive_from_the_seed_and_differ_by_use() -> None:
    one, again, two = genesis(), genesis(), genesis(seed=2)
    assert one.hash == again.hash
    assert one.hash != two.hash
    keys = Keys(1, "ed25519")
    assert keys.party("mof").public_key != keys.validator("mof").public_key
    assert Keys(1, "ed25519").party("mof").public_key == keys.party("mof").public_key
    assert keys.party("mof") is keys.party("mof")


def test_clients_stand_where_their_party_or_validator_does() -> None:
    cities = client_cities(load("sovereign-day"))
    assert cities["exchange-b"] == "london"
    assert cities["pd-3"] == "islamabad"
    assert client_id("mof", ["mof", "sbp"]) == "mof.desk"
    assert client_id("pd-1", ["mof", "sbp"]) == "pd-1"


def test_compliance_modules_and_trusted_issuers() -> None:
    made = genesis(
        """
[[genesis.series]]
id = "PIB-3Y-20AUG2023"
pkr_per_usd = 160
rules = { countries = ["PK", "AE"], max_balance = "5000000.00 PKR", window_days = 2, \
window_limit = "1000000.00 PKR", approval = true }
[[genesis.accounts]]
id = "pd-1/bonds"
balance = ["10000000 PIB-3Y-20AUG2023"]
[genesis.policies.claim_topics]
identity = ["pvara", "bank-a"]
"""
    )
    [series] = made.series
    assert series.rules == Rules(
        countries=("PK", "AE"),
        max_balance=500_000_000,
        window_days=2,
        window_limit=100_000_000,
        approval=True,
    )
    [trusted] = made.policies.claim_topics
    assert (trusted.topic, trusted.issuers) == ("identity", ("pvara", "bank-a"))
    assert [b.fx_rate_e4 for b in made.balances if b.asset == series.id] == [1_600_000]
