"""The client: numbers, window, retransmission with back-off, and f+1 equal verified replies."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consensus.checkpoint_state import CheckpointState
from consensus.crypto import FastScheme
from consensus.effects import Broadcast, CancelTimer, Compute, Effect, Send, SetTimer
from consensus.events import Boot, Receive, Submit, TimerFired
from consensus.messages import (
    CertifiedState,
    Checkpoint,
    Commit,
    CoSignature,
    FetchProof,
    Reply,
    Request,
    StateProof,
    signed,
)
from consensus.types import Committee, Member
from nodes.client import LATER_REPLIES, MOST_DOUBLINGS, QUEUE_LIMIT, RETRANSMIT, Client
from nodes.effects import RequestFinal, RequestSigned

CHAIN = b"\x01" * 32
RETRY_US = 1_000_000


class Bench:
    """A client, the validators' signers, and a clock."""

    def __init__(self, n: int = 4, window: int = 8) -> None:
        scheme = self.scheme = FastScheme()
        self.names = tuple(f"v{index}" for index in range(n))
        self.signers = {name: scheme.signer(name.encode().ljust(32)) for name in self.names}
        self.own = scheme.signer(b"own".ljust(32))
        self.other = scheme.signer(b"other".ljust(32))
        self.verifier = scheme.verifier()
        members = [Member(name, self.signers[name].public_key) for name in self.names]
        self.client = Client(
            "sbp.desk",
            "sbp",
            CHAIN,
            Committee(0, members),
            self.own,
            {"mof": self.other},
            self.verifier,
            RETRY_US,
            window,
        )

    def submit(self, now_us: int = 0, *cosigners: str) -> list[Effect]:
        return self.client.handle(Submit(now_us, b"operation", cosigners))

    def reply(self, sender: str = "v0", by: str = "", **changes: Any) -> Reply:
        """A reply to request 1, signed by ``by`` (or the sender)."""
        fields = {"view": 0, "client": "sbp", "number": 1, "result": b"ok", **changes}
        chain, epoch = fields.pop("chain", CHAIN), fields.pop("epoch", 0)
        return signed(Reply(chain, epoch, sender, **fields), self.signers[by or sender])

    def receive(self, *replies: Any, now_us: int = 10) -> list[Effect]:
        return [e for reply in replies for e in self.client.handle(Receive(now_us, reply))]


def only(effects: list[Effect], kind: type[Any]) -> list[Any]:
    return [effect for effect in effects if type(effect) is kind]


def test_a_submission_is_signed_announced_and_sent_to_the_primary() -> None:
    bench = Bench()
    compute, announced, send, timer = bench.submit()
    assert compute == Compute(signatures=1)
    assert isinstance(send, Send)
    assert send.to == "v0"
    request = send.message
    assert isinstance(request, Request)
    assert announced == RequestSigned(request)
    assert timer == SetTimer(RETRANSMIT, RETRY_US)
    assert (request.sender, request.number, request.epoch) == ("sbp", 1, 0)
    assert bench.verifier.verify(bench.own.public_key, request.signing_bytes, request.signature)


def test_cosigners_sign_the_same_payload_and_unknown_ones_are_left_out() -> None:
    effects = (bench := Bench()).submit(0, "mof", "stranger")
    (announced,) = only(effects, RequestSigned)
    request = announced.request
    signature = bench.other.sign(request.signing_bytes)
    assert request.cosignatures == (CoSignature("mof", bench.other.public_key, signature),)
    assert only(effects, Compute) == [Compute(signatures=2)]


@pytest.mark.parametrize(("n", "weak"), [(1, 1), (4, 2), (6, 2), (7, 3), (10, 4)])
def test_rule_31_f_plus_one_equal_replies_make_a_request_final_once(n: int, weak: int) -> None:
    bench = Bench(n)
    (announced,) = only(bench.submit(), RequestSigned)
    effects = bench.receive(*(bench.reply(name) for name in bench.names))
    digest = announced.request.digest
    assert only(effects, RequestFinal) == [RequestFinal("sbp.desk", 1, b"ok", digest)]
    assert only(effects, Compute) == [Compute(verifications=1)] * weak  # late ones cost nothing
    assert only(effects, CancelTimer) == [CancelTimer(RETRANSMIT)]
    assert bench.client.outstanding == 0


def _junk(bench: Bench) -> list[Any]:
    return [
        bench.reply("v0"),  # the one that counts
        bench.reply("v0"),  # the same again
        bench.reply("v0", result=b"other"),  # a second word from the same validator
        bench.reply("v1", by="v0"),  # forged
        bench.reply("v1", result=b"different"),  # conflicting
        bench.reply("v2", number=2),  # to nothing that was asked
        bench.reply("v2", client="mof"),
        bench.reply("v2", chain=b"\x02" * 32),
        bench.reply("v2", epoch=1),
        msgspec.structs.replace(bench.reply("v2"), signature=b""),
        msgspec.structs.replace(bench.reply("v2"), sender="stranger"),
        Commit(CHAIN, 0, "v2", 0, 1, b"d" * 32),
    ]


