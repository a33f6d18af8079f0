"""Single behaviours: what they do with what reaches and leaves their node, and what they let be."""

from __future__ import annotations

import pytest

from consensus.effects import Broadcast, Effect, Send, SetTimer
from consensus.events import Boot, Event, Receive, TimerFired
from consensus.messages import Batch, Commit, Message, Prepare, PrePrepare, Reply, Request, signed
from consensus.types import Committee, Member
from nodes.byzantine import Attacker, Byzantine, Options
from nodes.byzantine.bad_block_time import BadBlockTime
from nodes.byzantine.censor import Censor
from nodes.byzantine.delay_proposals import DelayProposals
from nodes.byzantine.false_reply import FalseReply
from nodes.byzantine.reorder_transactions import ReorderTransactions
from nodes.byzantine.wrong_allotment import WrongAllotment
from nodes.byzantine.wrong_digest import WrongDigest
from nodes.ledger.execution import decode_result
from nodes.ledger.transactions import (
    Allotment,
    AuctionAllot,
    AuctionSettle,
    Body,
    Transaction,
    decode,
)
from scenarios.keys import Keys
from scenarios.rng import PPM, Stream

CHAIN = b"c" * 32
KEYS = Keys(1, "fast")
IDS = ("v0", "v1", "v2", "v3")
COMMITTEE = Committee(0, [Member(id_, KEYS.validator(id_).public_key) for id_ in IDS])
OTHERS = ("v1", "v2", "v3")
SETTLE = AuctionSettle(auction="pib")
ALLOT = AuctionAllot(
    auction="pib",
    allotments=tuple(Allotment(f"dealer-{i}", i, 1_000_000) for i in range(3)),
)


def attacker(**options: object) -> Attacker:
    return Attacker(
        id="v0",
        chain=CHAIN,
        committee=COMMITTEE,
        signer=KEYS.validator("v0"),
        draws=Stream(1, "behaviours"),
        options=Options(**options),  # type: ignore[arg-type]
    )


def request(client: str, number: int, body: Body = SETTLE) -> Request:
    key = KEYS.party(client)
    operation = Transaction(body).encode()  # type: ignore[arg-type]
    return signed(Request(CHAIN, 0, client, number, operation, key.public_key), key)


BATCH = Batch(7_000_000, tuple(request(c, n) for c, n in (("a", 1), ("b", 1), ("a", 2), ("c", 1))))


def proposal(batch: Batch = BATCH, sequence: int = 1) -> PrePrepare:
    plain = PrePrepare(CHAIN, 0, "v0", 0, sequence, batch.digest)
    return signed(plain, KEYS.validator("v0")).with_batch(batch)


def sent(effects: list[Effect], to: str) -> list[Message]:
    return [e.message for e in effects if isinstance(e, Send) and e.to == to]


class Honest:
    """A node that answers everything with the same effects, and remembers what it heard."""

    id = "v0"

    def __init__(self, *effects: Effect) -> None:
        self.effects = list(effects)
        self.heard: list[Event] = []

    def handle(self, event: Event) -> list[Effect]:
        self.heard.append(event)
        return list(self.effects)


# Who and what is concerned


@pytest.mark.parametrize(
    ("options", "dropped"),
    [
        ({"clients": ("a",)}, {"a"}),
        ({"transactions": ("AUCTION_ALLOT",)}, {"b"}),
        ({"clients": ("c",), "transactions": ("AUCTION_ALLOT",)}, {"b", "c"}),
        ({}, {"a"}),
    ],
)
def test_a_censor_drops_what_it_is_told_to(options: dict[str, object], dropped: set[str]) -> None:
    """By client, by type, by either; told nothing, the first client that it hears of."""
    node = Honest()
    liar = Byzantine(node, Censor(attacker(**options)))
    for client, body in (("a", SETTLE), ("b", ALLOT), ("c", SETTLE), ("a", SETTLE)):
        liar.handle(Receive(1, request(client, 1, body)))
    liar.handle(Receive(1, proposal()))
    passed = [e.message for e in node.heard if isinstance(e, Receive)]
    assert {m.sender for m in passed if isinstance(m, Request)} == {"a", "b", "c"} - dropped
    assert passed[-1] == proposal(), "what others order it votes for"


def test_what_can_not_be_read_is_of_no_type() -> None:
    key = KEYS.party("a")
    junk = signed(Request(CHAIN, 0, "a", 1, b"\xc1", key.public_key), key)
    assert not attacker(transactions=("AUCTION_ALLOT",)).concerns(junk)
    assert attacker(clients=("a",)).concerns(junk)


# Proposals of one's own


def test_the_favoured_come_first_and_the_rest_stand_backward() -> None:
    def order(**options: object) -> list[tuple[str, int]]:
        batch = ReorderTransactions(attacker(**options)).proposed(BATCH)
        assert batch.time_us == BATCH.time_us
        return [(r.sender, r.number) for r in batch.requests]

    assert order(clients=("b",)) == [("b", 1), ("c", 1), ("a", 2), ("a", 1)]
    assert order() == [("c", 1), ("a", 2), ("b", 1), ("a", 1)]


