"""The one room of the wall clock: how long a run took, never what happens in it."""

from __future__ import annotations

import time


def now_ns() -> int:
    """A monotonic reading in nanoseconds; only differences mean anything."""
    return time.perf_counter_ns()


def cpu_ns() -> int:
    """CPU time of this thread in nanoseconds; only differences mean anything."""
    return time.thread_time_ns()


def seconds_since(start_ns: int) -> float:
    """Wall seconds since ``start_ns``, to the millisecond."""
    return round((now_ns() - start_ns) / 1e9, 3)
