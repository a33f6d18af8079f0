"""What a measurement is, and the empty heap loop that each is compared with."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

import msgspec

from chainsim import wall_clock

HEAP_EVENTS: Final = 300_000
HEAP_DEPTH: Final = 4096
"""Events that wait at any time, like a busy network's."""


class BenchmarkFailed(Exception):
    """What was measured isn't a correct run, so its speed means nothing."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """``count`` of what ``unit`` names, and what doing them took."""

    unit: str
    count: int
    cpu_ns: int
    wall_ns: int
    sent: int = 0
    """Messages handed to the network, per receiver."""
    delivered: int = 0
    detail: dict[str, int | str] = {}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement, as it is printed and saved. Rates are per second of CPU time."""

    name: str
    unit: str
    count: int
    cpu_s: float
    wall_s: float
    per_s: float
    ms_each: float
    sent_per_s: int
    delivered_per_s: int
    peak_mb: int
    """Of the process that measured this row and nothing else."""
    heap_events_per_s: int
    """Of the empty heap loop, in the same process."""
    heap_events_each: float
    """What one unit costs, in events of that loop."""
    detail: dict[str, int | str] = {}


def row(name: str, work: Work, heap_events_per_s: int) -> Row:
    """A row from its raw numbers."""
    cpu_ns = max(1, work.cpu_ns)
    return Row(
        name=name,
        unit=work.unit,
        count=work.count,
        cpu_s=round(cpu_ns / 1e9, 3),
        wall_s=round(work.wall_ns / 1e9, 3),
        per_s=_rounded(work.count * 1e9 / cpu_ns),
        ms_each=_rounded(cpu_ns / 1e6 / work.count),
        sent_per_s=work.sent * 10**9 // cpu_ns,
        delivered_per_s=work.delivered * 10**9 // cpu_ns,
        peak_mb=peak_mb(),
        heap_events_per_s=heap_events_per_s,
        heap_events_each=_rounded(heap_events_per_s * cpu_ns / 1e9 / work.count),
        detail=work.detail,
    )


def _rounded(value: float) -> float:
    """To three digits, or to a whole number from 100 on."""
    return float(f"{value:.3g}") if value < 100 else float(round(value))


def peak_mb() -> int:
    """The most memory that this process, or one that it started, ever had, in MB; 0 where nobody
    counts (Windows)."""
    try:
        import resource
    except ImportError:
        return 0
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    size = max(resource.getrusage(who).ru_maxrss for who in whose)
    return size // 1_000_000 if sys.platform == "darwin" else size * 1024 // 1_000_000


def empty_heap_loop(events: int = HEAP_EVENTS) -> int:
    """Pops ``events`` tuples shaped like the kernel's, and pushes one for each; how many a
    second of CPU time."""
    heap: list[tuple[int, int, int, None]] = []
    for number in range(HEAP_DEPTH):
        heappush(heap, (number * 7919 % HEAP_DEPTH, 3, number, None))
    gc.collect()
    gc.freeze()
    start_ns = wall_clock.cpu_ns()
    for number in range(HEAP_DEPTH, HEAP_DEPTH + events):
        at_us, priority, _, nothing = heappop(heap)
        # Spread like latencies: a fixed linear congruence, no draw.
        heappush(heap, (at_us + 1 + number * 7919 % HEAP_DEPTH, priority, number, nothing))
    cpu_ns = wall_clock.cpu_ns() - start_ns
    gc.unfreeze()
    return events * 10**9 // max(1, cpu_ns)


def timed(act: Callable[[], None]) -> tuple[int, int]:
    """(CPU, wall) nanoseconds that ``act`` takes."""
    wall_ns, cpu_ns = wall_clock.now_ns(), wall_clock.cpu_ns()
    act()
    return wall_clock.cpu_ns() - cpu_ns, wall_clock.now_ns() - wall_ns
