"""Measures of a market infrastructure: business time is virtual time, not the ledger's own date."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chainsim.market_measures import Obligation, late_coupon_days, obligations
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.loader import load

DAY_US = 20_000_000
END_OF_THIRD_US = 3 * DAY_US


def owed(paid_us: int | None) -> Obligation:
    return Obligation(series="s", number=1, due_by_us=END_OF_THIRD_US, paid_us=paid_us)


@pytest.mark.parametrize(
    ("paid_us", "end_us", "days"),
    [
        (END_OF_THIRD_US, 200_000_000, 0),
        (END_OF_THIRD_US + 1, 200_000_000, 1),
        (END_OF_THIRD_US + DAY_US, 200_000_000, 1),
        (END_OF_THIRD_US + DAY_US + 1, 200_000_000, 2),
        (None, END_OF_THIRD_US, 0),
        (None, END_OF_THIRD_US + 1, 1),
        (None, END_OF_THIRD_US + 3 * DAY_US, 3),
    ],
)
def test_late_days_are_business_time(paid_us: int | None, end_us: int, days: int) -> None:
    scenario = load("coupon-day-partition")
    assert late_coupon_days(scenario, [owed(paid_us)], end_us) == days


def test_what_falls_due_in_a_run() -> None:
    scenario = load("coupon-day-partition")
    genesis = make_genesis(scenario, Keys(1, "fast"))
    [coupon] = obligations(scenario, genesis, ())
    assert (coupon.number, coupon.due_by_us, coupon.paid_us) == (4, END_OF_THIRD_US, None)
    assert obligations(replace(scenario, workload=()), genesis, ()) == [], "nobody opens days"
    short = replace(scenario, duration=2 * DAY_US)
    assert obligations(short, genesis, ()) == [], "over before the payment day begins"