def test_rule_31_junk_replies_are_not_counted() -> None:
    bench = Bench()
    bench.submit()
    assert only(bench.receive(*_junk(bench)), RequestFinal) == []
    assert bench.client.outstanding == 1
    assert "holds 2" in bench.client.waits_for()
    # v1's first word stands (rule 32), so only v2 can complete the pair with v0.
    assert only(bench.receive(bench.reply("v1")), RequestFinal) == []
    assert len(only(bench.receive(bench.reply("v2")), RequestFinal)) == 1


def test_rule_32_a_validators_first_word_stands() -> None:
    bench = Bench()
    bench.submit()
    first, second = bench.reply("v0"), bench.reply("v0", result=b"other")
    assert only(bench.receive(first, second), RequestFinal) == []
    assert only(bench.receive(bench.reply("v1", result=b"other")), RequestFinal) == []
    assert len(only(bench.receive(bench.reply("v2")), RequestFinal)) == 1


def test_rule_31_a_liar_cannot_make_a_result_final_nor_stop_the_true_one() -> None:
    bench = Bench(7)
    bench.submit()
    lies = [bench.reply(name, result=b"lie") for name in ("v0", "v1")]
    truth = [bench.reply(name) for name in ("v2", "v3", "v4")]
    finals = only(bench.receive(*lies, *truth), RequestFinal)
    assert [final.result for final in finals] == [b"ok"]


def test_rule_21_retransmission_goes_to_all_and_backs_off() -> None:
    bench = Bench()
    (send,) = only(bench.submit(), Send)
    now_us, waits = 0, [RETRY_US]
    for _ in range(MOST_DOUBLINGS + 2):
        now_us += waits[-1]
        broadcast, timer = bench.client.handle(TimerFired(now_us, RETRANSMIT))
        assert broadcast == Broadcast(bench.names, send.message)  # byte for byte the same
        assert isinstance(timer, SetTimer)
        waits.append(timer.delay_us)
    longest = RETRY_US << MOST_DOUBLINGS
    assert waits == [*(RETRY_US << step for step in range(MOST_DOUBLINGS + 1)), longest, longest]


def test_rule_21_only_what_is_overdue_is_retransmitted() -> None:
    bench = Bench()
    bench.submit(0)
    bench.submit(400_000)
    effects = bench.client.handle(TimerFired(RETRY_US, RETRANSMIT))
    assert [effect.message.number for effect in only(effects, Broadcast)] == [1]
    assert only(effects, SetTimer) == [SetTimer(RETRANSMIT, 400_000)]


def test_a_new_request_does_not_wait_for_an_old_ones_back_off() -> None:
    bench = Bench()
    bench.submit(0)
    bench.client.handle(TimerFired(RETRY_US, RETRANSMIT))  # the next one in 2 intervals
    assert only(bench.submit(RETRY_US + 1), SetTimer) == [SetTimer(RETRANSMIT, RETRY_US)]


def test_rule_30_the_window_bounds_the_span_of_numbers_not_their_count() -> None:
    bench = Bench(window=3)
    sent = [only(bench.submit(), RequestSigned) for _ in range(5)]
    assert [len(announced) for announced in sent] == [1, 1, 1, 0, 0]
    assert bench.client.outstanding == 5
    effects = bench.receive(bench.reply("v0", number=2), bench.reply("v1", number=2))
    assert only(effects, RequestSigned) == []  # number 4 would push 1 out of the window
    effects = bench.receive(bench.reply("v0"), bench.reply("v1"))
    assert [done.request.number for done in only(effects, RequestSigned)] == [4, 5]
    assert bench.client.outstanding == 3


def test_the_next_request_goes_to_the_primary_of_a_view_that_an_honest_validator_reported() -> None:
    bench = Bench()
    bench.submit()
    bench.receive(bench.reply("v2", view=1_000_003), bench.reply("v1", view=5))
    assert only(bench.submit(), Send)[0].to == "v1"  # 5 mod 4
    second = [bench.reply(name, number=2, view=0) for name in ("v2", "v3")]
    bench.receive(*second)
    assert only(bench.submit(), Send)[0].to == "v1"  # an old view lowers nothing


def test_a_full_queue_refuses() -> None:
    bench = Bench(window=1)
    for _ in range(QUEUE_LIMIT + 5):
        bench.submit()
    assert bench.client.outstanding == QUEUE_LIMIT + 1


def test_other_events_do_nothing() -> None:
    bench = Bench()
    assert bench.client.handle(Boot(0)) == []
    assert bench.client.handle(TimerFired(5, ("request",))) == []
    assert bench.client.handle(TimerFired(5, RETRANSMIT)) == []
    assert bench.client.id == "sbp.desk"
    assert bench.client.waits_for() == "nothing"


