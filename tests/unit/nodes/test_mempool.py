"""The mempool: fairness, caps, dedupe by number; and a state machine against a naive model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consensus.messages import Request
from nodes.mempool import Mempool


def request(client: str, number: int, operation: bytes = b"x") -> Request:
    return Request(b"", 0, client, number, operation, b"key")


def keys(requests: tuple[Request, ...]) -> list[tuple[str, int]]:
    return [(item.sender, item.number) for item in requests]


def filled(*entries: tuple[str, int]) -> Mempool:
    pool = Mempool()
    for client, number in entries:
        assert pool.add(request(client, number))
    return pool


def test_clients_take_turns_in_order_of_name_and_number() -> None:
    pool = filled(("b", 2), ("b", 1), ("a", 3), ("c", 1), ("b", 3))
    assert keys(pool.select(3)) == [("a", 3), ("b", 1), ("c", 1)]
    assert keys(pool.select(3)) == [("b", 2), ("b", 3)]
    assert pool.select(3) == ()


def test_the_turn_goes_on_where_the_last_proposal_stopped() -> None:
    pool = filled(*((client, number) for client in "abc" for number in (1, 2)))
    assert keys(pool.select(1)) == [("a", 1)]
    assert keys(pool.select(1)) == [("b", 1)]
    assert keys(pool.select(4)) == [("c", 1), ("a", 2), ("b", 2), ("c", 2)]


def test_a_flood_delays_no_other_client() -> None:
    pool = Mempool(per_client_limit=100, total_limit=150)
    taken = [pool.add(request("flood", number)) for number in range(1, 500)]
    assert sum(taken) == 100
    assert pool.add(request("quiet", 1))
    assert ("quiet", 1) in keys(pool.select(2))


def test_a_full_pool_refuses_and_evicts_nothing() -> None:
    pool = Mempool(per_client_limit=3, total_limit=4)
    held = [request("a", 1), request("b", 1), request("b", 2), request("b", 3)]
    assert all(pool.add(item) for item in held)
    assert not pool.add(request("b", 4))
    assert not pool.add(request("c", 1))
    assert all(item in pool for item in held)
    assert dict(pool.oldest()) == {"a": 1, "b": 1}
    pool.remove((held[0],))
    assert pool.add(request("c", 1))


def test_the_first_request_under_a_number_stays() -> None:
    pool = Mempool()
    first, second = request("a", 1, b"pay x"), request("a", 1, b"pay y")
    assert pool.add(first)
    assert not pool.add(first)
    assert not pool.add(second)
    assert first in pool
    assert second not in pool


@pytest.mark.parametrize("held_first", [True, False])
def test_anothers_proposal_with_the_other_request_holds_ours_back(held_first: bool) -> None:
    """A Byzantine client signed two operations with one number, and sent us this one."""
    pool = Mempool()
    ours, theirs = request("a", 1, b"pay x"), request("a", 1, b"pay y")
    if held_first:
        pool.add(ours)
    pool.mark_selected((theirs,))
    if not held_first:
        pool.add(ours)
    assert len(pool) == 0
    assert pool.select(5) == ()
    assert dict(pool.oldest()) == {"a": 1}  # it waits, so its deadline runs
    pool.remove((theirs,))
    assert dict(pool.oldest()) == {}
    assert ours not in pool


def test_a_new_view_makes_everything_selectable_again() -> None:
    pool = filled(("a", 1), ("b", 1))
    assert len(pool.select(1)) == 1
    pool.mark_selected((request("b", 1), request("c", 1)))
    assert len(pool) == 0
    pool.release_selected()
    assert len(pool) == 2
    assert pool.add(request("c", 1))
    assert len(pool.select(5)) == 3


def test_what_the_ledger_would_refuse_is_not_taken() -> None:
    pool = Mempool(acceptable=lambda item: item.number > 3)
    assert not pool.add(request("a", 3))
    assert pool.add(request("a", 4))


@pytest.mark.parametrize("selected", [True, False])
def test_a_forged_request_that_failed_leaves_the_clients_own(selected: bool) -> None:
    """E_SIG leaves the number unused: the client's own request must still be ordered."""
    pool = Mempool(acceptable=lambda _item: True)
    own, forged = request("a", 1, b"mine"), request("a", 1, b"forged")
    pool.add(own)
    if selected:
        pool.mark_selected((forged,))
    pool.remove((forged,))
    assert dict(pool.oldest()) == {"a": 1}
    assert pool.select(5) == (own,)


