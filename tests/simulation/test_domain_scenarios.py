"""Scenarios of the market: each holds, and its expectations fail without what it is about."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chainsim.build import RunResult, build
from scenarios.loader import load

FAST = "consensus.signatures=fast"
NAMES = ("coupon-day-partition",)


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
