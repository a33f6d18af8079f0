"""Hypothesis strategies: schedules of faults, and transactions. Needs the extra ``test``.

    @given(schedules(n=4), orders(most=5))
    def test_survives(schedule, orders):
        c = cluster(n=4)
        c.schedule(*schedule)
        c.submit(*orders)
        c.settle()
        c.check()

Schedules come from the very fault model that ``chainsim explore`` draws from; only the source of
the choices is another, so that Hypothesis shrinks the choices.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from chainsim.explore.drawing import Draw, draw_faults, drawn_kinds
from chainsim.explore.liars import draw_hostile
from chainsim.explore.model import BYZANTINE, Cast, FaultModel
from chainsim.testing.submitting import ASSET, Order
from consensus.types import max_faulty
from nodes.ledger.transactions import Money, Transaction, Transfer
from scenarios.faults import Fault
from scenarios.faults.membership import LASTING
from scenarios.rng import PPM, Stream

DEALERS: Final = ("dealer-a", "dealer-b", "dealer-c", "dealer-d")
"""The parties with cash in the network of ``cluster(n)``."""
TIMEOUT_US: Final = 500_000
"""That network's time-outs."""
MOST_PAISA: Final = 10**10
"""What each of them holds at the start."""


class _Choices(Stream):
    """A stream whose draws are Hypothesis' choices."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw: Final = draw

    def bits(self, count: int) -> int:
        return self._draw(st.integers(0, (1 << count) - 1))

    def below(self, limit: int) -> int:
        return self._draw(st.integers(0, limit - 1))

    def chance(self, ppm: int) -> bool:
        return self.below(PPM) >= PPM - ppm  # the smallest choice is "no"


@st.composite
def schedules(
    draw: st.DrawFn,
    n: int = 4,
    *,
    kinds: tuple[str, ...] = (),
    hostile: bool = True,
    most: int = 4,
    busy_us: int = 2_000_000,
) -> tuple[Fault, ...]:
    """Faults for ``cluster(n)``, within PBFT.md's budget: at most f hostile, all others end.

    ``kinds`` narrows them to some; ``hostile`` allows Byzantine validators; ``most`` bounds how
    many others there are; they begin before ``busy_us``. The committee stays as it is.
    """
    ids = tuple(f"r{index}" for index in range(n))
    cast = Cast(ids=ids, f=max_faulty(n), hostile=(), busy_us=busy_us, timeout_us=TIMEOUT_US)
    choices = Draw(_Choices(draw), cast, FaultModel(kinds=kinds))
    able = [kind for kind in drawn_kinds(choices.model) if kind not in (BYZANTINE, *LASTING)]
    faults = draw_hostile(choices) if hostile else []
    for _ in range(draw(st.integers(0, most)) if able else 0):
        faults += draw_faults(choices, draw(st.sampled_from(able)))
    return tuple(faults)


def transactions(clients: tuple[str, ...] = DEALERS) -> st.SearchStrategy[Order]:
    """A transfer of cash between two of ``clients``; some that the ledger must refuse: more than
    there is, out of somebody else's account, or to an account that doesn't exist."""
    sound = _orders(clients, st.integers(1, MOST_PAISA // 100))
    too_much = _orders(clients, st.integers(4 * MOST_PAISA + 1, 10 * MOST_PAISA))
    thefts = st.builds(_theft, sound, st.sampled_from(clients))
    nowhere = st.builds(_nowhere, sound)
    return st.one_of(sound, sound, sound, too_much, thefts, nowhere)


def _orders(clients: tuple[str, ...], amounts: st.SearchStrategy[int]) -> st.SearchStrategy[Order]:
    pairs = st.permutations(clients).map(lambda order: order[:2])
    return st.builds(lambda pair, amount: _order(pair[0], pair[0], pair[1], amount), pairs, amounts)


def _order(client: str, source: str, target: str, amount: int) -> Order:
    body = Transfer(source=f"{source}/cash", target=f"{target}/cash", amount=Money(ASSET, amount))
    return Order(client, Transaction(body))


def _theft(order: Order, client: str) -> Order:
    return Order(client, order.transaction)


def _nowhere(order: Order) -> Order:
    body = order.transaction.body
    assert isinstance(body, Transfer)
    gone = Transfer(source=body.source, target="nobody/cash", amount=body.amount)
    return Order(order.client, Transaction(gone))


def orders(most: int = 8, clients: tuple[str, ...] = DEALERS) -> st.SearchStrategy[list[Order]]:
    """One to ``most`` transactions."""
    return st.lists(transactions(clients), min_size=1, max_size=most)
