"""Rules 12 to 20: leaving a view, and starting the next with what was prepared."""

from __future__ import annotations

import msgspec
import pytest

from consensus.certificates import prepared_certificate_is_valid
from consensus.effects import Send
from consensus.messages import (
    NULL_DIGEST,
    Batch,
    Commit,
    Message,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    SlotStatus,
    Status,
    ViewChange,
    signed,
)
from consensus.pbft.new_view import select, view_change_is_valid
from tests.unit.pbft.bench import CHAIN, Bench

SECOND = 1_000_000


@pytest.fixture
def bench() -> Bench:
    return Bench(4)


def certificate(
    bench: Bench, batch: Batch, view: int = 0, sequence: int = 1, voters: tuple[str, ...] = ()
) -> PreparedCertificate:
    """A true prepared certificate."""
    primary = bench.committee.primary(view)
    backups = [id_ for id_ in bench.committee.ids if id_ != primary][: bench.committee.quorum - 1]
    proposal = signed(
        PrePrepare(CHAIN, 0, primary, view, sequence, batch.digest), bench.signers[primary]
    )
    prepares = tuple(
        signed(Prepare(CHAIN, 0, id_, view, sequence, batch.digest), bench.signers[id_])
        for id_ in (voters or backups)
    )
    return PreparedCertificate(proposal, prepares)


def view_change(
    bench: Bench, sender: str, view: int = 1, prepared: tuple[PreparedCertificate, ...] = ()
) -> ViewChange:
    return signed(ViewChange(CHAIN, 0, sender, view, 0, (), prepared), bench.signers[sender])


def new_view(
    bench: Bench,
    voters: list[ViewChange],
    view: int = 1,
    offers: tuple[tuple[int, bytes], ...] | None = None,
) -> NewView:
    """A NEW-VIEW of ``view``'s primary; O follows from V unless ``offers`` says otherwise."""
    primary = bench.committee.primary(view)
    items = select(voters).proposals if offers is None else offers
    proposals = tuple(
        signed(PrePrepare(CHAIN, 0, primary, view, n, digest), bench.signers[primary])
        for n, digest in items
    )
    names = tuple((vc.sender, vc.digest_bytes) for vc in voters)
    return signed(NewView(CHAIN, 0, primary, view, names, proposals), bench.signers[primary])


def valid(bench: Bench, message: ViewChange) -> bool:
    core = bench["r0"].replica.core
    return view_change_is_valid(message, bench.committee, 20, core.authentic)


def test_rule_12_no_part_in_a_lower_view_after_view_change(bench: Bench) -> None:
    host = bench["r2"]
    host.replica.core.begin(0)
    host.replica.core.views.start(1, "test")
    batch = Batch(0, (bench.request(1),))
    proposal = PrePrepare(CHAIN, 0, "r0", 0, 1, batch.digest, batch=batch)
    effects = host.receive(signed(proposal, bench.signers["r0"]))
    assert not [e for e in effects if type(e).__name__ in ("Broadcast", "Persist")]
    assert not host.reached("pre-prepare-accepted")


def test_rule_12_votes_that_overtake_the_new_view_are_kept(bench: Bench) -> None:
    early: list[tuple[str, Message]] = []

    def hold(_from: str, to: str, message: Message) -> bool:
        if to == "r3" and isinstance(message, NewView):
            early.append((to, message))
            return False
        return True

    bench.crash("r0")
    bench.rule = hold
    bench.submit(1, to="all")
    bench.run_for(2_100_000)
    host = bench["r3"]
    assert early
    assert host.replica.status() == (1, False, 0, 0)
    assert len(host.replica.core.normal.future) > 0
    host.receive(early[0][1])
    bench.settle()
    assert host.replica.status() == (1, True, 1, 0)


def test_rule_12_a_certified_batch_is_executed_while_changing_views(bench: Bench) -> None:
    bench.rule = lambda _from, to, _m: to != "r3"
    bench.submit(1)
    bench.run_for(10)
    host = bench["r3"]
    host.replica.core.begin(bench.now_us)
    host.replica.core.views.start(1, "test")
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(5 * SECOND)
    assert not host.replica.active  # alone, it waits for others to follow
    assert len(host.blocks) == 1