def test_all_are_told_the_same_and_the_honest_part_is_shown_what_they_decide() -> None:
    honest = Commit(CHAIN, 0, "v0", 0, 1, BATCH.digest)
    node = Honest(Broadcast(OTHERS, proposal()), Broadcast(OTHERS, honest))
    liar = Byzantine(node, ReorderTransactions(attacker()))
    done = liar.handle(Boot(1))
    told = [sent(done, id_) for id_ in OTHERS]
    assert told[0] == told[1] == told[2]
    lie, vote = told[0]
    assert isinstance(lie, PrePrepare)
    assert isinstance(vote, Commit)
    assert lie.batch is not None
    assert lie.digest == lie.batch.digest == vote.digest != BATCH.digest, "no vote for the other"
    for id_ in OTHERS[:2]:
        plain = Commit(CHAIN, 0, id_, 0, 1, lie.digest)
        liar.handle(Receive(2, signed(plain, KEYS.validator(id_))))
    shown = [e.message for e in node.heard if isinstance(e, Receive)]
    assert [m.TYPE for m in shown] == ["commit", "commit", "certified-batch"]
    assert shown[-1].batch == lie.batch  # type: ignore[attr-defined]


def test_block_times_are_long_past_or_yet_to_come() -> None:
    past = BadBlockTime(attacker(chance_ppm=PPM)).proposed(BATCH)
    ahead = BadBlockTime(attacker(chance_ppm=0, delay_us=5)).proposed(BATCH)
    far = BadBlockTime(attacker(chance_ppm=0)).proposed(BATCH)
    given = attacker().parameters
    assert (past.time_us, ahead.time_us) == (0, BATCH.time_us + 5)
    assert far.time_us > BATCH.time_us + given.clock_drift_us + 2 * given.request_timeout_us


def test_a_forged_allotment_is_a_paisa_off_and_signed_by_the_forger() -> None:
    true = request("sbp", 1, ALLOT)
    (forged, other) = (
        WrongAllotment(attacker()).proposed(Batch(1, (true, request("a", 1)))).requests
    )
    assert other == request("a", 1)
    found = decode(forged.operation)
    assert found is not None
    assert isinstance(found.body, AuctionAllot)
    moved = [share.amount - 1_000_000 for share in found.body.allotments]
    assert moved == [1, -1, 0]
    assert (forged.sender, forged.number) == ("sbp", 1)
    assert forged.public_key == KEYS.validator("v0").public_key
    verifier = KEYS.scheme.verifier()
    assert verifier.verify(forged.public_key, forged.signing_bytes, forged.signature)


def test_one_digest_and_two_batches() -> None:
    liar = WrongDigest(attacker(groups=(("v1",), ("v2", "v3"))))
    done = liar.outbound(1, [Broadcast(OTHERS, proposal())])
    first, second = sent(done, "v1")[0], sent(done, "v2")[0]
    assert isinstance(first, PrePrepare)
    assert isinstance(second, PrePrepare)
    assert (first.digest, first.signature) == (second.digest, second.signature)
    assert first.batch != second.batch


def test_votes_for_others_proposals_name_nobodys_digest() -> None:
    theirs = Prepare(CHAIN, 0, "v0", 1, 1, BATCH.digest)
    done = WrongDigest(attacker()).outbound(1, [Send("v2", theirs)])
    (vote,) = sent(done, "v2")
    assert vote.digest != BATCH.digest  # type: ignore[attr-defined]


# Time, and clients


def test_proposals_leave_late_in_their_order_and_all_else_at_once() -> None:
    liar = DelayProposals(attacker(delay_us=100))
    vote = Commit(CHAIN, 0, "v0", 0, 1, BATCH.digest)
    node = Honest()
    wrapped = Byzantine(node, liar)
    node.effects = [Send("v1", proposal()), Send("v1", vote)]
    at_once = wrapped.handle(Receive(1_000, vote))
    assert sent(at_once, "v1") == [vote]
    assert SetTimer(liar.alarm_key, 100) in at_once
    assert wrapped.timers() == (liar.alarm_key,)
    node.effects = [Send("v1", proposal(sequence=2))]
    assert sent(wrapped.handle(Receive(1_050, vote)), "v1") == []
    first = wrapped.handle(TimerFired(1_100, liar.alarm_key))
    assert sent(first, "v1") == [proposal()]
    assert SetTimer(liar.alarm_key, 50) in first
    assert sent(wrapped.handle(TimerFired(1_150, liar.alarm_key)), "v1") == [proposal(sequence=2)]
    assert wrapped.timers() == ()
    assert not any(isinstance(event, TimerFired) for event in node.heard), "its own alarm"


def test_what_waits_is_lost_with_the_process() -> None:
    liar = DelayProposals(attacker(delay_us=100))
    Byzantine(Honest(Send("v1", proposal())), liar).handle(Receive(1_000, proposal()))
    again = Byzantine(Honest(), liar)
    assert again.handle(Boot(2_000)) == []
    assert again.timers() == ()


def test_a_false_reply_goes_out_once_first_and_in_the_place_of_the_true_one() -> None:
    asked = request("a", 3)
    true = Reply(CHAIN, 0, "v0", 0, "a", 3, b"what became of it")
    other = Reply(CHAIN, 0, "v0", 0, "b", 1, b"of another one")
    node = Honest(Send("a", true), Send("b", other))
    liar = Byzantine(node, FalseReply(attacker(clients=("a",))))
    done = liar.handle(Receive(1, asked))
    (lie,) = sent(done, "a")
    assert isinstance(lie, Reply)
    assert done[0] == Send("a", lie)
    assert decode_result(lie.result).code == "OK"
    assert lie.view >= COMMITTEE.n
    assert sent(done, "b") == [other]
    assert sent(liar.handle(Receive(2, asked)), "a") == []
