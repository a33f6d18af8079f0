"""Rules 16, 23 and 24: what a replica is after a crash."""

from __future__ import annotations

import pytest

from consensus.messages import Batch, Checkpoint, Commit, Message, PrePrepare, ViewChange, signed
from consensus.pbft.guard import SignGuard
from tests.unit.pbft.bench import CHAIN, Bench

SECOND = 1_000_000


@pytest.fixture
def bench() -> Bench:
    return Bench(4)


def test_rule_24_the_guard_allows_one_digest_per_key(bench: Bench) -> None:
    guard = SignGuard()
    first = Commit(CHAIN, 0, "r1", 2, 3, b"a" * 32)
    assert guard.allows(first)
    assert guard.allows(first)
    assert not guard.allows(Commit(CHAIN, 0, "r1", 2, 3, b"b" * 32))
    assert guard.allows(Commit(CHAIN, 0, "r1", 3, 3, b"b" * 32))
    assert guard.allows(Commit(CHAIN, 1, "r1", 2, 3, b"b" * 32))
    guard.forget(3)
    assert not guard.allows(Commit(CHAIN, 0, "r1", 2, 4, b"c" * 32))  # a view that was left
    assert guard.allows(Commit(CHAIN, 1, "r1", 2, 4, b"c" * 32))


def test_rule_24_a_restarted_backup_takes_no_second_proposal(bench: Bench) -> None:
    host = bench["r2"]
    bench.rule = lambda _from, _to, _m: False
    first = Batch(0, (bench.request(1),))
    second = Batch(0, (bench.request(2),))
    proposals = [
        signed(PrePrepare(CHAIN, 0, "r0", 0, 1, b.digest, batch=b), bench.signers["r0"])
        for b in (first, second)
    ]
    host.receive(proposals[0])
    bench.crash("r2")
    host.start()
    bench.queue.clear()
    host.receive(proposals[1])
    assert not bench.queue
    slot = host.replica.core.slots[1]
    assert slot.pre_prepare is not None
    assert slot.pre_prepare.digest == first.digest


def test_rule_24_a_restarted_primary_does_not_propose_twice_at_a_slot(bench: Bench) -> None:
    bench.rule = lambda _from, _to, _m: False
    bench.submit(1)
    bench.settle()
    bench.crash("r0")
    bench["r0"].start()
    bench["r0"].receive(bench.request(2))
    proposed = [m for _, _, m in bench.queue if isinstance(m, PrePrepare)]
    assert {m.sequence for m in proposed} == {2}


def test_rule_23_an_own_view_change_survives_the_crash(bench: Bench) -> None:
    host = bench["r2"]
    host.receive(bench.request(1))
    bench.rule = lambda _from, _to, _m: False
    bench.run_for(3 * SECOND)
    assert host.replica.view == 1
    before = host.replica.core.views.own
    assert before is not None
    bench.crash("r2")
    host.start()
    assert host.replica.view == 1
    assert not host.replica.active
    assert host.replica.core.views.own == before  # byte for byte


def test_rule_23_a_prepared_certificate_survives_the_crash(bench: Bench) -> None:
    bench.rule = lambda _from, _to, m: not isinstance(m, Commit)
    bench.submit(1)
    bench.settle()
    for name in list(bench.hosts):
        bench.crash(name)
    for host in bench.hosts.values():
        host.start()
    for host in bench.hosts.values():
        certificate = host.replica.core.slots[1].certificate
        assert certificate is not None
        assert len(certificate.prepares) == 2
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(5 * SECOND)
    assert {len(h.blocks) for h in bench.hosts.values()} == {1}
    assert {h.replica.view for h in bench.hosts.values()} == {0}


def test_all_restart_and_go_on(bench: Bench) -> None:
    for number in range(1, 26):
        bench.submit(number)
        bench.run_for(100_000)
    for name in list(bench.hosts):
        bench.crash(name)
    for host in bench.hosts.values():
        host.start()
    for number in range(26, 31):
        bench.submit(number)
        bench.run_for(100_000)
    bench.run_for(5 * SECOND)
    assert {len(h.blocks) for h in bench.hosts.values()} == {30}
    assert len({tuple(h.history) for h in bench.hosts.values()}) == 1


def test_a_new_primary_that_crashes_after_its_new_view_enters_it_again(bench: Bench) -> None:
    bench.rule = lambda _from, to, m: not isinstance(m, Commit)
    bench.submit(1)
    bench.settle()
    bench.crash("r0")
    seen: list[Message] = []

    def watch(_from: str, to: str, message: Message) -> bool:
        if to == "r1" and isinstance(message, ViewChange):
            seen.append(message)
        return True

    bench.rule = watch
    for name in ("r1", "r2", "r3"):
        bench[name].receive(bench.request(1))
    bench.run_for(2 * SECOND + 10)
    assert seen
    bench.crash("r1")
    log = bench["r1"].log
    last = max(i for i, r in enumerate(log) if type(r).__name__ == "NewViewRecord")
    bench["r1"].log = log[: last + 1]  # the crash came before O was accepted
    bench["r1"].blocks = []
    bench["r1"].start()
    assert bench["r1"].replica.view == 1
    assert bench["r1"].replica.active
    assert bench["r1"].replica.core.slots[1].pre_prepare is not None
    bench.run_for(5 * SECOND)
    assert len(bench["r1"].blocks) == 1


def test_rule_23_truncating_the_log_keeps_what_lies_above_the_checkpoint() -> None:
    """Slot 3 is prepared when the checkpoint at 2 becomes stable; then everybody crashes."""
    bench = Bench(
        4,
        checkpoint_interval=2,
        window=4,
        block_interval_us=1,
        request_timeout_us=60 * SECOND,
    )
    blocked: tuple[type[Message], ...] = (Commit, Checkpoint)

    def rule(_from: str, _to: str, message: Message) -> bool:
        if isinstance(message, Commit) and message.sequence == 3:
            return Commit not in blocked
        return not (isinstance(message, Checkpoint) and Checkpoint in blocked)

    bench.rule = rule
    for number in (1, 2, 3):
        bench.submit(number)
        bench.run_for(10)
    assert {h.replica.status() for h in bench.hosts.values()} == {(0, True, 2, 0)}
    blocked = (Commit,)
    bench.run_for(2 * SECOND)
    assert {h.replica.stable for h in bench.hosts.values()} == {2}
    for name in list(bench.hosts):
        bench.crash(name)
    for host in bench.hosts.values():
        host.start()
        slot = host.replica.core.slots[3]
        assert slot.certificate is not None
        assert slot.pre_prepare is not None
        assert slot.known_batch(slot.certificate.digest) is not None
    blocked = ()
    bench.run_for(5 * SECOND)
    assert {h.replica.status() for h in bench.hosts.values()} == {(0, True, 3, 2)}


def test_rule_23_truncating_the_log_keeps_a_pending_view_change() -> None:
    bench = Bench(4, checkpoint_interval=2, window=4)
    host = bench["r2"]
    host.receive(bench.request(1))
    bench.rule = lambda source, _to, _m: source != "r2"
    bench.run_for(3 * SECOND)
    pending = host.replica.core.views.own
    assert pending is not None
    for number in range(1, 6):
        bench.submit(number)
        bench.run_for(200_000)
    bench.rule = lambda _from, _to, m: not isinstance(m, ViewChange)
    bench.run_for(10 * SECOND)
    assert host.replica.status() == (1, False, 5, 4)
    bench.crash("r2")
    host.start()
    assert host.replica.status() == (1, False, 5, 4)
    assert host.replica.core.views.own == pending
