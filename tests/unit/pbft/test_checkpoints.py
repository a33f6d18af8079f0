"""Rules 9 to 11 and 23: checkpoints, garbage, and what the log must still hold."""

from __future__ import annotations

import pytest

from consensus.checkpoint_state import CheckpointState
from consensus.effects import Broadcast, Compact, Persist
from consensus.messages import Checkpoint, signed
from consensus.records import CheckpointRecord, StableRecord
from consensus.types import ScheduledChange
from tests.unit.pbft.bench import CHAIN, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench(4, checkpoint_interval=2, window=4, block_interval_us=1)


def run_blocks(bench: Bench, first: int, last: int) -> None:
    for number in range(first, last + 1):
        bench.submit(number)
        bench.run_for(10)


def vote(bench: Bench, sender: str, sequence: int, digest: bytes) -> Checkpoint:
    return signed(Checkpoint(CHAIN, 0, sender, sequence, digest), bench.signers[sender])


def test_rule_09_everybody_signs_the_state_at_each_boundary(bench: Bench) -> None:
    run_blocks(bench, 1, 1)
    assert bench.sent["checkpoint"] == 0
    run_blocks(bench, 2, 2)
    assert bench.sent["checkpoint"] == 12
    block = bench["r1"].blocks[1]
    wanted = block.state.digest
    assert {c.digest for c in bench["r1"].replica.core.checkpoints.proof} == {wanted}


def test_rule_09_the_digest_covers_state_replies_configuration_and_height(bench: Bench) -> None:
    members, others = bench.committee.members, Bench(5).committee.members
    digests = {
        CheckpointState(2, b"h" * 32, b"r" * 32, 0, members).digest,
        CheckpointState(2, b"x" * 32, b"r" * 32, 0, members).digest,
        CheckpointState(2, b"h" * 32, b"x" * 32, 0, members).digest,
        CheckpointState(2, b"h" * 32, b"r" * 32, 1, members).digest,
        CheckpointState(2, b"h" * 32, b"r" * 32, 0, others).digest,
        CheckpointState(2, b"h" * 32, b"r" * 32, 0, members, ScheduledChange(8, others)).digest,
        CheckpointState(2, b"h" * 32, b"r" * 32, 0, members, ScheduledChange(9, others)).digest,
        CheckpointState(2, b"h" * 32, b"r" * 32, 0, members, ScheduledChange(8, members)).digest,
        CheckpointState(4, b"h" * 32, b"r" * 32, 0, members).digest,
    }
    assert len(digests) == 9


def test_rule_10_stable_takes_a_quorum_alike(bench: Bench) -> None:
    host = bench["r1"]
    bench.rule = lambda _from, to, m: not (isinstance(m, Checkpoint) and to == "r1")
    run_blocks(bench, 1, 2)
    own = host.replica.core.checkpoints.own[2]
    assert host.replica.stable == 0
    host.receive(vote(bench, "r2", 2, own.digest))
    host.receive(vote(bench, "r3", 2, b"x" * 32))
    assert host.replica.stable == 0  # a weak quorum alike is not enough
    assert 1 in host.replica.core.slots  # and nothing was thrown away
    effects = host.receive(vote(bench, "r0", 2, own.digest))
    assert host.replica.stable == 2
    assert list(host.replica.core.slots) == []
    compact = next(e for e in effects if isinstance(e, Compact))
    proof = compact.records[0]
    assert isinstance(proof, StableRecord)
    assert len({c.sender for c in proof.certified.proof}) == 3


def test_rule_10_a_proof_for_what_is_not_executed_waits(bench: Bench) -> None:
    host = bench["r3"]
    bench.rule = lambda _from, to, m: to != "r3" or isinstance(m, Checkpoint)
    run_blocks(bench, 1, 2)
    assert host.replica.executed == 0
    assert host.replica.stable == 0
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(5_000_000)
    assert host.replica.executed == 2
    assert host.replica.stable == 2


def test_rule_11_one_checkpoint_beyond_the_window_is_kept_per_sender(bench: Bench) -> None:
    core = bench["r1"].replica.core
    for sequence in (100, 200, 150):
        bench["r1"].receive(vote(bench, "r2", sequence, b"d" * 32))
    assert {s: c.sequence for s, c in core.checkpoints._ahead.items()} == {"r2": 200}
    assert core.catch_up._target == 0  # one liar moves nobody
    bench["r1"].receive(vote(bench, "r3", 120, b"d" * 32))
    assert core.catch_up._target == 120  # what a weak quorum has passed


def test_rule_11_a_laggard_beyond_its_window_votes_again(bench: Bench) -> None:
    """Found in sovereign-day: it executed ever further above H and never took part again."""
    bench.rule = lambda _from, to, _m: to != "r3"
    run_blocks(bench, 1, 21)
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(5_000_000)
    assert bench["r3"].replica.status() == (0, True, 21, 20)
    before = len(bench["r3"].reached("prepared"))
    run_blocks(bench, 22, 25)
    assert len(bench["r3"].reached("prepared")) == before + 4


def test_rule_11_a_replica_whose_state_differs_stops(bench: Bench) -> None:
    host = bench["r1"]
    bench.rule = lambda _from, to, m: not (isinstance(m, Checkpoint) and to == "r1")
    run_blocks(bench, 1, 2)
    for sender in ("r0", "r2", "r3"):
        host.receive(vote(bench, sender, 2, b"x" * 32))
    assert "differs" in host.replica.halted
    assert host.receive(bench.request(9)) == []


def test_rule_23_the_own_checkpoint_is_durable_before_it_is_sent(bench: Bench) -> None:
    host = bench["r1"]
    seen: list[str] = []
    real = host.handle

    def spy(event: object) -> list[object]:
        effects = real(event)  # type: ignore[arg-type]
        for effect in effects:
            if isinstance(effect, Persist) and isinstance(effect.record, CheckpointRecord):
                seen.append("persist")
            if isinstance(effect, Broadcast) and isinstance(effect.message, Checkpoint):
                seen.append("send")
        return effects  # type: ignore[return-value]

    host.handle = spy  # type: ignore[method-assign,assignment]
    run_blocks(bench, 1, 2)
    assert seen == ["persist", "send"]


def test_rule_33_two_checkpoints_of_one_key_are_reported(bench: Bench) -> None:
    host = bench["r1"]
    host.receive(vote(bench, "r2", 2, b"a" * 32))
    host.receive(vote(bench, "r2", 2, b"b" * 32))
    assert [r.kind for r in host.reports] == ["conflicting-checkpoint"]


def test_the_log_stays_short(bench: Bench) -> None:
    run_blocks(bench, 1, 100)
    assert {host.replica.stable for host in bench.hosts.values()} == {100}
    assert max(len(host.log) for host in bench.hosts.values()) <= 4 * 4


def test_rule_10_nothing_is_discarded_before_a_checkpoint_is_stable(bench: Bench) -> None:
    """Executed is not settled: the next view must still hear of what was prepared."""
    run_blocks(bench, 1, 1)
    host = bench["r2"]
    assert host.replica.executed == 1
    host.replica.core.begin(bench.now_us)
    host.replica.core.views.start(1, "test")
    own = host.replica.core.views.own
    assert own is not None
    assert [certificate.sequence for certificate in own.prepared] == [1]
