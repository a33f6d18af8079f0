"""Measures of a market infrastructure: business time is virtual time, not the ledger's own date."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chainsim import summary
from chainsim.checks import CheckResult, Finding
from chainsim.market_measures import Obligation, late_coupon_days, market, obligations
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


def measured(spans: list[tuple[int, int | None]], end_us: int) -> dict[str, int]:
    scenario = replace(load("coupon-day-partition"), workload=())
    genesis = make_genesis(scenario, Keys(1, "fast"))
    return market(scenario, genesis, (), spans, (), end_us)


SECOND = 1_000_000


def test_an_outage_begins_a_time_out_after_the_last_sign_of_life() -> None:
    """Sent at 10 and 12 s, final at 11 and 30: silent from 12 s, excused for 2, so 16 s."""
    spans: list[tuple[int, int | None]] = [
        (10 * SECOND, 11 * SECOND),
        (12 * SECOND, 30 * SECOND),
    ]
    found = measured(spans, 50 * SECOND)
    assert found["longest_recovery_us"] == 16 * SECOND
    assert found["availability_ppm"] == 1_000_000 - 1_000_000 * 16 // 40
    assert found["submit_to_final_p99_us"] == 18 * SECOND


def test_what_never_becomes_final_is_an_outage_to_the_end() -> None:
    found = measured([(10 * SECOND, None)], 20 * SECOND)
    assert found["longest_recovery_us"] == 8 * SECOND
    assert "submit_to_final_p50_us" not in found


def test_nothing_waiting_is_no_outage() -> None:
    found = measured([(SECOND, 2 * SECOND), (40 * SECOND, 41 * SECOND)], 60 * SECOND)
    assert (found["longest_recovery_us"], found["availability_ppm"]) == (0, 1_000_000)


def test_the_value_date_is_the_business_day_of_the_submission() -> None:
    spans: list[tuple[int, int | None]] = [
        (DAY_US - 2, DAY_US - 1),
        (DAY_US - 1, DAY_US),
        (DAY_US, 2 * DAY_US - 1),
        (DAY_US, None),
    ]
    assert measured(spans, 2 * DAY_US)["final_by_value_date_ppm"] == 500_000


def test_findings_are_counted() -> None:
    scenario = load("coupon-day-partition")
    genesis = make_genesis(scenario, Keys(1, "fast"))
    stranded = Finding(1, "v0", 1, "5 of PKR reserved in x: stranded")
    checks = [CheckResult("delivery-versus-payment", "money", False, "", (stranded,))]
    found = market(scenario, genesis, (), [], checks, 0)
    assert (found["stranded_reservations"], found["half_settled_dvps"]) == (1, 0)
    assert "availability_ppm" not in found, "nothing was asked of it"


@pytest.mark.parametrize(("ppm", "shown"), [(1_000_000, "100.00 %"), (999_590, "99.95 %")])
def test_percent(ppm: int, shown: str) -> None:
    assert summary._percent(ppm) == shown
