"""What one hostile peer, a replay or an unlucky loss must not be able to do.

Each of these schedules broke an earlier version of the replica.
"""

from __future__ import annotations

from consensus.messages import (
    Batch,
    BatchReply,
    CertifiedBatch,
    Checkpoint,
    Commit,
    CommitCertificate,
    Message,
    NewView,
    PrePrepare,
    Status,
    ViewChange,
    signed,
)
from tests.unit.pbft.bench import CHAIN, Bench
from tests.unit.pbft.test_view_change import certificate, new_view, view_change

SECOND = 1_000_000


def junk_new_view(bench: Bench, sender: str, view: int, n: int = 3) -> NewView:
    names = tuple((id_, b"%d" % i * 32) for i, id_ in enumerate(bench.committee.ids[:n]))
    return signed(NewView(CHAIN, 0, sender, view, names, ()), bench.signers[sender])


def test_rule_32_a_hostile_new_view_of_a_far_view_blocks_no_honest_one() -> None:
    """r3, hostile, sends ONE message; then the primary r0 crashes... r3 otherwise behaves."""
    bench = Bench(7)
    far = junk_new_view(bench, "r6", 7 * 10**9 + 6, n=5)
    for name in bench.hosts:
        if name != "r6":
            bench[name].receive(far)
    bench.settle()
    bench.crash("r0")
    bench.submit(1, to="all")
    bench.run_for(600 * SECOND)
    assert all(len(bench[x].blocks) == 1 for x in ("r1", "r2", "r3", "r4", "r5"))


def test_rule_15_a_malformed_new_view_of_another_view_wipes_nothing() -> None:
    """rule 15: drop it, unless v' is one's own pending view."""
    bench = Bench(4)
    batch = Batch(0, (bench.request(1),))
    voters = [
        view_change(bench, "r1", 1, (certificate(bench, batch),)),
        view_change(bench, "r2", 1),
        view_change(bench, "r3", 1),
    ]
    host = bench["r2"]
    host.replica.core.begin(0)
    host.replica.core.views.start(1, "test")
    for vote in voters:
        host.receive(vote)
    host.receive(new_view(bench, voters))
    assert not host.replica.active  # waits for the batch
    host.receive(junk_new_view(bench, "r3", 3, n=1))  # hostile r3
    host.receive(signed(BatchReply(CHAIN, 0, "r1", 1, batch), bench.signers["r1"]))
    assert host.replica.active


def test_rule_24_the_new_primarys_own_new_view_survives_compaction() -> None:
    """r1 has executed 2 but lacks the CHECKPOINTs (stable 0); V's min-s is 2."""
    bench = Bench(4, checkpoint_interval=2, window=4)
    bench.rule = lambda _f, to, m: not (isinstance(m, Checkpoint) and to == "r1")
    for n in (1, 2):
        bench.submit(n)
        bench.run_for(200_000)
    assert bench["r1"].replica.stable == 0
    assert bench["r2"].replica.stable == 2
    # Everybody changes view: r0 is slow, its VIEW-CHANGE arrives late.
    kept: dict[str, Message] = {}
    told: list[NewView] = []

    def rule(source: str, to: str, m: Message) -> bool:
        if isinstance(m, ViewChange):
            kept.setdefault(m.sender, m)
        if isinstance(m, NewView):
            told.append(m)
        return to == "r1" and isinstance(m, ViewChange) and source != "r0"

    bench.rule = rule
    for name in ("r0", "r2", "r3", "r1"):
        core = bench[name].replica.core
        core.begin(bench.now_us)
        core.views.start(1, "test")
        for effect in core.finish():
            bench[name]._apply(effect)
    bench.settle()
    bench.settle()
    first = told[0]
    assert bench["r1"].replica.active
    bench.crash("r1")
    told.clear()
    bench["r1"].start()
    for name in ("r0", "r2"):
        bench["r1"].receive(kept[name])
    bench.settle()
    assert bench["r1"].replica.active  # it had entered view 1, durably
    assert {m.digest_bytes for m in told} <= {first.digest_bytes}, "two NEW-VIEWs for view 1"