def test_rule_13_p_holds_the_certificate_across_failed_views(bench: Bench) -> None:
    """Prepared in view 0, then two primaries fail: view 3 still starts with it."""
    bench = Bench(7)
    bench.rule = lambda _from, _to, m: not isinstance(m, Commit)
    request = bench.submit(1)
    bench.run_for(10)
    assert bench["r3"].reached("prepared")
    assert not bench["r3"].blocks
    bench.crash("r1")
    bench.crash("r2")
    bench.rule = lambda _from, _to, m: not (isinstance(m, PrePrepare) and m.view == 0)
    for host in bench.hosts.values():
        if host.up:
            host.receive(request)
    bench.run_for(30 * SECOND)
    assert {h.replica.view for h in bench.hosts.values() if h.up} == {3}
    assert {len(h.blocks) for h in bench.hosts.values() if h.up} == {1}
    assert len({tuple(h.history) for h in bench.hosts.values() if h.up}) == 1


def test_rule_13_a_view_that_prepared_nothing_anew_does_not_lose_the_certificate() -> None:
    """Prepared in view 0; view 1 is entered, and its votes are lost: view 2 starts with it."""
    bench = Bench(7)
    bench.rule = lambda _from, _to, m: not isinstance(m, Commit)
    request = bench.submit(1)
    bench.run_for(10)
    digest = bench["r3"].reached("prepared")[0].digest
    bench.crash("r0")
    bench.rule = lambda _from, _to, m: not isinstance(m, Prepare | Commit)
    for host in bench.hosts.values():
        if host.up:
            host.receive(request)
    bench.run_for(3 * SECOND)
    assert bench["r3"].replica.status()[:2] == (1, True)
    assert bench["r3"].replica.core.slots[1].certificate is not None
    bench.crash("r1")
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(60 * SECOND)
    up = [host for host in bench.hosts.values() if host.up]
    assert {host.history[0] for host in up} == {digest}


def test_rule_13_a_certificate_needs_distinct_backups(bench: Bench) -> None:
    batch = Batch(0, (bench.request(1),))
    core = bench["r0"].replica.core
    good = certificate(bench, batch)
    assert prepared_certificate_is_valid(good, bench.committee, core.authentic)
    for voters in (("r1", "r1"), ("r1", "r0"), ("r1",), ("r1", "r2", "r3")):
        bad = certificate(bench, batch, voters=voters)
        assert not prepared_certificate_is_valid(bad, bench.committee, core.authentic)


def test_rule_13_a_true_view_change_is_valid(bench: Bench) -> None:
    batch = Batch(0, (bench.request(1),))
    assert valid(bench, view_change(bench, "r2", 1, (certificate(bench, batch),)))


def test_rule_13_what_a_view_change_may_not_hold(bench: Bench) -> None:
    batch = Batch(0, (bench.request(1),))
    good = certificate(bench, batch)
    other = certificate(bench, Batch(0, (bench.request(2),)))
    wrong = {
        "few": PreparedCertificate(good.pre_prepare, good.prepares[:1]),
        "same voter twice": certificate(bench, batch, voters=("r1", "r1")),
        "primary votes": certificate(bench, batch, voters=("r0", "r1")),
        "mixed digests": PreparedCertificate(good.pre_prepare, other.prepares),
        "view too high": certificate(bench, batch, view=1),
        "beyond window": certificate(bench, batch, sequence=21),
        "not above h": certificate(bench, batch, sequence=0),
        "forged proposal": PreparedCertificate(
            msgspec.structs.replace(good.pre_prepare, signature=b"junk"), good.prepares
        ),
    }
    for name, bad in wrong.items():
        assert not valid(bench, view_change(bench, "r2", 1, (bad,))), name
    assert not valid(bench, view_change(bench, "r2", 1, (good, good))), "two for one slot"
    assert not valid(bench, view_change(bench, "r2", 0)), "view 0"
    unproven = ViewChange(CHAIN, 0, "r2", 1, 10, (), ())
    assert not valid(bench, signed(unproven, bench.signers["r2"])), "h without proof"


def test_rule_14_the_highest_view_wins_and_gaps_are_null(bench: Bench) -> None:
    old = Batch(0, (bench.request(1),))
    new = Batch(0, (bench.request(2),))
    voters = [
        view_change(bench, "r1", 2, (certificate(bench, old, 0, 1),)),
        view_change(bench, "r2", 2, (certificate(bench, new, 1, 1),)),
        view_change(bench, "r3", 2, (certificate(bench, old, 0, 3),)),
    ]
    assert select(voters).proposals == ((1, new.digest), (2, NULL_DIGEST), (3, old.digest))
    assert select(reversed(voters)).proposals == select(voters).proposals


