"""How fast this machine runs the simulator, beside how fast it runs an empty heap loop.

The ratio of the two means something on any machine; the absolute numbers only on this one.
"""

from __future__ import annotations

import gc
from heapq import heappop, heappush
from typing import Final

import msgspec

from chainsim import wall_clock

HEAP_EVENTS: Final = 1_000_000
HEAP_DEPTH: Final = 4096
"""Events that wait at any time, like a busy network's."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: ``count`` of what ``unit`` names, in ``wall_s`` seconds."""

    name: str
    unit: str
    count: int
    wall_s: float
    per_s: int
    detail: dict[str, int] = {}


def row(name: str, unit: str, count: int, wall_ns: int, **detail: int) -> Row:
    """A measurement from its raw numbers."""
    return Row(
        name=name,
        unit=unit,
        count=count,
        wall_s=round(wall_ns / 1e9, 3),
        per_s=count * 10**9 // max(1, wall_ns),
        detail=detail,
    )


def empty_heap_loop(events: int = HEAP_EVENTS) -> Row:
    """Pops ``events`` tuples shaped like the kernel's, and pushes one for each."""
    heap: list[tuple[int, int, int, None]] = []
    for number in range(HEAP_DEPTH):
        heappush(heap, (number * 7919 % HEAP_DEPTH, 3, number, None))
    gc.collect()
    gc.freeze()
    start_ns = wall_clock.now_ns()
    for number in range(HEAP_DEPTH, HEAP_DEPTH + events):
        at_us, priority, _, nothing = heappop(heap)
        # Spread like latencies: a fixed linear congruence, no draw.
        heappush(heap, (at_us + 1 + number * 7919 % HEAP_DEPTH, priority, number, nothing))
    wall_ns = wall_clock.now_ns() - start_ns
    gc.unfreeze()
    return row("empty heap loop", "events", events, wall_ns)
