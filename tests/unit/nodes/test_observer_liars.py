"""Rule 29: who answers a light observer falsely is caught, and another is asked instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from consensus.effects import Milestone, Send
from consensus.encoding import encode
from consensus.events import Receive, TimerFired
from consensus.messages import (
    BalanceProof,
    FetchBalance,
    Headers,
    Message,
    ReceiptProof,
    StateProof,
    signed,
)
from nodes.block import Header
from nodes.ledger.receipts import Receipt
from nodes.ledger.records import Balance
from nodes.light_proofs import evidence_of
from nodes.observer import Phase
from tests.unit.nodes.observer_bench import ACCOUNT, NAMES, OTHER, World, changed, only


def first_header(answer: Headers) -> Message:
    """Forked at its beginning: all hashes after it are true ones."""
    told = changed(answer.headers[0], Header, receipts_root=b"x" * 32)
    return replace(answer, headers=(told, *answer.headers[1:]))


def last_header(answer: Headers) -> Message:
    told = changed(answer.headers[-1], Header, state_root=b"x" * 32)
    return replace(answer, headers=(*answer.headers[:-1], told))


def forked_chain(answer: Headers) -> Message:
    """A chain that holds together, but leads elsewhere."""
    headers: list[bytes] = []
    parent = None
    for data in answer.headers:
        header = msgspec.msgpack.decode(data, type=Header)
        header = replace(header, parent=parent or header.parent, transactions_root=b"x" * 32)
        parent = header.hash
        headers.append(encode(header))
    return replace(answer, headers=tuple(headers))


def no_newest(answer: Headers) -> Message:
    return replace(answer, headers=answer.headers[:-1])


def too_many(answer: Headers) -> Message:
    return replace(answer, headers=(answer.headers[0],) * 2 + answer.headers[1:])


def rubbish_header(answer: Headers) -> Message:
    return replace(answer, headers=(*answer.headers[:-1], b"\xc1"))


def other_code(answer: ReceiptProof) -> Message:
    first = answer.receipts[0]
    told = replace(first, receipt=changed(first.receipt, Receipt, code="E_FROZEN"))
    return replace(answer, receipts=(told, *answer.receipts[1:]))


def other_request(answer: ReceiptProof) -> Message:
    """A true receipt, of an order that another block holds."""
    first, second = answer.receipts[:2]
    told = replace(first, request=second.request)
    return replace(answer, receipts=(told, *answer.receipts[1:]))


def no_request(answer: ReceiptProof) -> Message:
    told = replace(answer.receipts[0], request=None)
    return replace(answer, receipts=(told, *answer.receipts[1:]))


def other_block(answer: ReceiptProof) -> Message:
    told = replace(answer.receipts[0], height=2)
    return replace(answer, receipts=(told, *answer.receipts[1:]))


def told_twice(answer: ReceiptProof) -> Message:
    return replace(answer, receipts=(answer.receipts[0], *answer.receipts))


def beyond_the_range(answer: ReceiptProof) -> Message:
    return replace(answer, through=answer.through - 1)


def richer(answer: BalanceProof) -> Message:
    return replace(answer, value=changed(answer.value, Balance, free=10**15))


def not_there(answer: BalanceProof) -> Message:
    return replace(answer, value=b"", neighbour=("0" * 64, b"n" * 32))


def broken_path(answer: BalanceProof) -> Message:
    return replace(answer, levels=answer.levels[1:])


LIES = [
    first_header,
    last_header,
    forked_chain,
    no_newest,
    too_many,
    rubbish_header,
    other_code,
    other_request,
    no_request,
    other_block,
    told_twice,
    beyond_the_range,
    richer,
    not_there,
    broken_path,
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_rule_29_a_liar_is_caught_and_another_is_asked(lie: Callable[[Any], Message]) -> None:
    world = World()
    world.grow()
    hints: dict[str, type[Message]] = {
        "Headers": Headers,
        "ReceiptProof": ReceiptProof,
        "BalanceProof": BalanceProof,
    }
    kind = hints[lie.__annotations__["answer"]]
    world.lies["v1"] = only(kind, lie)  # the first that is asked
    world.poll()
    assert len(world.caught()) == 1
    assert world.caught()[0].startswith("v1 sent ")
    assert world.observer.liars == ("v1",)
    assert world.steps == [(5, 5, 0)]
    assert world.receipts == world.expected(ACCOUNT)
    world.grow()
    before = len(world.asked)
    world.poll(3)
    assert "v1" not in {name for name, _ in world.asked[before:]}


def test_rule_29_another_accounts_true_balance_is_no_answer() -> None:
    """The proof of another key, as it is and under the name that was asked for."""
    world = World()
    world.grow()

    def of_another(answer: BalanceProof) -> Message | None:
        head = (world.chain, 0, "auditor")
        question = FetchBalance(*head, answer.sequence, OTHER, answer.asset)
        told = world.answer("v1", question)
        assert isinstance(told, BalanceProof)
        return replace(told, account=ACCOUNT)

    world.lies["v1"] = only(BalanceProof, of_another)  # type: ignore[arg-type]
    world.poll()
    assert world.caught() == [f"v1 sent a balance of {ACCOUNT} that the state root doesn't hold"]
    assert world.balances[5, ACCOUNT, "PKR"] == world.desk.ledger.balance(ACCOUNT, "PKR")


def test_rule_29_another_accounts_receipts_are_no_answer() -> None:
    world = World(("dealer-2/main",))
    world.grow()

    def of_another(answer: ReceiptProof) -> Message:
        return replace(answer, receipts=evidence_of(world.blocks[0], ACCOUNT))

    world.lies["v1"] = only(ReceiptProof, of_another)
    world.poll()
    assert world.caught() == ["v1 sent a receipt that doesn't concern dealer-2/main"]
    assert world.receipts == []


def test_rule_29_a_receipt_that_is_left_out_is_missed_by_the_balances() -> None:
    world = World()
    world.grow()
    world.poll()
    world.grow()

    def half(answer: ReceiptProof) -> Message:
        return replace(answer, receipts=answer.receipts[::2])

    world.lies = {name: only(ReceiptProof, half) for name in ("v2", "v3")}
    world.poll()
    what = f"not all receipts of {ACCOUNT}: what they moved isn't what it has now"
    assert world.caught() == [f"v2 sent {what}", f"v3 sent {what}"]
    assert world.receipts == world.expected(ACCOUNT)


def test_rule_29_when_all_lie_it_believes_nothing_new_and_goes_on_asking() -> None:
    world = World()
    world.grow()
    world.lies = {name: only(BalanceProof, richer) for name in NAMES}
    world.poll(3)
    assert world.balances == {}
    world.lies = {name: only(Headers, last_header) for name in NAMES}
    world.grow()
    world.poll(3)
    assert world.observer.height == 5
    world.lies.clear()
    world.poll()
    assert world.observer.height == 10
    assert world.receipts == world.expected(ACCOUNT)


def test_rule_29_a_lie_that_its_sender_did_not_sign_accuses_nobody_and_stops_nothing() -> None:
    world = World()
    world.grow()
    observer = world.observer
    ask = observer.handle(TimerFired(0, ("poll",)))
    question = next(e.message for e in ask if isinstance(e, Send))
    true = world.answer("v1", question)
    assert isinstance(true, StateProof)
    last = true.states[-1]
    false = replace(true, states=(replace(last, state=replace(last.state, header_hash=b"f" * 32)),))
    for forged in (false, signed(false, world.keys["v2"])):
        effects = observer.handle(Receive(1, forged))
        assert not [e for e in effects if isinstance(e, Send | Milestone)]
        assert observer.phase is Phase.COMMITTEES
    # Nor does it listen to somebody whom it didn't ask.
    stranger = signed(replace(false, sender="v2"), world.keys["v2"])
    assert not observer.handle(Receive(1, stranger))
    # What is right proves itself, whoever sent it.
    observer.handle(Receive(2, true))
    assert observer.phase is Phase.HEADERS
    assert observer.liars == ()


def test_rule_29_that_nothing_is_left_out_takes_a_signature() -> None:
    """Else a forger could have it blame an honest validator for what wasn't in its answer."""
    world = World()
    world.grow()
    world.poll()
    world.grow()
    observer = world.observer
    effects = observer.handle(TimerFired(world.now_us, ("poll",)))
    while True:
        (send,) = [e for e in effects if isinstance(e, Send)]
        world.now_us += 10
        answer = world.answer(send.to, send.message)
        assert answer is not None
        if isinstance(answer, ReceiptProof):
            break
        effects = observer.handle(Receive(world.now_us, signed(answer, world.keys[send.to])))
    # A forger tells a part of it, and leaves out the rest of that.
    forged = replace(answer, receipts=(), through=answer.first)
    for effect in observer.handle(Receive(world.now_us, forged)):
        if isinstance(effect, Send):
            more = world.answer(effect.to, effect.message)
            assert more is not None
            observer.handle(Receive(world.now_us, signed(more, world.keys[effect.to])))
    observer.handle(Receive(world.now_us, signed(answer, world.keys[send.to])))
    assert (observer.height, observer.liars) == (10, ())


def test_rule_29_more_headers_than_were_asked_for_are_refused_though_they_are_true() -> None:
    world = World()
    world.grow()
    world.poll()
    world.grow()
    world.lies["v2"] = lambda answer: (
        replace(answer, headers=tuple(encode(block.header) for block in world.blocks))
        if isinstance(answer, Headers)
        else answer
    )
    world.poll()
    assert world.caught() == ["v2 sent more headers than were asked for"]
    assert world.steps == [(5, 5, 0), (10, 5, 0)]