def test_rule_14_min_s_is_the_highest_checkpoint_in_v(bench: Bench) -> None:
    batch = Batch(0, (bench.request(1),))
    voters = [
        msgspec.structs.replace(vc, stable=stable)
        for vc, stable in (
            (view_change(bench, "r1", 1, (certificate(bench, batch, 0, 3),)), 0),
            (view_change(bench, "r2", 1, (certificate(bench, batch, 0, 12),)), 10),
            (view_change(bench, "r3", 1), 0),
        )
    ]
    selection = select(voters)
    assert selection.min_sequence == 10
    assert selection.proposals == ((11, NULL_DIGEST), (12, batch.digest))
    assert selection.max_sequence == 12


def test_rule_14_a_decision_survives_the_view_change(bench: Bench) -> None:
    """Only the primary committed and executed before it crashed."""
    bench.rule = lambda _from, to, m: not (isinstance(m, Commit) and to != "r0")
    bench.submit(1)
    bench.run_for(10)
    assert [len(h.blocks) for h in bench.hosts.values()] == [1, 0, 0, 0]
    bench.crash("r0")
    bench.rule = lambda _from, _to, _m: True
    bench.submit(2, to="all")
    bench.run_for(10 * SECOND)
    bench["r0"].start()
    bench.run_for(10 * SECOND)
    assert len({tuple(h.history) for h in bench.hosts.values()}) == 1
    assert len(bench["r0"].blocks) == 2


def voters_of(bench: Bench) -> list[ViewChange]:
    batch = Batch(0, (bench.request(1),))
    prepared = (certificate(bench, batch),)
    return [
        view_change(bench, "r1", 1, prepared),
        view_change(bench, "r2", 1),
        view_change(bench, "r3", 1),
    ]


def offer(bench: Bench, message: NewView, voters: list[ViewChange]) -> bool:
    """Whether r2, which holds V, takes the NEW-VIEW at its word."""
    host = bench["r2"]
    host.replica.core.begin(0)
    host.replica.core.views.start(1, "test")
    for vote in voters:
        host.receive(vote)
    host.receive(message)
    entry = host.replica.core.entrance.entries.get("r1")
    return host.replica.active or (entry is not None and entry.selection is not None)


def test_rule_15_a_true_new_view_is_taken(bench: Bench) -> None:
    voters = voters_of(bench)
    assert offer(bench, new_view(bench, voters), voters)


def test_rule_15_a_new_view_whose_o_does_not_follow_from_v_is_reported(bench: Bench) -> None:
    voters = voters_of(bench)
    for offers in ((), ((1, NULL_DIGEST),), ((1, b"x" * 32),), ((2, NULL_DIGEST),)):
        fresh = Bench(4)
        assert not offer(fresh, new_view(fresh, voters, offers=offers), voters)
        assert [r.kind for r in fresh["r2"].reports] == ["bogus-new-view"]
        assert fresh["r2"].replica.view == 2  # it was the pending view: on to the next


def test_rule_15_v_must_be_a_quorum_of_distinct_members(bench: Bench) -> None:
    voters = voters_of(bench)
    for bad in (voters[:2], [voters[0], voters[0], voters[1]]):
        fresh = Bench(4)
        assert not offer(fresh, new_view(fresh, bad), voters)


def test_rule_15_only_the_views_primary_starts_it(bench: Bench) -> None:
    voters = voters_of(bench)
    message = msgspec.structs.replace(new_view(bench, voters), sender="r3", signature=b"")
    assert not offer(bench, signed(message, bench.signers["r3"]), voters)


def test_rule_15_no_way_back_below_an_own_view_change(bench: Bench) -> None:
    voters = [view_change(bench, name, 1) for name in ("r1", "r2", "r3")]
    host = bench["r0"]
    host.replica.core.begin(0)
    host.replica.core.views.start(5, "test")
    host.receive(new_view(bench, voters))
    for vote in voters:  # it would take them for the NEW-VIEW that names them
        host.receive(vote)
    assert not host.replica.active
    assert host.replica.view == 5


def test_rule_16_a_lost_new_view_is_relayed_by_others() -> None:
    bench = Bench(4, view_change_timeout_us=5 * SECOND, request_timeout_us=5 * SECOND)
    bench.crash("r0")
    bench.rule = lambda _from, to, m: not (isinstance(m, NewView) and to == "r3" and _from == "r1")
    bench.submit(1, to="all")
    bench.run_for(9 * SECOND)
    assert bench["r3"].replica.active
    assert bench["r3"].replica.view == 1
    assert len(bench["r3"].blocks) == 1


