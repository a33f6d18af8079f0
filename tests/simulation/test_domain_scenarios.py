"""Scenarios of the market: each holds, and its expectations fail without what it is about."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chainsim.build import RunResult, build
from nodes.ledger import coupons, execution
from nodes.ledger.act import Act
from nodes.ledger.transactions import CouponPay
from scenarios.loader import load

FAST = "consensus.signatures=fast"
NAMES = (
    "coupon-day-partition",
    "revoked-mid-settlement",
    "central-bank-down-at-maturity",
    "cap-race",
    "freeze-races-transfer",
    "crash-while-paying-10000",
    "stale-vault-attestation",
    "deciding-seat-revoked",
)


def complaints(result: RunResult) -> list[Any]:
    checks = [(c.name, c.detail) for c in result.checks if not c.ok]
    return checks + [(e.name, e.wanted, e.got) for e in result.expectations if not e.ok]


@pytest.mark.parametrize("name", NAMES)
def test_domain_scenarios_hold(name: str) -> None:
    result = build(load(name, [FAST])).run()
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


def test_a_freeze_that_does_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers = {**execution.HANDLERS, "FREEZE": lambda act, body: None}
    monkeypatch.setattr(execution, "HANDLERS", handlers)
    result = build(load("freeze-races-transfer", [FAST])).run()
    assert "metric transactions_failed" in str(complaints(result))


def test_a_page_that_forgets_whom_it_paid_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug 31, in the small: every page begins with the first account again."""
    honest = coupons.pay

    def forgetful(act: Act, body: CouponPay) -> None:
        key = coupons.coupon_key(body.series, body.number)
        coupon = act.get(key)
        if coupon is not None:
            act.put(key, replace(coupon, last=""))
        honest(act, body)

    monkeypatch.setattr(execution, "HANDLERS", {**execution.HANDLERS, "COUPON_PAY": forgetful})
    settings = [FAST, "workload[1].page=3", "workload[1].pages=3"]
    result = build(load("coupon-day-partition", settings)).run()
    [check] = [check for check in result.checks if check.name == "coupons"]
    assert not check.ok
    assert "again" in check.detail
