"""What Hypothesis draws for the kit: schedules within the budget, transactions that the ledger
judges, and that the right protocol survives them."""

from __future__ import annotations

from hypothesis import find, given, settings
from hypothesis import strategies as st

from chainsim.testing import Order, cluster
from chainsim.testing.strategies import DEALERS, orders, schedules, transactions
from consensus.types import max_faulty
from scenarios.faults import Fault
from scenarios.loader import load_text, resolved_toml


@given(st.sampled_from((4, 5, 7)).flatmap(lambda n: st.tuples(st.just(n), schedules(n))))
def test_schedules_keep_to_the_budget_and_end(drawn: tuple[int, tuple[Fault, ...]]) -> None:
    n, schedule = drawn
    hostile = {name for fault in schedule if fault.makes_hostile() for name in fault.selectors()}
    assert len(hostile) <= max_faulty(n)
    for fault in schedule:
        assert fault.makes_hostile() or fault.ENDS_THEN or fault.length_us() is not None


@given(schedules(4))
@settings(max_examples=25)
def test_every_schedule_can_be_saved(schedule: tuple[Fault, ...]) -> None:
    c = cluster(n=4)
    c.schedule(*schedule)
    c.submit("a")
    c.run_for("300ms")
    assert c.reproduces()
    assert load_text(resolved_toml(c.scenario)) == c.scenario


def test_a_schedule_shrinks_to_little() -> None:
    only = schedules(4, kinds=("isolate",), hostile=False)
    smallest = find(only, lambda schedule: len(schedule) > 1)
    assert len(smallest) == 2
    assert all(len(fault.selectors()) == 1 for fault in smallest)


@given(schedules(4, most=2), orders(most=4))
@settings(max_examples=20)
def test_the_right_protocol_survives(schedule: tuple[Fault, ...], work: list[Order]) -> None:
    c = cluster(n=4)
    c.schedule(*schedule)
    c.submit(*work)
    c.settle()
    assert len(c.final) == len(work)
    c.check()


def test_transactions_of_each_outcome_are_drawn() -> None:
    codes: set[str] = set()

    @given(transactions())
    @settings(max_examples=60)
    def draw(order: Order) -> None:
        assert order.client in DEALERS
        c = cluster(n=1)
        c.submit(order)
        c.settle()
        c.check("conservation")
        codes.add(c.code("TRANSFER"))

    draw()
    assert codes == {"OK", "E_FREE_BAL", "E_ROLE", "E_UNVERIFIED"}
