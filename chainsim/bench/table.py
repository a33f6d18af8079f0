"""What ``chainsim bench`` prints: one line a row, and how it differs from an earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from chainsim.bench.measure import Row

HEADER: Final = (
    f"{'row':<24}{'ms each':>10}{'per second':>14}{'loop events':>12}"
    f"{'sent/s':>10}{'delivered/s':>12}{'peak MB':>9}{'CPU s':>8}"
)
"""``loop events``: what one unit costs, in events of the empty heap loop."""


def line(row: Row, before: Row | None = None) -> str:
    """One measurement; ``before`` is the same row of a saved file."""
    per_s = f"{row.per_s:,.0f}" if row.per_s >= 100 else f"{row.per_s:.3g}"
    ms_each = f"{row.ms_each:,.0f}" if row.ms_each >= 100 else f"{row.ms_each:.3g}"
    events = f"{row.heap_events_each:,.0f}" if row.heap_events_each >= 10 else (
        f"{row.heap_events_each:.2g}"
    )  # fmt: skip
    text = f"{row.name:<24}{ms_each:>10}{per_s:>14}{events:>12}"
    text += f"{row.sent_per_s or '':>10,}" if row.sent_per_s else f"{'':>10}"
    text += f"{row.delivered_per_s:>12,}" if row.delivered_per_s else f"{'':>12}"
    text += f"{row.peak_mb:>9,}{row.cpu_s:>8.2f}"
    return text if before is None else f"{text}  {change(row, before):+.0%}"


def change(row: Row, before: Row) -> float:
    """How much more one unit costs than it did, in events of the empty loop of each machine."""
    return row.heap_events_each / max(before.heap_events_each, 1e-9) - 1


def differences(rows: tuple[Row, ...], before: Mapping[str, Row]) -> Iterator[str]:
    """What else is worth knowing of two readings: runs that aren't the same, rows without
    a counterpart."""
    for row in rows:
        old = before.get(row.name)
        if old is None:
            yield f"{row.name}: not in the saved file"
        elif old.detail.get("digest") != row.detail.get("digest"):
            yield f"{row.name}: another run (its digest differs), so its cost may differ too"