def next_committee(bench: Bench, by: tuple[str, ...] = ("v0", "v1", "v2")) -> StateProof:
    """Epoch 1: v4 takes the place of v0; signed by ``by`` of epoch 0."""
    bench.signers["v4"] = bench.scheme.signer(b"v4".ljust(32))
    members = tuple(Member(n, bench.signers[n].public_key) for n in ("v1", "v2", "v3", "v4"))
    state = CheckpointState(6, b"h" * 32, b"r" * 32, 1, members)
    votes = [signed(Checkpoint(CHAIN, 0, n, 6, state.digest), bench.signers[n]) for n in by]
    proof = StateProof(CHAIN, 1, "v1", (CertifiedState(state, tuple(votes)),))
    return signed(proof, bench.signers["v1"])


def test_rule_29_a_client_follows_the_committee_and_loses_no_reply() -> None:
    bench = Bench()
    bench.submit()
    proof = next_committee(bench)
    asked = only(bench.receive(bench.reply("v1", epoch=1), bench.reply("v4", epoch=1)), Send)
    assert [send.to for send in asked] == ["v1", "v4"]
    assert all(isinstance(send.message, FetchProof) for send in asked)
    assert asked[0].message.reply_to == "sbp.desk"
    assert bench.client.outstanding == 1
    effects = bench.receive(proof)
    assert len(only(effects, RequestFinal)) == 1
    assert bench.client.outstanding == 0


@pytest.mark.parametrize("by", [("v0", "v1"), ("v0", "v1", "v1"), ("v0", "v1", "v4")])
def test_rule_29_a_committee_that_no_quorum_proves_is_not_believed(by: tuple[str, ...]) -> None:
    bench = Bench()
    bench.submit()
    next_committee(bench)
    bench.receive(next_committee(bench, by))
    assert not only(bench.receive(*(bench.reply(n, epoch=1) for n in ("v1", "v4"))), RequestFinal)
    assert bench.client.outstanding == 1


def test_rule_29_replies_of_the_old_committee_count_no_more() -> None:
    bench = Bench()
    bench.submit()
    bench.receive(next_committee(bench))
    assert not only(bench.receive(bench.reply("v1"), bench.reply("v2")), RequestFinal)
    done = bench.receive(bench.reply("v1", epoch=1), bench.reply("v2", epoch=1))
    assert len(only(done, RequestFinal)) == 1


def test_rule_32_replies_of_unknown_committees_are_kept_once_per_sender() -> None:
    bench = Bench()
    bench.submit()
    first = bench.receive(bench.reply("v1", epoch=1))
    assert len(only(first, Send)) == 1
    assert not bench.receive(*[bench.reply("v1", epoch=n) for n in range(1, 50)])


def questions(effects: list[Effect]) -> list[FetchProof]:
    sent = [e.message for e in effects if isinstance(e, Send | Broadcast)]
    return [message for message in sent if isinstance(message, FetchProof)]


def test_rule_29_a_lost_question_for_the_committee_is_asked_again() -> None:
    bench = Bench()
    bench.submit()
    proof = next_committee(bench)
    replies = [bench.reply(name, epoch=1) for name in ("v1", "v2", "v3", "v4")]
    assert len(questions(bench.receive(*replies))) == 4  # all of them lost
    assert len(questions(bench.client.handle(TimerFired(RETRY_US, RETRANSMIT)))) == 1
    assert len(only(bench.receive(proof), RequestFinal)) == 1


def test_rule_29_a_client_many_epochs_behind_asks_until_it_is_there() -> None:
    bench = Bench()
    bench.submit()
    members = tuple(Member(name, bench.signers[name].public_key) for name in bench.names)
    states = []
    for epoch in range(70):
        state = CheckpointState(6 * (epoch + 1), b"h" * 32, b"r" * 32, epoch + 1, members)
        votes = tuple(
            signed(Checkpoint(CHAIN, epoch, n, state.sequence, state.digest), bench.signers[n])
            for n in bench.names[:3]
        )
        states.append(CertifiedState(state, votes))

    def answered(epoch: int) -> list[Effect]:
        part = tuple(states[epoch : epoch + 64])
        return bench.receive(signed(StateProof(CHAIN, 70, "v1", part), bench.signers["v1"]))

    (first, *_) = questions(bench.receive(*(bench.reply(n, epoch=70) for n in bench.names)))
    assert not only(answered(first.epoch), RequestFinal)
    (again,) = questions(bench.client.handle(TimerFired(RETRY_US, RETRANSMIT)))
    assert again.epoch == 64
    assert len(only(answered(again.epoch), RequestFinal)) == 1


def test_rule_32_replies_under_made_up_names_do_not_keep_a_client_from_asking() -> None:
    bench = Bench()
    bench.submit()
    next_committee(bench)
    liar = bench.reply("v0", epoch=9)
    names = (msgspec.structs.replace(liar, sender=f"x{n}") for n in range(LATER_REPLIES))
    bench.receive(*names)
    assert questions(bench.client.handle(TimerFired(RETRY_US, RETRANSMIT)))
