"""Scenarios of the market: each holds, and its expectations fail without what it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from chainsim.build import build
from chainsim.run_result import RunResult
from scenarios.loader import load
from tests.acceptance.ledger import SCENARIOS
from tests.simulation.broken_guards import GUARDS, SLOW, Patch, forgetful_pages

FAST = "consensus.signatures=fast"


def complaints(result: RunResult) -> list[Any]:
    checks = [(c.name, c.detail) for c in result.checks if not c.ok]
    return checks + [(e.name, e.wanted, e.got) for e in result.expectations if not e.ok]


@pytest.mark.parametrize("name", SCENARIOS)
def test_domain_scenarios_hold(name: str) -> None:
    result = build(load(name, [FAST]), memoise=True).run()
    assert result.exit_code == 0, complaints(result)


def test_without_the_cut_nobody_is_late() -> None:
    scenario = replace(load("coupon-day-partition", [FAST]), faults=())
    failing = [name for name, *_ in complaints(build(scenario).run())]
    assert failing == ["sometimes", "sometimes", "metric late_coupon_days"]


@pytest.mark.parametrize(
    ("name", "setting", "fails"),
    [
        (
            "revoked-mid-settlement",
            'genesis.policies.suspended_settlement="cancel"',
            "receipts DVP_SETTLE OK",
        ),
        ("cap-race", "genesis.policies.programme_cap=3000000000.00 USD", "AUCTION_SETTLE E_CAP"),
        (
            "stale-vault-attestation",
            "genesis.policies.attestation_max_age_business_days=9",
            "COMMODITY_MINT E_STALE_ATTEST",
        ),
        ("central-bank-down-at-maturity", "faults[0].for=1s", "metric late_coupon_days"),
    ],
)
def test_with_another_policy_or_fault_it_is_another_story(
    name: str, setting: str, fails: str
) -> None:
    result = build(load(name, [FAST, setting])).run()
    assert any(fails in str(complaint) for complaint in complaints(result))


def test_every_scenario_has_a_guard_to_break() -> None:
    assert list(GUARDS) == list(SCENARIOS)


@pytest.mark.parametrize(
    ("name", "guard", "notices"),
    [
        (name, *entry)
        for name, entries in GUARDS.items()
        for entry in entries
        if entry[0] not in SLOW
    ],
)
def test_without_its_guard_a_scenario_goes_red(
    name: str, guard: Callable[[], Patch], notices: str
) -> None:
    with guard():
        result = build(load(name, [FAST]), memoise=True).run()
    assert notices in [what for what, *_ in complaints(result)], complaints(result)


def test_pages_that_forget_whom_they_paid_are_noticed_in_a_small_crowd_too() -> None:
    settings = [FAST, "workload[1].page=3", "workload[1].pages=3"]
    with forgetful_pages():
        result = build(load("coupon-day-partition", settings)).run()
    [check] = [check for check in result.checks if check.name == "coupons"]
    assert not check.ok
    assert "again" in check.detail