def test_a_failed_forgery_holds_back_nothing_that_comes_later() -> None:
    pool = Mempool()
    forged, own = request("a", 1, b"forged"), request("a", 1, b"mine")
    pool.mark_selected((forged,))
    pool.remove((forged,))
    pool.add(own)
    assert pool.select(5) == (own,)


def test_clients_that_have_nothing_left_leave_no_trace() -> None:
    pool = Mempool()
    for number in range(100):
        item = request(f"client-{number}", 1)
        pool.add(item)
        pool.mark_selected((item, request(f"other-{number}", 1)))
        pool.remove((item, request(f"other-{number}", 1)))
    leftovers = (pool._queues, pool._ready, pool._digests, pool._proposed, pool._oldest)
    assert not any(leftovers)


def test_the_oldest_are_a_live_view_that_nobody_can_write() -> None:
    pool = Mempool()
    oldest = pool.oldest()
    pool.add(request("a", 5))
    assert oldest["a"] == 5
    with pytest.raises(TypeError):
        oldest["a"] = 6  # type: ignore[index]


CLIENTS = st.sampled_from(["a", "b", "c"])
REQUESTS = st.builds(request, CLIENTS, st.integers(1, 6), st.sampled_from([b"x", b"y"]))
BATCHES = st.lists(REQUESTS, max_size=4).map(tuple)


class MempoolModel(RuleBasedStateMachine):
    """Compares with lists that are searched from end to end."""

    PER_CLIENT, TOTAL = 4, 9

    def __init__(self) -> None:
        super().__init__()
        self.done: set[tuple[str, int]] = set()
        acceptable: Callable[[Request], bool] = lambda item: (  # noqa: E731
            (item.sender, item.number) not in self.done
        )
        self.pool = Mempool(acceptable, self.PER_CLIENT, self.TOTAL)
        self.waiting: list[Request] = []
        self.selected: set[tuple[str, int]] = set()
        self.last = ""

    def fresh(self) -> list[Request]:
        return [r for r in self.waiting if (r.sender, r.number) not in self.selected]

    @rule(item=REQUESTS)
    def add(self, item: Request) -> None:
        key = (item.sender, item.number)
        room = len(self.waiting) < self.TOTAL
        own = [r.number for r in self.waiting if r.sender == item.sender]
        wanted = (
            key not in self.done and item.number not in own and len(own) < self.PER_CLIENT and room
        )
        assert self.pool.add(item) == wanted
        if wanted:
            self.waiting.append(item)

    @rule(limit=st.integers(0, 5))
    def select(self, limit: int) -> None:
        wanted = []
        while len(wanted) < limit and self.fresh():
            clients = sorted({r.sender for r in self.fresh()})
            client = next((c for c in clients if c > self.last), clients[0])
            mine = [r for r in self.fresh() if r.sender == client]
            chosen = min(mine, key=lambda r: r.number)
            wanted.append(chosen)
            self.selected.add((chosen.sender, chosen.number))
            self.last = client
        assert self.pool.select(limit) == tuple(wanted)

    @rule(batch=BATCHES)
    def mark_selected(self, batch: tuple[Request, ...]) -> None:
        self.pool.mark_selected(batch)
        self.selected.update((r.sender, r.number) for r in batch)

    @rule()
    def release_selected(self) -> None:
        self.pool.release_selected()
        self.selected.clear()

    @rule(batch=BATCHES)
    def executed(self, batch: tuple[Request, ...]) -> None:
        keys = {(r.sender, r.number) for r in batch}
        self.done |= keys
        self.pool.remove(batch)
        self.waiting = [r for r in self.waiting if (r.sender, r.number) not in keys]
        self.selected -= keys

    @rule(batch=BATCHES)
    def failed_in_the_envelope(self, batch: tuple[Request, ...]) -> None:
        """Ordered but the number stays unused: only the very same requests go."""
        self.pool.remove(batch)
        digests = {r.digest for r in batch}
        self.waiting = [r for r in self.waiting if r.digest not in digests]
        self.selected -= {(r.sender, r.number) for r in batch}

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def execute_what_waits(self, data: st.DataObject) -> None:
        self.executed((data.draw(st.sampled_from(self.waiting)),))

    @invariant()
    def agrees(self) -> None:
        assert len(self.pool) == len(self.fresh())
        assert self.pool.waiting == len(self.waiting)
        assert all(item in self.pool for item in self.waiting)
        oldest: dict[str, int] = {}
        for item in self.waiting:
            oldest[item.sender] = min(item.number, oldest.get(item.sender, item.number))
        assert dict(self.pool.oldest()) == oldest


TestMempoolModel = MempoolModel.TestCase
TestMempoolModel.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
