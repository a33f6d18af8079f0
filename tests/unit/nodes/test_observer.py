"""Rule 29, light observers: everything is proven, liars are caught, and others asked instead."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.effects import Milestone, Send
from consensus.errors import ConfigurationError
from consensus.events import Boot, Receive, TimerFired
from consensus.messages import (
    BalanceProof,
    FetchBalance,
    FetchHeaders,
    Headers,
    Message,
    ReceiptProof,
    StateProof,
    signed,
)
from consensus.types import NodeId
from nodes import proof_server
from nodes.observer import Phase
from tests.unit.nodes.observer_bench import ACCOUNT, NAMES, OTHER, POLL_US, World, only
from tests.unit.protocol.strategies import BY_TYPE

# What it believes


def test_rule_29_it_believes_blocks_receipts_and_balances_up_to_a_checkpoint() -> None:
    world = World((ACCOUNT, OTHER))
    world.grow()
    world.transfer("dealer-1", "dealer-2", 7)  # nobody certified that yet
    world.poll()
    assert world.steps == [(5, 5, 0)]
    assert world.observer.height == 5
    assert world.receipts == [*world.expected(ACCOUNT), *world.expected(OTHER)[:-1]]
    opened = 20_000 * 100_000_000
    moved = sum(
        posting.delta
        for receipt in world.expected(ACCOUNT)
        for posting in receipt.postings
        if posting.account == ACCOUNT
    )
    assert moved != 0
    assert world.balances[5, ACCOUNT, "PKR"] == opened + moved
    assert not world.caught()


def test_rule_29_headers_chain_back_over_several_answers() -> None:
    world = World()
    world.grow(2 * proof_server.MAX_HEADERS + 2)
    world.poll()
    height = len(world.blocks)
    assert world.steps == [(height, height, 0)]
    ranges = [(q.first, q.last) for _, q in world.asked if isinstance(q, FetchHeaders)]
    assert ranges == [(67, 130), (3, 66), (1, 2)]
    assert world.receipts == world.expected(ACCOUNT)


def test_rule_29_nothing_is_asked_twice_and_nothing_told_twice() -> None:
    world = World()
    for _ in range(3):
        world.grow()
        world.poll()
    world.poll(2)
    assert world.steps == [(5, 5, 0), (10, 5, 0), (15, 5, 0)]
    assert world.receipts == world.expected(ACCOUNT)


def test_rule_29_an_asset_that_a_receipt_names_is_followed_from_then_on() -> None:
    world = World()
    world.transfer("dealer-1", "exchange-a", 10_000_000, "pib-51-3y")
    world.grow(4)
    world.poll()
    world.grow()
    world.poll()
    assert (5, ACCOUNT, "pib-51-3y") not in world.balances
    assert world.balances[10, ACCOUNT, "pib-51-3y"] == 101 * 100_000_000 - 90_000_000


def test_rule_29_absence_is_proven_too() -> None:
    world = World(("nobody/main",))
    world.grow()
    world.poll()
    assert world.balances == {(5, "nobody/main", "PKR"): 0}
    assert world.receipts == []


# Committees


def test_rule_29_it_follows_committees_that_each_one_before_proves() -> None:
    world = World()
    world.grow(5, (*NAMES, "v4"))
    world.grow(5, ("v1", "v2", "v3", "v4"))
    world.grow(5, ("v2", "v3", "v4", "v5"))
    world.grow(5)
    world.poll()
    followed = [e.cause for e in world.of(Milestone) if e.event == "committee-followed"]
    assert followed == [
        "epoch 1: v0, v1, v2, v3, v4",
        "epoch 2: v1, v2, v3, v4",
        "epoch 3: v2, v3, v4, v5",
    ]
    assert world.observer.committee == world.configurations.newest
    assert world.steps == [(20, 20, 0)]
    world.poll(4)
    questioned = {name for name, _ in world.asked[-4:]}
    assert questioned <= {"v2", "v3", "v4", "v5"}


def test_rule_29_a_committee_of_the_past_certifies_nothing() -> None:
    """The keys of those who left may be anybody's: what they sign after their epoch is a lie."""
    world = World()
    world.grow(5, ("v1", "v2", "v3", "v4"))
    world.poll()
    true = world.grow(5)
    stale = world.sign_state(
        replace(true.state, header_hash=b"f" * 32), world.committee_of(0, NAMES)
    )
    for name in ("v1", "v2", "v3", "v4"):
        world.lies[name] = lambda answer: (
            replace(answer, states=(stale,)) if isinstance(answer, StateProof) else answer
        )
    world.poll()
    assert world.observer.height == 5
    assert len(world.caught()) == 4
    world.lies.clear()
    world.poll()
    assert world.observer.height == 10