def test_rule_16_a_lost_view_change_is_sent_again(bench: Bench) -> None:
    bench.crash("r0")
    lost: list[bytes] = []

    def lose_once(_from: str, _to: str, message: Message) -> bool:
        if isinstance(message, ViewChange) and len(lost) < 9:
            lost.append(message.signature)
            return False
        return True

    bench.rule = lose_once
    bench.submit(1, to="all")
    bench.run_for(10 * SECOND)
    assert len(lost) == 9
    assert {h.replica.view for h in bench.hosts.values() if h.up} == {1}
    assert {len(h.blocks) for h in bench.hosts.values() if h.up} == {1}


def test_rule_17_one_lost_commit_strands_nobody(bench: Bench) -> None:
    bench.rule = lambda _from, to, m: not (isinstance(m, Commit) and to == "r3")
    bench.submit(1)
    bench.run_for(10)
    assert not bench["r3"].blocks
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(5 * SECOND)
    assert len(bench["r3"].blocks) == 1
    assert bench["r3"].replica.view == 0


@pytest.mark.parametrize("kind", [PrePrepare, Prepare])
def test_rule_17_what_nobody_decided_is_sent_again_in_its_view(
    bench: Bench, kind: type[Message]
) -> None:
    bench = Bench(4, request_timeout_us=60 * SECOND)
    bench.rule = lambda _from, _to, m: not isinstance(m, kind)
    bench.submit(1)
    bench.run_for(10)
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(6 * SECOND)
    assert [len(host.blocks) for host in bench.hosts.values()] == [1] * 4
    assert {host.replica.view for host in bench.hosts.values()} == {0}


def test_rule_17_only_what_two_successive_status_lack_is_sent_again(bench: Bench) -> None:
    bench = Bench(4, request_timeout_us=60 * SECOND)
    bench.rule = lambda _from, _to, m: not isinstance(m, Prepare)
    bench.submit(1)
    bench.run_for(10)
    peer, host = bench["r1"].replica.core, bench["r2"]

    def status(prepares: bytes) -> Status:
        slot = SlotStatus(1, True, prepares, b"")
        message = Status(CHAIN, 0, "r1", 0, True, 0, 0, b"", b"", (slot,))
        return signed(message, bench.signers["r1"])

    def resent(message: Status) -> list[str]:
        bench.now_us += SECOND
        effects = host.receive(message)
        return [e.message.TYPE for e in effects if isinstance(e, Send) and e.to == "r1"]

    assert peer.view == 0
    assert resent(status(b"\x04")) == []  # it has r2's vote: nothing is lacking
    assert resent(status(b"\x00")) == []  # it was there a moment ago
    assert resent(status(b"\x00")) == ["prepare"]


def test_rule_17_a_busy_healthy_network_sends_no_status(bench: Bench) -> None:
    for number in range(1, 100):
        bench.submit(number)
        bench.run_for(100_000)
    assert bench.sent["status"] <= 2 * 3 * 4  # at most the ticks that met a request on its way


def test_rule_18_a_starved_client_deposes_the_primary(bench: Bench) -> None:
    """The primary orders c0's requests and ignores c1's."""
    bench.rule = lambda _from, to, m: not (to == "r0" and getattr(m, "sender", "") == "c1")
    for backup in ("r1", "r2", "r3"):
        bench.submit(1, client="c1", to=backup)
    for number in range(1, 40):
        bench.submit(number, client="c0", to="all")
        bench.run_for(100_000)
    assert {h.replica.view for h in bench.hosts.values()} == {1}
    executed = {r.sender for b in bench["r1"].blocks for r in b.batch.requests}
    assert "c1" in executed


def test_rule_18_the_deadline_of_a_client_runs_though_anothers_is_met(bench: Bench) -> None:
    """c0 came first and is served again and again; c1 waits in vain."""
    bench.rule = lambda _from, to, m: not (to == "r0" and getattr(m, "sender", "") == "c1")
    for number in range(1, 60):
        bench.submit(number, client="c0", to="all")
        if number == 1:
            for backup in ("r1", "r2", "r3"):
                bench.submit(1, client="c1", to=backup)
        bench.run_for(50_000)
    assert {h.replica.view for h in bench.hosts.values()} == {1}


