"""The order of events, and how a run ends."""

from __future__ import annotations

import gc
from itertools import permutations
from typing import Any

from chainsim.simulation import scheduler
from chainsim.simulation.scheduler import CLIENT, DISK, FAULT, MESSAGE, TIMER, Scheduler


def note(now_us: int, event_id: int, payload: tuple[list[Any], int]) -> None:
    seen, priority = payload
    seen.append((now_us, priority, event_id))


def test_order_is_time_then_priority_then_id_whatever_was_pushed_first() -> None:
    wanted = [
        (5, FAULT, 9),
        (5, DISK, 8),
        (5, TIMER, 7),
        (5, MESSAGE, 1),
        (5, MESSAGE, 6),
        (5, CLIENT, 2),
        (6, FAULT, 1),
    ]
    for order in permutations(wanted):
        seen: list[Any] = []
        queue = Scheduler()
        for at_us, priority, event_id in order:
            queue.push(at_us, priority, event_id, note, (seen, priority))
        queue.run(10)
        assert seen == wanted


def test_a_run_includes_its_last_microsecond_and_goes_on_where_it_stopped() -> None:
    seen: list[int] = []
    queue = Scheduler()
    for at_us in (1, 5, 6, 9):
        queue.push_own(at_us, MESSAGE, lambda now, *_: seen.append(now))
    queue.run(5)
    assert (seen, queue.now_us) == ([1, 5], 5)
    queue.run(4)
    assert queue.now_us == 5
    queue.run(20)
    assert (seen, queue.now_us, queue.heap, queue.events) == ([1, 5, 6, 9], 20, [], 4)


def test_finish_ends_a_run_early_and_leaves_no_mark_behind() -> None:
    seen: list[int] = []
    queue = Scheduler()
    queue.push_own(3, TIMER, queue.finish)
    queue.push_own(7, TIMER, lambda now, *_: seen.append(now))
    queue.run(100)
    assert (queue.now_us, seen, len(queue.heap)) == (3, [], 1)
    queue.run(100)
    assert (queue.now_us, seen) == (100, [7])


def test_the_collector_rests_during_a_run_only() -> None:
    states: list[bool] = []
    queue = Scheduler()
    queue.push_own(1, TIMER, lambda *_: states.append(gc.isenabled()))
    assert gc.isenabled()
    queue.run(2)
    assert states == [False]
    assert gc.isenabled()


def test_the_collector_returns_after_an_error() -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    queue = Scheduler()
    queue.push_own(1, TIMER, fail)
    try:
        queue.run(2)
    except RuntimeError:
        assert gc.isenabled()
    else:
        raise AssertionError("the error was swallowed")


def test_look_is_called_between_chunks() -> None:
    looks: list[int] = []
    queue = Scheduler()
    for at_us in range(2 * scheduler.CHUNK + 10):
        queue.push_own(at_us, MESSAGE, lambda *_: None)
    queue.run(10**6, lambda: looks.append(queue.now_us))
    assert looks == [scheduler.CHUNK - 1, 2 * scheduler.CHUNK - 1]
    assert queue.events == 2 * scheduler.CHUNK + 10
