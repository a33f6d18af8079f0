"""The page about the ledger: every code with an example that is carried out, every policy with its
default, every measure, and no other."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import fields

from nodes.ledger import codes
from nodes.ledger.genesis import Policies
from scenarios.fitting_genesis import cheap_keys
from scenarios.genesis import _POLICY_NAMES, make_genesis
from scenarios.genesis_spec import PolicySpec
from scenarios.loader import load
from scenarios.metrics import METRICS
from tests.docs.code_examples import EXAMPLES
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")


def table(heading: str) -> list[str]:
    """The names in the first column of the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)


def test_codes() -> None:
    assert sorted(table("Codes")) == sorted(n for n in vars(codes) if n.startswith("E_"))


def cells(heading: str) -> dict[str, list[str]]:
    """The other columns of that table, by the name in the first."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", section, flags=re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}


@pytest.mark.parametrize("code", sorted(EXAMPLES))
def test_the_example_of_each_code_gets_it(code: str) -> None:
    assert cells("Codes")[code] == [EXAMPLES[code].__doc__]
    assert EXAMPLES[code]() == code


def test_every_code_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted(table("Codes"))


@pytest.mark.parametrize("name", PolicySpec.__struct_fields__)
def test_defaults_of_policies(name: str) -> None:
    """What the page says, set in a scenario, is what holds when nothing is set."""
    written = cells("Policies")[name][0].strip("`")
    if name == "claim_topics":
        assert written.split(", ") == [entry.topic for entry in Policies().claim_topics]
        return
    if written == "none":
        assert getattr(Policies(), name) is None
        return
    scenario = load("quick", [f"genesis.policies.{name}={written}"])
    assert make_genesis(scenario, cheap_keys(scenario)).policies == Policies()
    other = load("quick", [f"genesis.policies.{name}={OTHERS[name]}"])
    assert make_genesis(other, cheap_keys(other)).policies != Policies()


OTHERS = {
    "programme_cap": '"1.00 USD"',
    "request_window": "63",
    "fx_max_age_business_days": "2",
    "attestation_max_age_business_days": "2",
    "custody_states": '["NOC_GRANTED"]',
    "suspended_settlement": '"cancel"',
    "pro_rata_step": '"100000.00 PKR"',
    "ncb_share": "0.4",
    "ncb_floor": '"1.00 PKR"',
    "ncb_limit": '"1.00 PKR"',
}


def test_policies() -> None:
    written = {ours: theirs for theirs, ours in _POLICY_NAMES.items()}
    names = [written.get(field.name, field.name) for field in fields(Policies)]
    assert sorted(table("Policies")) == sorted(names)


def test_measures_can_be_asked_for() -> None:
    section = PAGE.split("`[[expect.metric]]`:")[1].split(". Business")[0]
    named = re.findall(r"`([a-z0-9_]+)`", section)
    assert len(named) == 11
    assert all(name in METRICS for name in named)