def test_rule_29_of_a_committee_that_is_not_proven_it_believes_nothing_and_accuses_nobody() -> None:
    world = World()
    world.grow(5, ("v1", "v2", "v3", "v4"))
    world.grow(5)
    for name in NAMES:  # the proof of the change is left out
        world.lies[name] = lambda answer: (
            replace(answer, states=answer.states[-1:]) if isinstance(answer, StateProof) else answer
        )
    world.poll(2)
    assert world.observer.height == 0
    assert not world.caught()


def test_rule_29_fewer_votes_than_a_quorum_prove_nothing() -> None:
    world = World()
    world.grow()

    def few(answer: Message) -> Message:
        if isinstance(answer, StateProof):
            last = answer.states[-1]
            return replace(answer, states=(replace(last, proof=last.proof[:2]),))
        return answer

    world.lies = dict.fromkeys(NAMES, few)
    world.poll()
    assert world.observer.height == 0
    assert len(world.caught()) == 4


# Silence, gaps, limits


def test_rule_29_one_that_answers_is_enough() -> None:
    world = World()
    world.grow()
    world.down = {"v0", "v1", "v2"}
    world.poll()
    assert world.steps == [(5, 5, 0)]
    assert world.receipts == world.expected(ACCOUNT)


def test_rule_29_when_nobody_answers_it_rests_and_asks_again() -> None:
    world = World()
    world.grow()
    world.down = set(NAMES)
    world.poll()
    assert [name for name, _ in world.asked] == ["v1", "v2", "v3", "v0"]
    assert world.observer.phase is Phase.RESTING
    world.down.clear()
    world.poll()
    assert world.observer.height == 5


def test_rule_29_a_truncated_range_is_completed_by_others() -> None:
    world = World()
    world.grow()

    def half(answer: Headers) -> Message:
        return replace(answer, headers=answer.headers[2:])

    world.lies["v1"] = only(Headers, half)
    world.poll()
    assert not world.caught()
    assert world.steps == [(5, 5, 0)]
    assert world.receipts == world.expected(ACCOUNT)


def test_rule_29_blocks_that_nobody_has_any_more_are_skipped_and_said_to_be() -> None:
    world = World()
    world.grow()
    world.poll()
    world.grow(10)
    world.blocks[:10] = []
    for name in world.servers:
        server = world.servers[name]
        server._blocks = lambda first, last: [  # type: ignore[misc]
            block for block in world.blocks if first <= block.header.height <= last
        ]
    world.poll()
    assert world.steps == [(5, 5, 0), (15, 5, 5)]
    assert [r.height for r in world.receipts] == [1, 2, 3, 4, 5, 11, 12, 13, 14, 15]
    assert world.balances[15, ACCOUNT, "PKR"] == world.desk.ledger.balance(ACCOUNT, "PKR")
    assert not world.caught()


def test_rule_29_balances_that_nobody_keeps_any_more_are_done_without() -> None:
    world = World()
    world.grow()
    for server in world.servers.values():
        server._trees.clear()
    world.poll()
    assert world.balances == {}
    assert world.receipts == world.expected(ACCOUNT)
    assert not world.caught()


def test_rule_32_a_server_answers_observers_alone_each_thing_once_in_a_while() -> None:
    world = World()
    world.grow(proof_server.MAX_HEADERS + 6)
    server = proof_server.ProofServer(
        "v0", world.chain, ("auditor",), 1000, lambda a, b: world.blocks[a - 1 : b]
    )
    question = FetchHeaders(world.chain, 0, "auditor", 1, 70)
    answer = server.answer(question, 0, 0)
    assert isinstance(answer, Headers)
    assert len(answer.headers) == proof_server.MAX_HEADERS
    assert server.answer(question, 0, 999) is None
    assert server.answer(question, 0, 1000) is not None
    assert server.answer(replace(question, sender="stranger"), 0, 0) is None
    assert server.answer(replace(question, chain=b"c" * 32), 0, 0) is None
    long = FetchBalance(world.chain, 0, "auditor", 5, "a" * 257, "PKR")
    assert server.answer(long, 0, 5000) is None
    given = [
        server.answer(replace(question, last=last), 0, 9000)
        for last in range(1, 2 * proof_server.QUESTIONS_PER_INTERVAL)
    ]
    assert sum(one is not None for one in given) == proof_server.QUESTIONS_PER_INTERVAL