def test_rule_24_the_restarted_new_primary_does_not_propose_twice() -> None:
    """same, and a normal-case PRE-PREPARE in view 1 besides."""
    bench = Bench(4, checkpoint_interval=2, window=4)
    bench.rule = lambda _f, to, m: not (isinstance(m, Checkpoint) and to == "r1")
    for n in (1, 2):
        bench.submit(n)
        bench.run_for(200_000)
    kept: dict[str, Message] = {}
    said: dict[tuple[int, int], set[bytes]] = {}

    def rule(source: str, to: str, m: Message) -> bool:
        if isinstance(m, ViewChange):
            kept.setdefault(m.sender, m)
        if isinstance(m, PrePrepare) and m.sender == "r1":
            said.setdefault((m.view, m.sequence), set()).add(m.digest)
        return to == "r1" and isinstance(m, ViewChange)

    bench.rule = rule
    for name in ("r2", "r3", "r1"):
        core = bench[name].replica.core
        core.begin(bench.now_us)
        core.views.start(1, "test")
        for effect in core.finish():
            bench[name]._apply(effect)
    bench.settle()
    assert bench["r1"].replica.active
    bench["r1"].receive(bench.request(3))
    bench.settle()
    bench.crash("r1")
    bench["r1"].start()
    for name in ("r2", "r3"):
        bench["r1"].receive(kept[name])
    bench["r1"].receive(bench.request(4))
    bench.settle()
    assert all(len(d) == 1 for d in said.values()), "two PRE-PREPAREs under one key"


def test_rule_20_deadlines_fall_back_with_the_time_out() -> None:
    """rule 20: fall back; rule 18: each client's deadline."""
    bench = Bench(4)
    host = bench["r2"]
    bench.rule = lambda _f, _t, _m: False
    timeouts = host.replica.core.timeouts
    timeouts.doublings = 6
    host.receive(bench.request(1, "c1"))  # starved by the primary: due in 128 s
    host.replica.core.begin(0)
    timeouts.checkpoint_stable_in_view()
    for effect in host.replica.core.finish():
        host._apply(effect)
    assert timeouts.request_timeout_us == 2 * SECOND
    host.receive(bench.request(1, "c0"))
    bench.run_for(3 * SECOND)
    assert host.replica.view == 1


def test_rule_32_a_status_replayed_by_a_hostile_peer_starves_nobody() -> None:
    """r0 hostile replays r3's first STATUS just ahead of each true one."""
    bench = Bench(4)
    old: list[Status] = []
    bench.rule = lambda _f, to, m: to != "r3"
    bench.submit(1)
    bench.settle()
    bench.run_for(3 * SECOND)

    def first(source: str, _to: str, m: Message) -> bool:
        if source == "r3" and isinstance(m, Status) and not old:
            old.append(m)
        return _to != "r3"

    bench.rule = first
    bench.run_for(2 * SECOND)
    assert old
    assert old[0].executed == 0
    bench.rule = lambda _f, _t, _m: True
    bench.run_for(5 * SECOND)
    assert len(bench["r3"].blocks) == 1
    # now r3 misses block 2; r0 replays
    bench.rule = lambda _f, to, m: to != "r3"
    bench.submit(2)
    bench.run_for(SECOND)
    assert len(bench["r1"].blocks) == 2
    bench.rule = lambda _f, _t, _m: True
    for _ in range(400):
        for name in ("r1", "r2"):
            bench[name].receive(old[0])
        bench.rule = lambda f, t, _m: not (f == "r0" and t == "r3")  # r0 helps nobody
        bench.run_for(250_000)
    assert len(bench["r3"].blocks) == 2


def test_rule_33_no_honest_new_primary_is_accused() -> None:
    """rule 33: O follows from V; the liars are the senders of the VIEW-CHANGEs."""
    bench = Bench(4)
    bench.submit(1)
    bench.settle()
    host = bench["r2"]
    assert len(host.blocks) == 1
    # r0 and r3 (hostile, more than f) and r1, honest but it lost nothing: say r1 never prepared.
    voters = [view_change(bench, "r0", 1), view_change(bench, "r1", 1), view_change(bench, "r3", 1)]
    host.replica.core.begin(0)
    host.replica.core.views.start(1, "test")
    for v in voters:
        host.receive(v)
    host.receive(new_view(bench, voters))
    assert host.replica.halted
    assert not [r for r in host.reports if r.culprit == "r1"]


def test_rule_33_a_contradicting_certificate_stops_the_replica() -> None:
    """rule 33, second half."""
    bench = Bench(4)
    bench.submit(1)
    bench.settle()
    host = bench["r2"]
    other = Batch(7, (bench.request(2),))
    commits = tuple(
        signed(Commit(CHAIN, 0, id_, 1, 1, other.digest), bench.signers[id_])
        for id_ in ("r0", "r1", "r3")
    )
    cert = CommitCertificate(0, 1, 1, other.digest, commits)
    host.receive(signed(CertifiedBatch(CHAIN, 0, "r0", 1, other, cert), bench.signers["r0"]))
    assert host.replica.halted


