"""What arrives while something is withheld is read after it."""

from __future__ import annotations

from chainsim.checks.lived_order import LivedOrder
from chainsim.trace import (
    MessageMoved,
    NodeChanged,
    Reached,
    Record,
    Signed,
    TimerExpired,
    Withheld,
)


def arrives(at_us: int, node: str = "v1") -> MessageMoved:
    return MessageMoved(at_us, node, "delivered", "prepare", "v2", 0, 1, 100)


def reached(at_us: int, node: str = "v1") -> Reached:
    return Reached(at_us, node, "prepared", 0, 1, b"")


def read(*records: Record) -> list[tuple[str, int]]:
    """(node, time) in the order in which the records are passed on."""
    passed: list[tuple[str, int]] = []
    order = LivedOrder(lambda record: passed.append((record.node, record.at_us)))
    for record in records:
        order.take(record)
    return passed


def v1(*times: int) -> list[tuple[str, int]]:
    return [("v1", at_us) for at_us in times]


def test_what_came_after_a_step_is_read_after_it() -> None:
    assert read(arrives(1), Withheld(2, "v1"), arrives(3), reached(4)) == v1(1, 4, 3)


def test_steps_that_are_withheld_keep_their_places() -> None:
    steps = (Withheld(1, "v1"), arrives(2), Withheld(3, "v1"), arrives(4), Withheld(5, "v1"))
    told = (reached(6), TimerExpired(7, "v1", "request"))
    assert read(*steps, *told) == v1(6, 2, 7, 4)
    assert read(*steps, *told, reached(8), arrives(9)) == v1(6, 2, 7, 4, 8, 9)


def test_what_leaves_waits_for_nothing() -> None:
    signed = Signed(3, "v1", "prepare", 0, 0, 1, b"")
    assert read(Withheld(1, "v1"), arrives(2), signed, reached(4)) == v1(3, 4, 2)


def test_a_step_that_a_crash_undoes_is_not_waited_for() -> None:
    down, up = NodeChanged(3, "v1", "down"), NodeChanged(4, "v1", "up")
    assert read(Withheld(1, "v1"), arrives(2), down, up, reached(5), arrives(6)) == v1(
        2, 3, 4, 5, 6
    )


def test_who_stands_still_loses_nothing() -> None:
    paused = NodeChanged(3, "v1", "paused")
    assert read(Withheld(1, "v1"), arrives(2), paused, reached(4)) == v1(3, 4, 2)


def test_each_node_has_an_order_of_its_own() -> None:
    records = (Withheld(1, "v1"), arrives(2, "v2"), arrives(3), reached(4, "v2"), reached(5))
    assert read(*records) == [("v2", 2), ("v2", 4), ("v1", 5), ("v1", 3)]
