"""The workload ``coupons``: what falls due in a run is declared, paid and redeemed on its day."""

from __future__ import annotations

from typing import Any

from nodes.ledger.transactions import CouponDeclare, CouponPay, Redeem, decode
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.loader import load_text
from scenarios.workload.plan import submissions

TEXT = """
name = "c"
duration = "100s"
validators = 4
[calendar]
start = 2021-03-03
day = "20s"
[genesis]
include = "market"
[[workload]]
kind = "coupons"
"""
SECOND = 1_000_000
PIB, BILL = "PIB-5Y-05MAR2024", "MTB-84D-05MAR2021"


def plan(*overrides: str) -> list[tuple[int, Any]]:
    scenario = load_text(TEXT, overrides=list(overrides))
    keys = Keys(1, "fast")
    found = []
    for submission in submissions(scenario, make_genesis(scenario, keys), keys):
        transaction = decode(submission.operation)
        assert transaction is not None
        assert (submission.party, transaction.type) == ("sbp", submission.type)
        found.append((submission.at_us, transaction.body))
    return found


def test_declared_and_paid_on_the_third_day_then_redeemed() -> None:
    day = 40 * SECOND + SECOND // 2
    assert plan() == [
        (day + 2 * SECOND, CouponDeclare(series=PIB, number=4)),
        (day + 4 * SECOND, CouponPay(series=PIB, number=4)),
        (day + 8 * SECOND, Redeem(series=BILL)),
    ]


def test_pages_and_further_attempts() -> None:
    found = plan(
        f'workload[0].series=["{PIB}"]',
        "workload[0].page=3",
        "workload[0].pages=2",
        "workload[0].attempts=2",
    )
    day = 40 * SECOND + SECOND // 2
    page = CouponPay(series=PIB, number=4, limit=3)
    once = [
        (day + 2 * SECOND, CouponDeclare(series=PIB, number=4)),
        (day + 4 * SECOND, page),
        (day + 4 * SECOND + SECOND // 5, page),
    ]
    assert found == [*once, *((at_us + 20 * SECOND, body) for at_us, body in once)]
