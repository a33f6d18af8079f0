"""Measures of a market infrastructure (after the CPMI-IOSCO principles), from chain and plan.

Business time is virtual time scaled by ``calendar.day``: business day k of the calendar lasts from
``k * day`` to ``(k + 1) * day``, whatever the ledger's own date says then. A stalled chain opens no
days, so its dates alone would hide how late it is. Times are in
microseconds.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from nodes.block import Block
from nodes.ledger.calendar import next_business_day
from nodes.ledger.genesis import Genesis
from nodes.ledger.receipts import Receipt
from nodes.ledger.schedule import schedule
from scenarios.schema import Scenario

PAID_IN_FULL: Final = "days_late"
"""The result in whose presence a COUPON_PAY has paid the last holder."""


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """A coupon that falls due during a run."""

    series: str
    number: int
    due_by_us: int
    """End of its payment day, in business time."""
    paid_us: int | None
    """Block time at which the last holder was paid."""


def obligations(scenario: Scenario, genesis: Genesis, chain: Sequence[Block]) -> list[Obligation]:
    """The coupons of genesis whose payment day begins before the scenario's duration is over.

    None in a run that plans no business days.
    """
    if not any(type(workload).__struct_config__.tag == "days" for workload in scenario.workload):
        return []
    paid = {
        (fields["series"], fields["coupon"]): time_us
        for time_us, receipt in _successes(chain, "COUPON_PAY")
        if PAID_IN_FULL in (fields := dict(receipt.data))
    }
    days = dict(_business_days(scenario, genesis))
    return [
        Obligation(
            series=series.id,
            number=coupon.number,
            due_by_us=days[coupon.payment_date],
            paid_us=paid.get((series.id, str(coupon.number))),
        )
        for series in genesis.series
        if any(balance.asset == series.id for balance in genesis.balances)
        for coupon in schedule(series, genesis.closed)
        if coupon.payment_date in days
    ]


def late_coupon_days(scenario: Scenario, owed: Sequence[Obligation], end_us: int) -> int:
    """Business days, begun ones counted whole, by which coupons were or still are late."""
    return sum(
        -(-late_us // scenario.calendar.day)
        for item in owed
        if (late_us := (end_us if item.paid_us is None else item.paid_us) - item.due_by_us) > 0
    )


def _business_days(scenario: Scenario, genesis: Genesis) -> Iterator[tuple[datetime.date, int]]:
    """Each business date that begins during the run, with its end."""
    day, end_us = genesis.first_business_day, scenario.calendar.day
    while end_us - scenario.calendar.day < scenario.duration:
        yield day, end_us
        day, end_us = next_business_day(day, genesis.closed), end_us + scenario.calendar.day


def _successes(chain: Sequence[Block], type_name: str) -> Iterator[tuple[int, Receipt]]:
    """Successful receipts of a type, with their block's time."""
    for block in chain:
        for receipt in block.receipts:
            if (receipt.type, receipt.code) == (type_name, "OK"):
                yield block.header.time_us, receipt