def test_rule_11_a_far_checkpoint_of_one_hostile_does_not_keep_the_proof_out() -> None:
    """r0 says n = 10^9 to r3 alone, and is otherwise honest."""
    bench = Bench(4, checkpoint_interval=2, window=4)
    bench.rule = lambda _f, to, m: to != "r3"
    for n in range(1, 15):
        bench.submit(n)
        bench.run_for(200_000)
    assert bench["r1"].replica.stable == 14
    bench["r3"].receive(signed(Checkpoint(CHAIN, 0, "r0", 10**9, b"x" * 32), bench.signers["r0"]))
    bench.rule = lambda _f, _t, _m: True
    bench.run_for(60 * SECOND)
    assert bench["r3"].replica.executed == 14
    assert bench["r3"].replica.stable == 14


def test_rule_20_a_view_change_that_completes_v_counts_for_the_timer_too() -> None:
    """rule 20: own + r0 + r2 = Q for view 1, but two went into the entry alone."""
    bench = Bench(4)
    host = bench["r3"]
    bench.rule = lambda _f, _t, _m: False
    host.replica.core.begin(0)
    host.replica.core.views.start(1, "test")
    voters = [view_change(bench, "r0", 1), view_change(bench, "r1", 1), view_change(bench, "r2", 1)]
    host.receive(new_view(bench, voters))  # hostile r1 never shows its own VIEW-CHANGE
    host.receive(voters[0])
    host.receive(voters[2])
    assert ("new-view",) in host.timers


def test_rule_15_an_entry_completed_by_a_certified_batch_is_entered_at_once() -> None:
    """Nothing looked at the entry when the missing batch arrives as a decided one."""
    bench = Bench(4)
    batch = Batch(0, (bench.request(1),))
    voters = [
        view_change(bench, "r0", 1, (certificate(bench, batch),)),
        view_change(bench, "r1", 1),
        view_change(bench, "r2", 1),
    ]
    host = bench["r3"]
    bench.rule = lambda _f, _t, _m: False
    host.receive(new_view(bench, voters))
    for vote in voters:
        host.receive(vote)
    assert not host.replica.active  # waits for the batch
    commits = tuple(
        signed(Commit(CHAIN, 0, id_, 1, 1, batch.digest), bench.signers[id_])
        for id_ in ("r0", "r1", "r2")
    )
    cert = CommitCertificate(0, 1, 1, batch.digest, commits)
    host.receive(signed(CertifiedBatch(CHAIN, 0, "r0", 1, batch, cert), bench.signers["r0"]))
    bench.run_for(10 * SECOND)
    assert len(host.blocks) == 1
    assert host.replica.status() == (1, True, 1, 0)


def test_rule_23_a_new_primary_that_lacks_the_checkpoint_is_not_active_after_a_restart() -> None:
    """rule 15: fetch checkpoint before entering; O is empty, min-s 2, stable 0."""
    bench = Bench(4, checkpoint_interval=2, window=4)
    bench.rule = lambda _f, to, m: to != "r1"
    for n in (1, 2):
        bench.submit(n)
        bench.run_for(200_000)
    assert bench["r2"].replica.stable == 2
    assert bench["r1"].replica.executed == 0
    bench.rule = lambda _f, to, m: to == "r1" and isinstance(m, ViewChange)
    for name in ("r2", "r3", "r1"):
        core = bench[name].replica.core
        core.begin(bench.now_us)
        core.views.start(1, "test")
        for effect in core.finish():
            bench[name]._apply(effect)
    bench.settle()
    assert bench["r1"].replica.status() == (1, False, 0, 0)
    bench.crash("r1")
    bench["r1"].start()
    assert bench["r1"].replica.status() == (1, False, 0, 0)


def test_rule_33_the_halted_replica_proposes_nothing_more() -> None:
    """same event: own state differs from a quorum's, and it still sends a PRE-PREPARE."""
    bench = Bench(4, checkpoint_interval=1, window=4)
    host = bench["r0"]
    bench.rule = lambda _f, to, m: not (to == "r0" and isinstance(m, (Commit, Checkpoint)))
    host.receive(bench.request(1))
    bench.settle()
    for id_ in ("r1", "r2", "r3"):
        host.receive(signed(Checkpoint(CHAIN, 0, id_, 1, b"z" * 32), bench.signers[id_]))
    host.receive(bench.request(2))
    bench.now_us += 200_000
    slot = host.replica.core.slots[1]
    for id_ in ("r1", "r2", "r3"):
        host.receive(
            signed(Commit(CHAIN, 0, id_, 0, 1, slot.pre_prepare.digest), bench.signers[id_])
        )
    assert host.replica.halted
    assert not [m for _, _, m in bench.queue if isinstance(m, PrePrepare)]


