"""The measures that ``[[expect.metric]]`` can name, and how their values are written."""

from __future__ import annotations

from typing import Final

from scenarios.units import (
    UNITS,
    UnitError,
    parse_duration,
    parse_rate,
    show_duration,
    show_rate,
)

NUMBER: Final = "a whole number"
DURATION: Final = UNITS["duration"].wanted
RATE: Final = UNITS["rate"].wanted

BESIDE: Final = "beside_"
"""How the names of metrics begin that need ``expect.beside``: this run's figure in millionths of
the other one's."""

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
    "throughput": RATE,
    "beside_throughput_ppm": NUMBER,
    "beside_finality_p50_ppm": NUMBER,
    "beside_finality_p99_ppm": NUMBER,
}
"""Name -> what its value looks like. ``chainsim.run_result`` computes most of them."""


def comparable(name: str, value: int | str) -> int | None:
    """``value`` as the integer that the metric is measured in; None if it isn't one."""
    if METRICS[name] == NUMBER:
        return value if isinstance(value, int) else None
    try:
        return parse_rate(value) if METRICS[name] == RATE else parse_duration(value)
    except UnitError:
        return None


def shown(name: str, value: int) -> str:
    """A measured value in the unit of its metric."""
    show = {DURATION: show_duration, RATE: show_rate}.get(METRICS[name], str)
    return show(value)
