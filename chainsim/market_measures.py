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

from chainsim.checks import CheckResult
from chainsim.measures import percentile
from nodes.block import Block
from nodes.ledger.calendar import next_business_day
from nodes.ledger.genesis import Genesis
from nodes.ledger.receipts import Receipt
from nodes.ledger.schedule import schedule
from scenarios.schema import Scenario

PAID_IN_FULL: Final = "days_late"
"""The result in whose presence a COUPON_PAY has paid the last holder."""


PPM: Final = 1_000_000
RECOVERIES_PER_DAY: Final = 12
"""The target is to be back within two hours of business time: a twelfth of a day."""

METRIC_OF: Final = {
    "longest_recovery_us": "longest_recovery",
    "recovery_target_us": "recovery_target",
    "submit_to_final_p50_us": "submit_to_final_p50",
    "submit_to_final_p99_us": "submit_to_final_p99",
}
"""Measures whose name as a metric of ``[expect]`` is another: durations carry their own unit."""

_COUNTED: Final[dict[str, tuple[str, str]]] = {
    "reverted_blocks": ("agreement", ""),
    "half_settled_dvps": ("delivery-versus-payment", "both of its legs"),
    "stranded_reservations": ("delivery-versus-payment", "stranded"),
    "unlicensed_acts": ("authority", ""),
}
"""What must be zero: how many findings of a check hold certain words."""


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


def market(
    scenario: Scenario,
    genesis: Genesis,
    chain: Sequence[Block],
    spans: Sequence[tuple[int, int | None]],
    checks: Sequence[CheckResult],
    end_us: int,
) -> dict[str, int]:
    """All measures by name; ``spans`` are (submitted, final) of each transaction, by submission.

    Names that end in ``_us`` are virtual time, in ``_ppm`` parts per million; the others count.
    What could not be measured is left out.
    """
    found = {name: _findings(checks, check, words) for name, (check, words) in _COUNTED.items()}
    found["late_coupon_days"] = late_coupon_days(
        scenario, obligations(scenario, genesis, chain), end_us
    )
    final_us = sorted(end - start for start, end in spans if end is not None)
    if final_us:
        found["submit_to_final_p50_us"] = percentile(final_us, 50)
        found["submit_to_final_p99_us"] = percentile(final_us, 99)
    if spans:
        found["final_by_value_date_ppm"] = _final_by_value_date(scenario, spans)
        outages = _outages(scenario, spans, end_us)
        begun, last = spans[0][0], max(end_us, spans[0][0] + 1)
        found["availability_ppm"] = PPM - PPM * sum(outages) // (last - begun)
        found["longest_recovery_us"] = max(outages, default=0)
    found["recovery_target_us"] = scenario.calendar.day // RECOVERIES_PER_DAY
    return found


def _findings(checks: Sequence[CheckResult], name: str, words: str) -> int:
    return sum(
        words in finding.what
        for check in checks
        if check.name == name
        for finding in check.findings
    )


def _final_by_value_date(scenario: Scenario, spans: Sequence[tuple[int, int | None]]) -> int:
    """Share of transactions that were final before their business day was over."""
    day_us = scenario.calendar.day
    in_time = sum(end is not None and end < (start // day_us + 1) * day_us for start, end in spans)
    return PPM * in_time // len(spans)


def _outages(scenario: Scenario, spans: Sequence[tuple[int, int | None]], end_us: int) -> list[int]:
    """Lengths of the times in which something waited and nothing became final.

    One begins a request time-out after the last thing that became final (or after the first that
    then waited was submitted), and ends when something becomes final, or with the run.
    """
    moments = [(start, 1) for start, _ in spans]
    moments += [(end, -1) for _, end in spans if end is not None]
    moments.append((end_us, 0))
    waiting, since_us, found = 0, 0, []
    for at_us, change in sorted(moments, key=lambda moment: (moment[0], -moment[1])):
        if change <= 0 and waiting:
            silent_us = at_us - since_us - scenario.consensus.request_timeout
            if silent_us > 0:
                found.append(silent_us)
        if change < 0 or (change > 0 and not waiting):
            since_us = at_us
        waiting += change
    return found