def test_rule_33_a_halted_replica_stays_halted_after_a_restart() -> None:
    bench = Bench(4, checkpoint_interval=2, window=4)
    bench.rule = lambda _f, to, m: not isinstance(m, Checkpoint)
    for n in (1, 2):
        bench.submit(n)
        bench.run_for(200_000)
    host = bench["r2"]
    for id_ in ("r0", "r1", "r3"):
        host.receive(signed(Checkpoint(CHAIN, 0, id_, 2, b"z" * 32), bench.signers[id_]))
    assert host.replica.halted
    bench.crash("r2")
    host.start()
    bench.queue.clear()
    b = Batch(bench.now_us, (bench.request(3),))
    host.receive(signed(PrePrepare(CHAIN, 0, "r0", 0, 3, b.digest, batch=b), bench.signers["r0"]))
    assert not bench.queue, "votes on"


def test_rule_32_a_header_without_its_batch_does_not_take_the_place_of_the_true_proposal() -> None:
    """anybody can relay r1's signed header with no batch, or another."""
    bench = Bench(4)
    host = bench["r3"]
    batch = Batch(0, (bench.request(1),))
    true = signed(PrePrepare(CHAIN, 0, "r1", 1, 1, batch.digest, batch=batch), bench.signers["r1"])
    host.receive(true.header)  # from hostile r2, before the NEW-VIEW
    host.receive(true)
    kept = host.replica.core.normal.future.take(1, 20)
    assert kept
    assert kept[0].batch == batch


def test_rule_32_one_liar_does_not_use_up_the_reports_of_all() -> None:
    bench = Bench(4)
    host = bench["r2"]
    for view in range(3, 3 + 4 * 1100, 4):
        host.receive(junk_new_view(bench, "r3", view, n=1))
    host.receive(signed(Commit(CHAIN, 0, "r1", 0, 1, b"a" * 32), bench.signers["r1"]))
    host.receive(signed(Commit(CHAIN, 0, "r1", 0, 1, b"b" * 32), bench.signers["r1"]))
    assert [r for r in host.reports if r.culprit == "r1"]


def test_rule_08_held_proposals_of_a_view_left_by_a_new_view_are_dropped() -> None:
    """r0 (hostile) fills r3's holds with far times; the next view is entered directly."""
    bench = Bench(4)
    host = bench["r3"]
    bench.rule = lambda _f, _t, _m: False
    far = Batch(10**15, (bench.request(9),))
    host.receive(
        signed(PrePrepare(CHAIN, 0, "r0", 0, 1, far.digest, batch=far), bench.signers["r0"])
    )
    voters = [view_change(bench, id_, 1) for id_ in ("r0", "r1", "r2")]
    host.receive(new_view(bench, voters))
    for v in voters:
        host.receive(v)
    assert host.replica.status()[:2] == (1, True)
    b = Batch(600_000, (bench.request(1),))  # a little ahead: to be held until 100 ms
    host.receive(signed(PrePrepare(CHAIN, 0, "r1", 1, 1, b.digest, batch=b), bench.signers["r1"]))
    bench.run_for(SECOND)
    assert host.reached("pre-prepare-accepted")


def test_rule_20_the_new_view_timer_runs_after_a_direct_entry() -> None:
    """rule 20: Q VIEW-CHANGEs for v' are shown by V; O holds a request that isn't executed."""
    bench = Bench(4)
    host = bench["r3"]
    bench.rule = lambda _f, _t, _m: False
    batch = Batch(0, (bench.request(1),))
    voters = [
        view_change(bench, "r0", 1, (certificate(bench, batch),)),
        view_change(bench, "r1", 1),
        view_change(bench, "r2", 1),
    ]
    host.receive(new_view(bench, voters))
    for v in voters:
        host.receive(v)
    host.receive(signed(BatchReply(CHAIN, 0, "r1", 1, batch), bench.signers["r1"]))
    assert host.replica.status()[:2] == (1, True)
    assert ("new-view",) in host.timers or ("request",) in host.timers