def test_rule_18_when_the_oldest_is_executed_the_next_has_a_deadline(bench: Bench) -> None:
    bench = Bench(4, block_max_txs=1)
    bench.rule = lambda _from, _to, m: not (isinstance(m, PrePrepare) and m.sequence > 1)
    for number in (1, 2):
        bench.submit(number, to="all")
    bench.run_for(SECOND)
    assert {len(host.blocks) for host in bench.hosts.values()} == {1}
    bench.rule = lambda source, _to, m: (
        not (isinstance(m, PrePrepare) and m.sequence > 1 and source == "r0")
    )
    bench.run_for(20 * SECOND)
    assert {len(host.blocks) for host in bench.hosts.values()} == {2}


def test_rule_18_no_room_no_timer(bench: Bench) -> None:
    host = bench["r2"]
    host.replica.core.pool._total_limit = 0  # type: ignore[attr-defined]
    host.receive(bench.request(1))
    assert ("request",) not in host.timers


def test_rule_19_a_weak_quorum_is_joined_at_once_in_the_smallest_view(bench: Bench) -> None:
    host = bench["r3"]
    host.receive(view_change(bench, "r1", 7))
    assert host.replica.view == 0
    host.receive(view_change(bench, "r2", 5))
    assert host.replica.view == 5
    assert not host.replica.active


def test_rule_19_one_replica_moves_nobody(bench: Bench) -> None:
    for view in range(1, 20):
        bench["r3"].receive(view_change(bench, "r1", view))
    assert bench["r3"].replica.view == 0


def test_rule_20_the_timer_waits_for_a_quorum_and_doubles(bench: Bench) -> None:
    host = bench["r3"]
    host.receive(bench.request(1))
    bench.rule = lambda _from, _to, _m: False
    bench.run_for(100 * SECOND)
    assert host.replica.view == 1  # alone: no timer runs, no view is passed
    timeouts = host.replica.core.timeouts
    assert timeouts.doublings == 0
    host.receive(view_change(bench, "r1", 1))
    host.receive(view_change(bench, "r2", 1))
    bench.run_for(2 * SECOND)
    assert host.replica.view == 2
    assert timeouts.doublings == 1
    assert timeouts.view_change_timeout_us == 4 * SECOND
    assert timeouts.request_timeout_us == 4 * SECOND
    host.receive(view_change(bench, "r1", 3))
    host.receive(view_change(bench, "r2", 2))
    bench.run_for(3 * SECOND)
    assert host.replica.view == 2
    bench.run_for(SECOND)
    assert host.replica.view == 3


def test_rule_20_a_view_in_which_requests_starve_doubles_the_time_out() -> None:
    bench = Bench(4)
    bench.rule = lambda _from, _to, m: not isinstance(m, PrePrepare)
    bench.submit(1, to="all")
    bench.run_for(3 * SECOND)
    assert bench["r3"].replica.status()[:2] == (1, True)
    assert {host.replica.core.timeouts.doublings for host in bench.hosts.values()} == {0}
    bench.run_for(2 * SECOND)
    assert bench["r3"].replica.view == 2  # who expired doubles; who joined follows
    assert max(host.replica.core.timeouts.doublings for host in bench.hosts.values()) == 1


def test_rule_20_time_outs_fall_back_once_a_checkpoint_is_stable() -> None:
    bench = Bench(4, checkpoint_interval=2, window=4)
    bench.crash("r0")
    bench.crash("r1")  # two of four: nothing can be decided
    bench.submit(1, to="all")
    bench.run_for(20 * SECOND)
    bench["r1"].start()
    bench.run_for(60 * SECOND)
    core = bench["r2"].replica.core
    assert core.active
    assert len(bench["r2"].blocks) == 1
    for number in range(2, 5):
        bench.submit(number, to="all")
        bench.run_for(20 * SECOND)
    assert core.stable >= 2
    assert core.timeouts.doublings == 0


def test_rule_33_two_view_changes_of_one_key_are_reported(bench: Bench) -> None:
    batch = Batch(0, (bench.request(1),))
    bench["r3"].receive(view_change(bench, "r1", 4))
    bench["r3"].receive(view_change(bench, "r1", 4, (certificate(bench, batch),)))
    assert [(r.kind, r.culprit) for r in bench["r3"].reports] == [("conflicting-view-change", "r1")]


def test_rule_17_status_masks_hold_any_committee() -> None:
    """MessagePack's integers end at 64 bits: a mask of 70 validators must travel all the same."""
    bench = Bench(70)
    bench.rule = lambda _from, to, m: not (isinstance(m, Commit) and to == "r69")
    bench.submit(1)
    bench.settle()
    assert not bench["r69"].blocks
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(3 * SECOND)
    assert len(bench["r69"].blocks) == 1
