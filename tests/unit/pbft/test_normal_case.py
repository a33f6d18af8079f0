"""Rules 2 to 8: the three phases, and what they refuse."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest

from consensus.effects import Broadcast, Effect, Persist, Send, SetTimer
from consensus.messages import NULL_DIGEST, Batch, Commit, Message, Prepare, PrePrepare, signed
from consensus.records import AcceptedRecord, PreparedRecord
from nodes.ledger.execution import Ledger
from nodes.ledger.genesis import Genesis, Seat
from tests.unit.pbft.bench import CHAIN, Bench, Host

DIGEST = b"d" * 32


def pre_prepare(bench: Bench, batch: Batch, /, sender: str = "r0", **fields: Any) -> PrePrepare:
    """A signed proposal of view 0, slot 1, with ``fields`` replaced before signing."""
    message = PrePrepare(CHAIN, 0, sender, 0, 1, batch.digest, batch=batch)
    return signed(msgspec.structs.replace(message, **fields), bench.signers[sender])


def prepare(bench: Bench, sender: str, digest: bytes, view: int = 0, sequence: int = 1) -> Prepare:
    message = Prepare(CHAIN, 0, sender, view, sequence, digest)
    return signed(message, bench.signers[sender])


def commit(bench: Bench, sender: str, digest: bytes, view: int = 0, sequence: int = 1) -> Commit:
    message = Commit(CHAIN, 0, sender, view, sequence, digest)
    return signed(message, bench.signers[sender])


def votes(host: Host, message: Message) -> list[Message]:
    """What ``host`` broadcasts in answer to ``message``."""
    return [e.message for e in host.receive(message) if isinstance(e, Broadcast)]


def sent(effects: list[Effect], kind: type[PrePrepare]) -> list[Any]:
    """The messages of one type that are broadcast."""
    messages = [e.message for e in effects if isinstance(e, Broadcast)]
    return [message for message in messages if isinstance(message, kind)]


@pytest.fixture
def bench() -> Bench:
    return Bench(4)


@pytest.fixture
def batch(bench: Bench) -> Batch:
    return Batch(0, (bench.request(1),))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 10, 13])
def test_rule_01_every_committee_size_decides(n: int) -> None:
    bench = Bench(n)
    for number in range(1, 4):
        bench.submit(number)
        bench.run_for(200_000)
    assert {len(host.blocks) for host in bench.hosts.values()} == {3}
    assert len({tuple(host.history) for host in bench.hosts.values()}) == 1


def test_rule_02_a_repeated_vote_counts_once(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    host.receive(pre_prepare(bench, batch))
    vote = prepare(bench, "r2", batch.digest)
    slot = host.replica.core.slots[1]
    host.receive(vote)
    assert slot.prepare_count(batch.digest) == 2
    for _ in range(3):
        host.receive(vote)
    assert slot.prepare_count(batch.digest) == 2
    commits = [commit(bench, "r2", batch.digest) for _ in range(3)]
    for message in commits:
        host.receive(message)
    assert slot.commit_count(batch.digest) == 2  # its own and r2's
    assert not host.blocks


def test_rule_02_a_vote_under_a_false_name_counts_nothing(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    host.receive(pre_prepare(bench, batch))
    forged = msgspec.structs.replace(prepare(bench, "r2", batch.digest), sender="r3")
    host.receive(forged)
    stranger = signed(Prepare(CHAIN, 0, "c0", 0, 1, batch.digest), bench.signers["c0"])
    host.receive(stranger)
    assert host.replica.core.slots[1].prepare_count(batch.digest) == 1  # its own


def test_rule_03_a_proposal_is_accepted_once_and_first(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    first = pre_prepare(bench, batch)
    other = Batch(0, (bench.request(2),))
    assert [type(m) for m in votes(host, first)] == [Prepare]
    assert votes(host, pre_prepare(bench, other)) == []
    proposal = host.replica.core.slots[1].pre_prepare
    assert proposal is not None
    assert proposal.digest == batch.digest
    assert [r.kind for r in host.reports] == ["conflicting-pre-prepare"]
    assert host.reports[0].culprit == "r0"


@pytest.mark.parametrize(
    "fields",
    [
        {"view": 1},
        {"sequence": 0},
        {"sequence": 21},
        {"digest": DIGEST},
        {"epoch": 1},
        {"chain": b"other"},
        {"batch": None},
    ],
    ids=str,
)
def test_rule_03_what_a_backup_refuses(bench: Bench, batch: Batch, fields: dict[str, Any]) -> None:
    assert votes(bench["r1"], pre_prepare(bench, batch, **fields)) == []


def test_rule_03_only_the_primary_proposes(bench: Bench, batch: Batch) -> None:
    assert votes(bench["r1"], pre_prepare(bench, batch, sender="r2")) == []


def test_rule_03_a_tampered_proposal_is_refused(bench: Bench, batch: Batch) -> None:
    tampered = msgspec.structs.replace(pre_prepare(bench, batch), sequence=2)
    assert votes(bench["r1"], tampered) == []


def test_rule_03_a_request_that_does_not_authenticate_is_refused(bench: Bench) -> None:
    forged = msgspec.structs.replace(bench.request(1), operation=b"something else")
    assert votes(bench["r1"], pre_prepare(bench, Batch(0, (forged,)))) == []


def test_rule_03_a_batch_over_the_limit_is_refused() -> None:
    bench = Bench(4, block_max_txs=2)
    batch = Batch(0, tuple(bench.request(number) for number in (1, 2, 3)))
    assert votes(bench["r1"], pre_prepare(bench, batch)) == []


def test_rule_03_the_digest_binds_time_and_order(bench: Bench) -> None:
    one, two = bench.request(1), bench.request(2)
    digests = {
        Batch(0, (one, two)).digest,
        Batch(0, (two, one)).digest,
        Batch(1, (one, two)).digest,
        Batch(0, (one,)).digest,
        Batch(0, ()).digest,
    }
    assert len(digests) == 5
    assert Batch(7, ()).digest == NULL_DIGEST


def test_rule_04_the_primary_sends_no_prepare_and_its_prepare_never_counts(
    bench: Bench, batch: Batch
) -> None:
    host = bench["r1"]
    host.receive(pre_prepare(bench, batch))
    host.receive(prepare(bench, "r0", batch.digest))
    assert host.replica.core.slots[1].prepare_count(batch.digest) == 1
    assert not host.reached("prepared")
    bench.submit(1, to="r0")
    sent = [m for _, _, m in bench.queue if isinstance(m, Prepare) and m.sender == "r0"]
    assert not sent


def test_rule_04_prepared_takes_the_proposal_and_a_quorum_less_one(
    bench: Bench, batch: Batch
) -> None:
    host = bench["r1"]
    host.receive(prepare(bench, "r2", batch.digest))
    host.receive(prepare(bench, "r3", batch.digest))
    assert not host.reached("prepared")  # votes without a proposal prove nothing
    host.receive(pre_prepare(bench, batch))
    assert len(host.reached("prepared")) == 1


def test_rule_04_votes_for_another_digest_do_not_count(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    host.receive(pre_prepare(bench, batch))
    host.receive(prepare(bench, "r2", DIGEST))
    host.receive(prepare(bench, "r3", DIGEST))
    assert not host.reached("prepared")


def test_rule_05_no_commit_before_prepared(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    sent = votes(host, pre_prepare(bench, batch))
    for sender in ("r0", "r2", "r3"):
        sent += votes(host, commit(bench, sender, batch.digest))
    assert not [m for m in sent if isinstance(m, Commit)]
    assert not host.blocks
    assert [type(m) for m in votes(host, prepare(bench, "r2", batch.digest))] == [Commit]
    assert len(host.blocks) == 1


def test_rule_05_a_prepare_is_no_commit(bench: Bench, batch: Batch) -> None:
    vote = prepare(bench, "r2", batch.digest)
    as_commit = Commit(CHAIN, 0, "r2", 0, 1, batch.digest, vote.signature)
    host = bench["r1"]
    host.receive(as_commit)
    assert host.replica.core.slots[1].commit_count(batch.digest) == 0


def test_rule_05_decided_takes_a_quorum_of_commits(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    host.receive(pre_prepare(bench, batch))
    host.receive(prepare(bench, "r2", batch.digest))
    assert host.reached("prepared")  # its own COMMIT is the first
    host.receive(commit(bench, "r0", batch.digest))
    host.receive(commit(bench, "r0", batch.digest))
    assert not host.reached("committed")
    host.receive(commit(bench, "r3", batch.digest))
    assert host.reached("committed")
    assert len(host.blocks) == 1


def test_rule_06_execution_is_in_order_though_commits_are_not(bench: Bench) -> None:
    host = bench["r1"]
    batches = {n: Batch(0, (bench.request(n),)) for n in (1, 2)}
    for n in (2, 1):
        batch = batches[n]
        message = PrePrepare(CHAIN, 0, "r0", 0, n, batch.digest, batch=batch)
        host.receive(signed(message, bench.signers["r0"]))
        host.receive(prepare(bench, "r2", batch.digest, sequence=n))
        for sender in ("r0", "r2"):
            host.receive(commit(bench, sender, batch.digest, sequence=n))
        if n == 2:
            assert len(host.reached("committed")) == 1
            assert not host.blocks
    assert host.history == [batches[1].digest, batches[2].digest]


def test_rule_07_the_primary_pipelines_up_to_the_high_watermark() -> None:
    bench = Bench(4, block_max_txs=1, checkpoint_interval=2, window=4)
    bench.rule = lambda _from, _to, _message: False
    for number in range(1, 8):
        bench.submit(number)
    bench.run_for(10)
    proposed = {m.sequence for _, _, m in bench.queue if isinstance(m, PrePrepare)}
    assert not proposed  # delivered (and dropped): look at the primary itself
    assert list(bench["r0"].replica.core.slots) == [1, 2, 3, 4]


def test_rule_07_what_the_window_has_no_room_for_waits_and_is_proposed() -> None:
    bench = Bench(
        4, block_max_txs=1, checkpoint_interval=2, window=4, request_timeout_us=60_000_000
    )
    bench.rule = lambda _from, _to, _message: False
    for number in range(1, 8):
        bench.submit(number)
    bench.run_for(10)
    assert len(bench["r0"].pool) == 3  # not even taken out
    bench.rule = lambda _from, _to, _message: True
    bench.run_for(20_000_000)
    for host in bench.hosts.values():
        assert sum(len(b.batch.requests) for b in host.blocks) == 7


def test_rule_07_requests_within_an_interval_share_a_batch(bench: Bench) -> None:
    bench.submit(1)
    for number in range(2, 6):
        bench.submit(number)
    bench.run_for(300_000)
    assert [len(b.batch.requests) for b in bench["r3"].blocks] == [1, 4]


def test_rule_08_a_proposal_from_the_future_is_held_until_due(bench: Bench) -> None:
    host = bench["r1"]
    ahead = Batch(5_000_000, (bench.request(1),))
    assert votes(host, pre_prepare(bench, ahead)) == []
    bench.run_for(4_400_000)
    assert not host.reached("pre-prepare-accepted")
    bench.run_for(200_000)  # due at 5 s less the drift bound of 0.5 s
    assert len(host.reached("pre-prepare-accepted")) == 1


def test_rule_08_a_proposal_from_the_past_is_accepted(bench: Bench, batch: Batch) -> None:
    bench.now_us = 60_000_000
    assert [type(m) for m in votes(bench["r1"], pre_prepare(bench, batch))] == [Prepare]


def test_rule_08_a_clock_that_is_set_back_keeps_nobody_waiting(bench: Bench) -> None:
    """Block times follow the clock; intervals count the time that passed."""
    primary, backup = bench["r0"], bench["r1"]
    bench.now_us = 60_000_000
    (first,) = sent(primary.receive(bench.request(1)), PrePrepare)
    assert Send("r0", lost := bench.request(2)) in backup.receive(lost)
    bench.now_us = 1_000_000  # both were a minute ahead
    assert Send("r0", lost) not in backup.receive(lost)
    timers = [e for e in primary.receive(bench.request(3)) if isinstance(e, SetTimer)]
    assert all(timer.delay_us <= 100_000 for timer in timers if timer.key == ("batch",))
    bench.now_us = 1_200_000
    (second,) = sent(primary.receive(bench.request(4)), PrePrepare)
    assert (first.batch.time_us, second.batch.time_us) == (60_000_000, 1_200_000)
    bench.now_us = 3_000_000
    assert Send("r0", lost) in backup.receive(lost)  # an interval has passed since


def test_rule_23_persist_comes_before_the_vote_that_it_protects(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    effects = host.receive(pre_prepare(bench, batch))
    kinds = [type(e.record) if isinstance(e, Persist) else type(e) for e in effects]
    assert kinds.index(AcceptedRecord) < kinds.index(Broadcast)
    effects = host.receive(prepare(bench, "r2", batch.digest))
    kinds = [type(e.record) if isinstance(e, Persist) else type(e) for e in effects]
    assert kinds.index(PreparedRecord) < kinds.index(Broadcast)
    effects = bench["r0"].receive(bench.request(1))
    kinds = [type(e.record) if isinstance(e, Persist) else type(e) for e in effects]
    assert kinds.index(AcceptedRecord) < kinds.index(Broadcast)


def test_rule_21_a_backup_forwards_a_request_and_arms_its_timer(bench: Bench) -> None:
    request = bench.request(1)
    effects = bench["r2"].receive(request)
    assert Send("r0", request) in effects
    assert ("request",) in bench["r2"].timers
    again = bench["r2"].receive(request)
    assert Send("r0", request) not in again  # not twice within an interval


@pytest.mark.parametrize("kind", ["prepare", "commit"])
def test_rule_33_two_votes_of_one_key_are_reported_with_both_messages(
    bench: Bench, batch: Batch, kind: str
) -> None:
    make = prepare if kind == "prepare" else commit
    host = bench["r1"]
    first, second = make(bench, "r3", batch.digest), make(bench, "r3", DIGEST)
    host.receive(first)
    host.receive(second)
    host.receive(second)
    assert [(r.kind, r.culprit, r.first, r.second) for r in host.reports] == [
        (f"conflicting-{kind}", "r3", first, second)
    ]


def test_rule_33_a_forged_contradiction_accuses_nobody(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    host.receive(prepare(bench, "r3", batch.digest))
    forged = Prepare(CHAIN, 0, "r3", 0, 1, DIGEST, b"junk")
    host.receive(forged)
    assert not host.reports
    assert host.replica.core.slots[1].prepare_count(batch.digest) == 1


def test_rule_08_a_null_batch_has_no_time_of_its_own(bench: Bench) -> None:
    """Its digest covers none: a liar could give each validator another block time under it."""
    genesis = Genesis(
        chain="test",
        validators=(Seat(id="r0", public_key=b"k" * 32),),
        parties=(),
        first_business_day=datetime.date(2026, 1, 5),
    )
    first, second = Ledger(genesis), Ledger(genesis)
    one = first.execute_block(1, 1_000, Batch(0, ()))
    other = second.execute_block(1, 1_000, Batch(9_000, ()))
    assert Batch(0, ()).digest == Batch(9_000, ()).digest
    assert one == other
    assert one.time_us == 1_000


def test_rule_12_votes_of_the_view_that_was_left_prepare_nothing(
    bench: Bench, batch: Batch
) -> None:
    host = bench["r1"]
    host.receive(pre_prepare(bench, batch))
    host.replica.core.begin(0)
    host.replica.core.views.start(1, "test")
    for sender in ("r2", "r3"):
        host.receive(prepare(bench, sender, batch.digest))
    assert not host.reached("prepared")
    assert host.replica.core.slots[1].certificate is None


def test_rule_32_a_later_vote_never_replaces_a_valid_one(bench: Bench, batch: Batch) -> None:
    host = bench["r1"]
    host.receive(pre_prepare(bench, batch))
    core = host.replica.core
    slot = core.slots[1]
    host.receive(commit(bench, "r3", batch.digest))
    host.receive(commit(bench, "r3", b"x" * 32))
    assert slot.commits[3].digest == batch.digest
    host.receive(prepare(bench, "r3", b"x" * 32))
    host.receive(prepare(bench, "r3", batch.digest))
    assert slot.prepares[3].digest == b"x" * 32  # the first, whatever it says
    assert not host.reached("prepared")