# Trusted checkpoints


def test_rule_29_it_starts_from_a_checkpoint_that_it_trusts() -> None:
    world = World()
    world.grow(5, ("v1", "v2", "v3", "v4"))
    trusted = world.trusted()
    observer = world.new_observer((ACCOUNT,), trusted=trusted)
    world.observer = observer
    assert observer.committee.ids == ("v1", "v2", "v3", "v4")
    world.boot()
    world.grow()
    world.poll()
    assert world.steps == [(10, 5, 0)]
    assert [r.height for r in world.receipts] == [6, 7, 8, 9, 10]


@pytest.mark.parametrize(("age_us", "goes_on"), [(60_000_000, True), (60_000_001, False)])
def test_rule_29_a_trusted_checkpoint_that_is_too_old_is_refused(
    age_us: int, goes_on: bool
) -> None:
    world = World()
    world.grow()
    trusted = world.trusted()
    observer = world.new_observer(trusted=trusted, max_age_us=60_000_000)
    effects = observer.handle(Boot(trusted.header.time_us + age_us))
    assert (observer.phase is Phase.RESTING) == goes_on
    assert bool(observer.stopped) != goes_on
    assert [e.event for e in effects if isinstance(e, Milestone)] == (
        [] if goes_on else ["observer-stopped"]
    )
    later = observer.handle(TimerFired(trusted.header.time_us + age_us, ("poll",)))
    assert bool(later) == goes_on


def test_rule_29_who_was_away_too_long_goes_on_from_no_old_checkpoint() -> None:
    world = World(max_age_us=3_600_000_000)
    world.grow()
    world.poll()
    assert world.observer.height == 5
    world.grow()
    world.now_us += 3_700_000_000
    world.down = set(NAMES)
    world.poll()
    assert "too old" in world.observer.stopped


def test_rule_29_a_trusted_checkpoint_names_its_header() -> None:
    world = World()
    world.grow()
    trusted = world.trusted()
    other = replace(trusted, header=replace(trusted.header, time_us=10**15))
    with pytest.raises(ConfigurationError, match="another header"):
        world.new_observer(trusted=other)


def test_rule_29_two_certified_histories_stop_it() -> None:
    """More than f are hostile: whatever it went on to believe, others would believe otherwise."""
    world = World()
    world.grow()
    world.poll()
    twin = World()
    twin.transfer("dealer-2", "exchange-a", 77)
    twin.grow(9)
    twin.observer = world.observer
    twin.now_us = world.now_us
    twin.poll()
    assert twin.observer.phase is Phase.STOPPED
    assert "two histories" in twin.observer.stopped
    assert twin.steps == []


# Whatever comes


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_rule_29_whatever_comes_nothing_raises_and_nothing_is_believed(data: st.DataObject) -> None:
    """At each step of a round any message at all, in the name of the one that was asked."""
    world = World()
    world.grow()
    observer = world.observer
    effects = observer.handle(TimerFired(0, ("poll",)))
    for _ in range(data.draw(st.integers(0, 3))):
        sends = [e for e in effects if isinstance(e, Send)]
        if not sends:
            break
        world.now_us += 10
        answer = world.answer(sends[0].to, sends[0].message)
        assert answer is not None
        effects = observer.handle(Receive(1, signed(answer, world.keys[sends[0].to])))
    kind = data.draw(st.sampled_from([StateProof, Headers, ReceiptProof, BalanceProof]))
    rubbish = replace(data.draw(BY_TYPE[kind]), chain=world.chain, epoch=0, sender=observer._asked)
    if data.draw(st.booleans()) and observer._asked:
        rubbish = signed(rubbish, world.keys[observer._asked])
    told = observer.handle(Receive(2, rubbish))
    assert observer.height == 0
    assert all(type(effect).__name__ != "BlocksProven" for effect in told)


def test_the_observer_says_what_it_waits_for() -> None:
    world = World()
    assert world.observer.waits_for() == "the next poll"
    world.observer.handle(TimerFired(POLL_US, ("poll",)))
    assert world.observer.waits_for() == "a state proof from v1"


def names(asked: list[tuple[NodeId, Message]]) -> list[NodeId]:
    return [name for name, _ in asked]


def test_rule_29_the_questions_go_round() -> None:
    world = World(())
    world.grow()
    world.poll()
    before = len(world.asked)
    world.poll(5)
    assert names(world.asked[before:]) == ["v2", "v3", "v0", "v1", "v2"]
