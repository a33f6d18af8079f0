"""A run beside the same one without its faults: what an attack on correct code costs.

Faults shift no draw of what they don't touch (law 3), so the two runs differ by the attack alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from chainsim.measures import Measures, percentile
from chainsim.run_summary import Beside, Finality, Pace
from scenarios.schema import Expect, Scenario

PPM: Final = 1_000_000
HOUR_US: Final = 3_600_000_000

Sent = tuple[str, int]
"""A client node and its request number."""


def undisturbed(scenario: Scenario) -> Scenario:
    """The same without faults, and without anything expected of it."""
    return replace(scenario, faults=(), expect=Expect(liveness="ignore"))


def pace(measures: Measures, requests: Iterable[Sent]) -> Pace:
    """How well the ``requests`` of a workload were served."""
    spans = [span for request in requests if (span := measures.span_of(*request)) is not None]
    final = [(sent_us, final_us) for sent_us, final_us in spans if final_us is not None]
    latencies = sorted(final_us - sent_us for sent_us, final_us in final)
    per_hour = 0
    if final:
        took_us = max(at_us for _, at_us in final) - min(sent_us for sent_us, _ in spans)
        per_hour = len(final) * HOUR_US // max(1, took_us)
    return Pace(
        submitted=len(spans),
        final=len(final),
        throughput_per_hour=per_hour,
        finality_us=Finality(
            p50=percentile(latencies, 50), p99=percentile(latencies, 99), max=latencies[-1]
        )
        if latencies
        else Finality(),
        view_changes=measures.view_changes,
    )


def ratios(beside: Beside) -> dict[str, int]:
    """The metrics that compare the two: the disturbed run's in millionths of the other's; what
    the other has none of is left out."""
    one, other = beside.disturbed, beside.undisturbed
    pairs = {
        "beside_throughput_ppm": (one.throughput_per_hour, other.throughput_per_hour),
        "beside_finality_p50_ppm": (one.finality_us.p50, other.finality_us.p50),
        "beside_finality_p99_ppm": (one.finality_us.p99, other.finality_us.p99),
    }
    return {name: a * PPM // b for name, (a, b) in pairs.items() if a is not None and b}
