"""The measures that ``[[expect.metric]]`` can name, and how their values are written."""

from __future__ import annotations

from typing import Final

from scenarios.units import UNITS, UnitError, parse_duration

NUMBER: Final = "a whole number"
DURATION: Final = UNITS["duration"].wanted

METRICS: Final[dict[str, str]] = {
    "height": NUMBER,
    "view": NUMBER,
    "view_changes": NUMBER,
    "messages_sent": NUMBER,
    "messages_delivered": NUMBER,
    "messages_dropped": NUMBER,
    "transactions_submitted": NUMBER,
    "transactions_final": NUMBER,
    "transactions_failed": NUMBER,
    "dvp_settled": NUMBER,
    "late_coupon_days": NUMBER,
    "reverted_blocks": NUMBER,
    "half_settled_dvps": NUMBER,
    "stranded_reservations": NUMBER,
    "unlicensed_acts": NUMBER,
    "availability_ppm": NUMBER,
    "final_by_value_date_ppm": NUMBER,
    "longest_recovery": DURATION,
    "recovery_target": DURATION,
    "submit_to_final_p50": DURATION,
    "submit_to_final_p99": DURATION,
    "receipts_proven": NUMBER,
    "balances_proven": NUMBER,
    "proven_height": NUMBER,
    "finality_p50": DURATION,
    "finality_p99": DURATION,
    "finality_max": DURATION,
    "virtual_time": DURATION,
}
"""Name -> what its value looks like. ``chainsim.expectations`` computes each of them."""


def comparable(name: str, value: int | str) -> int | None:
    """``value`` as the integer that the metric is measured in; None if it isn't one."""
    if METRICS[name] == NUMBER:
        return value if isinstance(value, int) else None
    try:
        return parse_duration(value)
    except UnitError:
        return None
