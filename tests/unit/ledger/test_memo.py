"""The memo of executed blocks: equal places and equal batches only, and a bound."""

from __future__ import annotations

from consensus.messages import Batch
from nodes.ledger.memo import ExecutionMemo
from tests.unit.ledger.samples import DEADLINE_US, propose
from tests.unit.ledger.support import MILLION, Desk, money


def pay(desk: Desk, amount: int = MILLION) -> None:
    where = {"source": "dealer-1/main", "target": "dealer-2/main"}
    desk.ok("dealer-1", "TRANSFER", **where, amount=money(amount))


def history(desk: Desk) -> list[tuple[bytes, bytes]]:
    """Transfers, a DvP that is accepted and expires, a refusal: all that a block can change."""
    roots = []
    pay(desk)
    desk.send(*propose(desk)[:2])
    desk.ok("exchange-b", "DVP_ACCEPT", id="d")
    roots.append(desk.roots())
    pause = desk.request("vault", b"no transaction")
    desk.block(pause, after_us=DEADLINE_US)
    roots.append(desk.roots())
    desk.block(after_us=1)
    pay(desk, 2)
    roots.append(desk.roots())
    return roots


def test_whoever_recalls_ends_where_whoever_executes_does() -> None:
    memo = ExecutionMemo()
    plain, first, second = Desk(), Desk(memo=memo), Desk(memo=memo)
    wanted = history(plain)
    assert history(first) == wanted
    executed = len(memo)
    assert history(second) == wanted
    assert len(memo) == executed == second.ledger.height
    assert second.system_receipts == plain.system_receipts != []
    assert second.ledger._state.values == plain.ledger._state.values
    assert second.ledger._state.due(1 << 60) == plain.ledger._state.due(1 << 60)
    assert second.ledger.is_stale("dealer-1", 2)
    pay(second)
    pay(plain)
    assert second.roots() == plain.roots(), "and goes on from there"


def test_another_state_is_another_place() -> None:
    memo = ExecutionMemo()
    first, second = Desk(memo=memo), Desk(memo=memo)
    pay(first)
    pay(second, 2)
    assert first.roots() != second.roots()
    request = first.request("dealer-2", b"?")
    assert first.block(request).state_root != second.block(request).state_root


def test_equal_digests_do_not_make_equal_batches() -> None:
    """All null batches have one digest; only the time that they propose differs."""
    desk = Desk(memo=ExecutionMemo())
    place = (1, 0, *desk.roots())
    desk.block(after_us=5)
    memo = desk.ledger._memo
    assert memo is not None
    assert memo.recall(place, Batch(5, ())) is not None
    assert Batch(6, ()).digest == Batch(5, ()).digest
    assert memo.recall(place, Batch(6, ())) is None


def test_a_reader_takes_and_never_gives() -> None:
    memo = ExecutionMemo()
    reading = Desk(memo=memo.reader())
    pay(reading)
    assert len(memo) == 0
    writing = Desk(memo=memo)
    pay(writing)
    assert len(memo) == 1


def test_the_oldest_goes_first() -> None:
    memo = ExecutionMemo(limit=2)
    desk = Desk(memo=memo)
    places = []
    for time_us in (1, 2, 3):
        places.append((time_us, 0, *desk.roots()))
        desk.block(after_us=time_us)
    assert len(memo) == 2
    assert memo.recall(places[0], Batch(1, ())) is None
    assert memo.recall(places[2], Batch(3, ())) is not None
