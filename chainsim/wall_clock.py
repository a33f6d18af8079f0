"""The one room of the wall clock: how long a run took, never what happens in it."""

from __future__ import annotations

import os
import time


def now_ns() -> int:
    """A monotonic reading in nanoseconds; only differences mean anything."""
    return time.perf_counter_ns()


def cpu_ns() -> int:
    """CPU time of this thread in nanoseconds; only differences mean anything."""
    return time.thread_time_ns()


def children_cpu_ns() -> int:
    """CPU time of the processes that this one started and that are over, in nanoseconds."""
    times = os.times()
    return int((times.children_user + times.children_system) * 1e9)


def seconds_since(start_ns: int) -> float:
    """Wall seconds since ``start_ns``, to the millisecond."""
    return round((now_ns() - start_ns) / 1e9, 3)
