"""Rule 22: who is too far behind fetches the state, checks it, and installs it in one step."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from consensus.effects import Send
from consensus.events import Receive, TimerFired
from consensus.messages import (
    NULL_BATCH,
    Batch,
    CertifiedBatch,
    CertifiedState,
    Checkpoint,
    Commit,
    CommitCertificate,
    FetchProof,
    FetchState,
    Message,
    Request,
    State,
    StateProof,
    Status,
    ViewChange,
    signed,
)
from consensus.pbft import state_transfer
from consensus.pbft.guard import GUARDED
from consensus.pbft.state_transfer import PIECES_PER_SOURCE
from consensus.records import StableRecord
from nodes import tree_pieces
from nodes.block import Block
from nodes.ledger.records import Balance
from nodes.store_file import SnapshotRecord
from tests.unit.pbft.bench import Bench
from tests.unit.pbft.transfer_bench import SECOND, TransferBench


@pytest.fixture
def bench() -> TransferBench:
    return TransferBench()


def behind(bench: TransferBench, blocks: int = 200) -> None:
    """r3 misses some 200 blocks."""
    bench.without("r3")
    bench.blocks(1, blocks)
    bench.heal()


def test_rule_22_a_laggard_fetches_the_state_instead_of_executing(bench: TransferBench) -> None:
    behind(bench)
    bench.run_for(5 * SECOND)
    host = bench["r3"]
    assert host.height == 200
    assert host.roots == bench["r0"].roots
    assert [i.header.height for i in host.installed] == [200]
    assert bench.sent["certified-batch"] == 0
    assert host.replica.status() == (0, True, 200, 200)


def test_rule_22_small_gaps_are_executed(bench: TransferBench) -> None:
    bench.blocks(1, 20)
    bench.without("r3")
    bench.blocks(21, 23)
    bench.heal()
    bench.run_for(5 * SECOND)
    assert bench["r3"].height == 23
    assert not bench["r3"].installed
    assert bench.sent["fetch-state"] == 0


def test_rule_22_after_a_transfer_it_votes_again(bench: TransferBench) -> None:
    behind(bench)
    bench.run_for(5 * SECOND)
    bench.without("r1")  # now it takes r3's votes
    bench.blocks(201, 210)
    assert bench["r3"].height == 210
    assert len(bench["r3"].reached("prepared")) == 10


def test_rule_22_the_reply_table_comes_with_it(bench: TransferBench) -> None:
    behind(bench)
    bench.run_for(5 * SECOND)
    assert bench["r3"].validator.ledger.cached_reply("c0", 200) is not None
    bench["r3"].receive(bench.request(150))
    assert bench.queue[-1][2].TYPE == "reply"  # answered from the table, not ordered again
    assert not len(bench["r3"].validator.mempool)


def test_rule_22_what_waits_and_was_executed_meanwhile_leaves_the_pool(
    bench: TransferBench,
) -> None:
    bench["r3"].receive(bench.request(7))
    bench["r3"].receive(bench.request(1000))
    behind(bench)
    assert bench["r3"].validator.mempool.oldest() == {"c0": 7}
    bench.rule = lambda source, to, m: not (isinstance(m, Request) and source == "r3")
    bench.run_for(3 * SECOND)
    assert bench["r3"].height >= 200
    assert bench["r3"].validator.mempool.oldest() == {"c0": 1000}


def test_rule_22_it_votes_on_nothing_meanwhile(bench: TransferBench) -> None:
    behind(bench)
    host = bench["r3"]
    bench.rule = lambda _from, to, m: not isinstance(m, State)  # it never ends
    voted: list[Message] = []
    real = bench.post

    def post(source: str, to: str, message: Message) -> None:
        if source == "r3" and message.sender == "r3" and message.TYPE in GUARDED:
            voted.append(message)
        real(source, to, message)

    bench.post = post  # type: ignore[method-assign]
    bench.run_for(5 * SECOND)
    assert host.replica.core.transferring
    bench.submit(201, to="all")
    bench.blocks(202, 203)
    for name in ("r0", "r1"):  # whom it would join at once (rule 19)
        call = ViewChange(bench.genesis.hash, 0, name, 1, 0, (), ())
        host.receive(signed(call, bench.signers[name]))
    host.handle(TimerFired(bench.now_us, state_transfer.TRANSFER))
    assert not voted
    assert host.replica.view == 0


def test_rule_22_a_weak_quorum_alike_starts_the_fetching(bench: TransferBench) -> None:
    behind(bench)
    host = bench["r3"]
    core = bench["r0"].replica.core
    votes = {c.sender: c for c in core.checkpoints.proof}
    host.receive(votes["r0"])
    assert not host.replica.core.transferring  # one may be a liar
    fetches = [m for m in bench.sent_by("r3") if isinstance(m, FetchState)]
    assert not fetches
    host.receive(votes["r1"])
    assert host.replica.core.transferring
    fetches = [m for m in bench.sent_by("r3") if isinstance(m, FetchState)]
    assert {m.path for m in fetches} == {""}
    bench.rule = lambda _from, to, m: not isinstance(m, Checkpoint | StateProof)
    bench.run_for(3 * SECOND)
    transfer = host.replica.core.transfer
    assert transfer.target is not None
    assert transfer.target.state == core.checkpoints.certified.state  # type: ignore[union-attr]
    assert not list(host.validator.snapshots.missing())  # all is there
    assert host.height == 0  # and it takes a quorum to adopt it
    bench.heal()
    host.receive(votes["r2"])
    assert host.height == 200


def test_rule_22_checkpoints_that_differ_start_nothing(bench: TransferBench) -> None:
    host = bench["r3"]
    for sender, digest in (("r0", b"a" * 32), ("r1", b"b" * 32), ("r2", b"c" * 32)):
        vote = Checkpoint(bench.genesis.hash, 0, sender, 100, digest)
        host.receive(signed(vote, bench.signers[sender]))
    assert not host.replica.core.transferring


def test_rule_22_several_sources_at_once(
    bench: TransferBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_pieces, "PIECE_BYTES", 32)
    behind(bench)
    asked: Counter[str] = Counter()

    def count(_from: str, to: str, message: Message) -> bool:
        if isinstance(message, FetchState):
            asked[to] += 1
        return True

    bench.rule = count
    bench.run_for(5 * SECOND)
    assert bench["r3"].roots == bench["r0"].roots
    assert set(asked) == {"r0", "r1", "r2"}
    assert min(asked.values()) >= 2


@pytest.mark.parametrize("path", ["", "header", "state/", "replies/"])
def test_rule_22_a_wrong_piece_is_refused_and_another_source_asked(
    bench: TransferBench, path: str
) -> None:
    """Whoever is asked first for this piece lies about it."""
    behind(bench)
    liars: list[str] = []
    real = bench.post

    def post(source: str, to: str, message: Message) -> None:
        if isinstance(message, State) and message.path == path and not liars:
            liars.append(source)
            wrong = message.piece[:-1] + bytes([message.piece[-1] ^ 1])
            lie = msgspec.structs.replace(message, piece=wrong)
            message = signed(lie, bench.signers[source])
        real(source, to, message)

    bench.post = post  # type: ignore[method-assign]
    host = bench["r3"]
    if path == "":
        proof = bench["r0"].replica.core.checkpoints.proof
        for vote in proof[:2]:
            host.receive(vote)
        bench.settle()
        host.receive(proof[2])
    bench.run_for(8 * SECOND)
    assert host.roots == bench["r0"].roots
    assert len(liars) == 1
    (refused,) = host.reached("state-piece-refused")
    assert liars[0] in refused.cause


def test_rule_22_a_wrong_piece_in_anothers_name_blames_nobody(bench: TransferBench) -> None:
    behind(bench)
    host = bench["r3"]
    bench.rule = lambda _from, _to, m: not isinstance(m, State)
    bench.run_for(3 * SECOND)
    transfer = host.replica.core.transfer
    (path, asked), *_ = transfer._asked.items()
    assert transfer.target is not None
    victim = next(iter(asked))
    forged = State(bench.genesis.hash, 0, victim, transfer.target.sequence, path, b"junk")
    host.receive(signed(forged, bench.signers["c0"]))
    assert not transfer._refused
    assert not host.reached("state-piece-refused")
    host.receive(signed(forged, bench.signers[victim]))
    assert list(transfer._refused) == [victim]


def test_rule_22_unasked_pieces_are_dropped_unread(bench: TransferBench) -> None:
    behind(bench)
    host = bench["r3"]
    bench.rule = lambda _from, _to, m: not isinstance(m, State)
    bench.run_for(3 * SECOND)
    transfer = host.replica.core.transfer
    assert transfer.target is not None
    sequence = transfer.target.sequence
    for path, at in (("state/", sequence), ("header", sequence + 2), ("header", 1)):
        message = State(bench.genesis.hash, 0, "r0", at, path, b"junk")
        host.receive(signed(message, bench.signers["r0"]))
    assert not transfer._refused


def test_rule_22_a_source_that_falls_silent_is_passed_over(bench: TransferBench) -> None:
    behind(bench)
    bench.rule = lambda source, _to, m: not (isinstance(m, State) and source == "r1")
    bench.run_for(10 * SECOND)
    assert bench["r3"].roots == bench["r0"].roots


def test_rule_22_one_honest_source_is_enough(bench: TransferBench) -> None:
    behind(bench)
    bench.rule = lambda source, _to, m: not (isinstance(m, State) and source in ("r1", "r2"))
    bench.run_for(20 * SECOND)
    assert bench["r3"].roots == bench["r0"].roots


def test_rule_22_a_newer_state_is_fetched_if_nobody_has_the_old_one(bench: TransferBench) -> None:
    behind(bench)
    host = bench["r3"]
    bench.rule = lambda _from, _to, m: not isinstance(m, State)
    bench.run_for(3 * SECOND)
    target = host.replica.core.transfer.target
    assert target is not None
    assert target.sequence == 200
    bench.without("r3")
    bench.blocks(201, 220)
    bench.heal()
    bench.run_for(5 * SECOND)
    assert host.roots == bench["r0"].roots
    assert [i.header.height for i in host.installed] == [220]


def test_rule_22_a_lone_source_that_dribbles_does_not_hold_the_transfer(
    bench: TransferBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """r1 alone still has the old state, and sends a piece of it now and then."""
    monkeypatch.setattr(tree_pieces, "PIECE_BYTES", 32)
    behind(bench)
    host, liar = bench["r3"], bench["r1"]
    bench.rule = lambda _from, _to, m: not isinstance(m, State)
    bench.run_for(3 * SECOND)
    old = liar.validator.snapshots.get(200)
    assert old is not None
    bench.without("r3")
    bench.blocks(201, 220)
    liar.validator.snapshots.keep(old)
    given = [0]

    def dribble(source: str, _to: str, message: Message) -> bool:
        if source != "r1" or not isinstance(message, State) or message.sequence != 200:
            return True
        if bench.now_us - given[-1] < SECOND // 2:
            return False
        given.append(bench.now_us)
        return True

    bench.rule = dribble
    bench.run_for(4 * SECOND)
    assert len(given) > 1  # it did send some, each of them right
    assert [i.header.height for i in host.installed] == [220]


def test_rule_22_pieces_in_flight_are_bounded(bench: TransferBench) -> None:
    behind(bench)
    host = bench["r3"]
    bench.rule = lambda _from, _to, m: not isinstance(m, State)
    bench.run_for(3 * SECOND)
    transfer = host.replica.core.transfer
    host.validator.snapshots.missing = lambda: iter(  # type: ignore[method-assign]
        [f"state/{n:x}" for n in range(1000)]
    )
    transfer._asked.clear()
    transfer.proceed()
    assert len(transfer._asked) == 3 * PIECES_PER_SOURCE


def test_rule_22_answers_are_limited_in_rate_and_to_who_is_known(
    bench: TransferBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_transfer, "ANSWERS_PER_INTERVAL", 5)
    bench.blocks(1, 10)
    host = bench["r0"]
    bench.settle()

    def ask(sender: str, signer: str, path: str = "header") -> int:
        message = FetchState(bench.genesis.hash, 0, sender, 10, path)
        before = bench.sent["state"]
        host.receive(signed(message, bench.signers[signer]) if signer else message)
        return bench.sent["state"] - before

    assert ask("r1", "c0") == 0  # not r1's signature
    assert ask("stranger", "") == 0
    assert ask("watcher", "") == 1  # an observer is known by name
    assert [ask("r1", "", f"state/{digit}") for digit in range(7)] == [
        1,
        1,
        1,
        1,
        1,
        0,
        0,
    ]  # and so may be anybody
    assert ask("r1", "r1", "x" * 1000) == 0
    assert [ask("r1", "r1", f"state/{digit}") for digit in range(7)] == [1, 1, 1, 1, 1, 0, 0]
    assert ask("r2", "r2") == 1  # one's flood takes nothing from another
    bench.now_us += bench.parameters.status_interval_us
    assert ask("r1", "r1") == 1


def test_rule_22_who_does_not_hold_the_state_says_so(bench: TransferBench) -> None:
    bench.blocks(1, 10)
    bench.settle()
    message = FetchState(bench.genesis.hash, 0, "r1", 4, "header")
    bench["r0"].receive(signed(message, bench.signers["r1"]))
    (answer,) = [m for m in bench.sent_by("r0") if isinstance(m, State)]
    assert answer.piece == b""


def test_rule_22_who_does_not_hold_it_is_not_asked_again(
    bench: TransferBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_pieces, "PIECE_BYTES", 32)
    behind(bench)
    asked: Counter[str] = Counter()
    real = bench.post

    def post(source: str, to: str, message: Message) -> None:
        if isinstance(message, FetchState):
            asked[to] += 1
        if isinstance(message, State) and source != "r0":
            none = msgspec.structs.replace(message, piece=b"")
            message = signed(none, bench.signers[source])
        real(source, to, message)

    bench.post = post  # type: ignore[method-assign]
    bench.run_for(5 * SECOND)
    assert bench["r3"].roots == bench["r0"].roots
    assert asked["r0"] > 3
    assert max(asked["r1"], asked["r2"]) <= 2  # what was under way already


def test_rule_22_blocks_are_not_sent_to_who_will_fetch_the_state(bench: TransferBench) -> None:
    behind(bench)
    status = Status(bench.genesis.hash, 0, "r3", 0, True, 0, 0, b"", b"", ())
    for _ in range(2):
        bench["r0"].receive(signed(status, bench.signers["r3"]))
        bench.now_us += bench.parameters.status_interval_us
    kinds = {m.TYPE for m in bench.sent_by("r0")}
    assert "certified-batch" not in kinds


def test_rule_23_the_installed_state_is_one_record_with_its_proof(bench: TransferBench) -> None:
    behind(bench)
    bench.run_for(5 * SECOND)
    host = bench["r3"]
    record = host.file[-1]
    assert record.state.sequence == 200
    assert len(record.proof) == 3
    assert any(isinstance(r, StableRecord) for r in host.log)
    bench.crash("r3")
    host.start()
    assert host.height == 200
    assert host.roots == bench["r0"].roots
    assert host.replica.stable == 200


def test_rule_22_the_install_survives_the_loss_of_everything_after_it(
    bench: TransferBench,
) -> None:
    """The record of the installed state is durable, the vote log's new beginning isn't."""
    behind(bench)
    before = list(bench["r3"].log)
    bench.run_for(5 * SECOND)
    host = bench["r3"]
    bench.crash("r3")
    host.log = before
    host.start()
    assert host.replica.status() == (0, True, 200, 200)


def test_rule_25_a_lost_store_file_is_fetched_again_and_the_key_stays(
    bench: TransferBench,
) -> None:
    bench.blocks(1, 200)
    host = bench["r3"]
    bench.crash("r3")
    host.wipe("blocks")
    host.start()
    assert host.height == 0
    assert host.replica.core.transferring  # its own vote log proves what is stable
    bench.run_for(5 * SECOND)
    assert host.height == 200
    assert host.roots == bench["r0"].roots
    bench.without("r1")
    bench.blocks(201, 204)
    assert host.height == 204


def test_rule_22_ten_thousand_blocks_behind() -> None:
    """A late starter takes what is there, however long it took to come about."""
    bench = TransferBench(checkpoint_interval=100, window=200, block_max_txs=1)
    bench.crash("r3")
    bench.without("r3")
    for height in range(1, 10_001):
        batch = Batch(0, (bench.request(height // 500),)) if height % 500 == 0 else NULL_BATCH
        commits = tuple(
            signed(Commit(bench.genesis.hash, 0, n, 0, height, batch.digest), bench.signers[n])
            for n in ("r0", "r1", "r2")
        )
        decided = CommitCertificate(0, 0, height, batch.digest, commits)
        for name in ("r0", "r1", "r2"):
            message = CertifiedBatch(bench.genesis.hash, 0, "r3", height, batch, decided)
            bench[name].receive(message)
        if height % 100 == 0:
            bench.settle()
    assert {bench[name].replica.stable for name in ("r0", "r1", "r2")} == {10_000}
    assert len(bench["r0"].validator.chain) <= 400  # old blocks are gone
    bench.heal()
    bench.sent.clear()
    bench["r3"].start()
    bench.run_for(3 * SECOND)
    host = bench["r3"]
    assert host.height == 10_000
    assert host.roots == bench["r0"].roots
    assert not [r for r in host.file if isinstance(r, Block)]  # not one was executed
    assert bench.sent["certified-batch"] == 0
    assert bench.sent["state"] < 20


def test_rule_22_the_store_file_stays_short(bench: TransferBench) -> None:
    """Blocks and snapshots are written as they come, and the file is replaced now and then."""
    lengths = []
    for first in range(1, 1_000, 100):
        bench.blocks(first, first + 99)
        lengths.append(len(bench["r0"].file))
    assert max(lengths) < 500  # of 1,500 records that were written
    bench.crash("r0")
    before = bench["r0"].roots
    bench["r0"].start()
    host = bench["r0"]
    assert host.roots == before
    (boot,) = [i for i in host.installed if i.replayed]
    assert host.height - boot.header.height <= bench.parameters.window


def voted_by(bench: TransferBench, name: str) -> list[Message]:
    """From now on: what ``name`` votes."""
    voted: list[Message] = []
    real = bench.post

    def post(source: str, to: str, message: Message) -> None:
        if source == name and message.sender == name and message.TYPE in GUARDED:
            voted.append(message)
        real(source, to, message)

    bench.post = post  # type: ignore[method-assign]
    return voted


@pytest.mark.parametrize("idle", [True, False])
def test_rule_11_who_diverged_takes_over_the_others_state_and_never_votes_on(
    bench: TransferBench, idle: bool
) -> None:
    bench.blocks(1, 5)
    host = bench["r1"]
    balance = {("balance", "c0/cash", "PKR"): Balance(1_000_000)}
    host.validator.ledger._state.apply(balance)  # a cosmic ray
    bench.blocks(6, 6 if idle else 15)
    assert "differs from a quorum's" in host.replica.halted
    bench.run_for(5 * SECOND)
    assert host.height == bench["r0"].height
    assert host.roots == bench["r0"].roots
    voted = voted_by(bench, "r1")
    bench.blocks(16, 40)
    bench.crash("r1")
    host.start()
    bench.blocks(41, 50)
    bench.submit(51, to="all")
    bench.run_for(5 * SECOND)
    assert host.roots == bench["r0"].roots
    assert host.height == bench["r0"].height > 40
    assert "differs" in host.replica.halted
    assert not voted


def test_rule_26_a_wrong_state_at_boot_is_fetched(bench: TransferBench) -> None:
    bench.blocks(1, 5)
    host = bench["r1"]
    bench.crash("r1")
    sequence = host.replica.stable
    wrong = [record for record in host.file if not isinstance(record, SnapshotRecord)]
    host.file[:] = wrong
    stable = next(r for r in host.log if isinstance(r, StableRecord))
    state = msgspec.structs.replace(stable.certified.state, reply_root=b"?" * 32)
    proof = tuple(
        signed(Checkpoint(bench.genesis.hash, 0, n, sequence, state.digest), bench.signers[n])
        for n in ("r0", "r2", "r3")
    )
    other = StableRecord(CertifiedState(state, proof))
    host.log[:] = [other if r is stable else r for r in host.log]
    host.start()
    assert "differs" in host.replica.halted
    assert host.replica.core.suspect
    bench.blocks(6, 30)
    bench.run_for(5 * SECOND)
    assert host.roots == bench["r0"].roots


def test_rule_22_a_target_that_never_becomes_stable_is_given_up_for_one_that_is() -> None:
    """W signed CHECKPOINT(8), a third vote is lost, and its sender dies: 6 is what there is."""
    bench = TransferBench()
    bench.without("r3")
    bench.blocks(1, 6)

    def lost(source: str, message: Message) -> bool:
        return source == "r2" and isinstance(message, Checkpoint)

    bench.rule = lambda source, to, m: not lost(source, m) and "r3" not in (source, to)
    bench.blocks(7, 7)
    bench.rule = lambda source, to, m: (
        not lost(source, m) and ("r3" not in (source, to) or isinstance(m, Checkpoint))
    )
    bench.blocks(8, 8)
    assert [bench[name].replica.stable for name in ("r0", "r1")] == [6, 6]
    bench.crash("r2")
    bench.heal()
    bench.submit(9, to="all")
    bench.run_for(120 * SECOND)
    assert bench["r0"].replica.executed >= 9


def test_rule_22_a_slot_prepared_while_fetching_gets_ones_commit_afterwards() -> None:
    bench = Bench(4, checkpoint_interval=2, window=4, block_interval_us=1)
    host = bench["r3"]
    core = host.replica.core
    core.transferring = True
    sent: list[str] = []

    def listen(source: str, _to: str, message: Message) -> bool:
        if source == "r3":
            sent.append(message.TYPE)
        return not isinstance(message, Commit)

    bench.rule = listen
    bench.submit(1)
    bench.run_for(10)
    assert sent == []
    core.begin(bench.now_us)
    core.transfer._stop()
    for effect in core.finish():
        host._apply(effect)
    bench.settle()
    assert {"prepare", "commit"} <= set(sent)


def test_rule_18_timers_run_again_after_a_transfer_that_was_not_needed() -> None:
    bench = Bench(4, checkpoint_interval=2, window=4, block_interval_us=1)
    host = bench["r3"]
    core = host.replica.core
    core.transferring = True
    bench.rule = lambda _from, _to, _m: False
    bench.submit(1, to="r3")
    bench.run_for(3 * SECOND)
    core.begin(bench.now_us)
    core.transfer._stop()
    for effect in core.finish():
        host._apply(effect)
    bench.run_for(60 * SECOND)
    assert host.reached("view-change-started")


def test_rule_32_a_replayed_question_for_proofs_is_answered_once_per_interval() -> None:
    bench = TransferBench()
    bench.blocks(1, 4)
    question = FetchProof(bench.genesis.hash, 0, "c0", "c0.desk")
    question = signed(question, bench.signers["c0"])
    validator = bench["r0"].validator

    def answers() -> int:
        effects = validator.handle(Receive(bench.now_us, question))
        return sum(isinstance(effect, Send) for effect in effects)

    assert sum(answers() for _ in range(100)) == 1
    bench.now_us += bench.parameters.status_interval_us
    assert answers() == 1
