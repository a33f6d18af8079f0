"""Rules 27 to 29: the committee changes by order, at a boundary, and everybody follows."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from consensus.configurations import boundary_after
from consensus.messages import (
    Checkpoint,
    Commit,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    StateProof,
    Status,
    ViewChange,
    signed,
)
from consensus.types import Committee, Member
from tests.unit.pbft.bench import CHAIN, Bench

CHANGE = 3
"""Number of the request whose execution orders the change."""


@pytest.fixture
def bench() -> Bench:
    return Bench(4, checkpoint_interval=2, window=4, block_interval_us=1)


def order(bench: Bench, *members: Member) -> None:
    """Blocks 1 to 3, the last of which orders ``members``; then time for the switch."""
    bench.changes[CHANGE] = members
    for number in range(1, CHANGE + 1):
        bench.submit(number)
        bench.run_for(10)
    bench.run_for(10)


def old(bench: Bench) -> list[Member]:
    return list(bench.committee.members)


@pytest.mark.parametrize(
    ("at", "interval", "window", "wanted"),
    [(1, 2, 4, 4), (2, 2, 4, 6), (3, 2, 4, 6), (4, 2, 4, 8), (7, 10, 20, 30), (11, 10, 20, 30)],
)
def test_rule_27_the_boundary_leaves_room_for_what_is_in_flight(
    at: int, interval: int, window: int, wanted: int
) -> None:
    assert boundary_after(at, interval, window) == wanted
    assert wanted >= at + window - 1 > wanted - interval
    assert wanted % interval == 0


def test_rule_27_the_primary_fills_up_to_the_boundary_and_all_switch(bench: Bench) -> None:
    joiner = bench.observe("r4")
    order(bench, *old(bench), bench.member("r4"))
    for name in ("r0", "r1", "r2", "r3"):
        replica = bench[name].replica
        assert replica.executed == replica.stable == 6
        assert (replica.committee.epoch, replica.committee.n) == (1, 5)
        assert (replica.view, replica.active) == (0, True)
        assert [b.batch.requests for b in bench[name].blocks[3:]] == [()] * 3
        assert not replica.core.slots
    assert not joiner.blocks


def test_rule_27_nothing_is_decided_above_the_boundary_before_it_is_stable(bench: Bench) -> None:
    bench.rule = lambda _from, _to, m: not (isinstance(m, Checkpoint) and m.sequence == 6)
    order(bench, *old(bench)[::-1])
    bench.submit(4, to="all")
    bench.run_for(10)
    assert {host.replica.executed for host in bench.hosts.values()} == {6}
    assert {host.replica.committee.epoch for host in bench.hosts.values()} == {0}
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(5 * bench.parameters.status_interval_us)
    assert {host.replica.executed for host in bench.hosts.values()} == {7}
    assert {host.replica.committee.epoch for host in bench.hosts.values()} == {1}


def test_rule_27_quorum_primary_and_proposer_order_switch_together(bench: Bench) -> None:
    order(bench, *old(bench)[::-1])
    assert bench["r1"].replica.committee.primary(0) == "r3"
    assert bench["r3"].replica.core.is_primary
    assert not bench["r0"].replica.core.is_primary
    bench.submit(4, to="r3")
    bench.run_for(10)
    assert {host.replica.executed for host in bench.hosts.values()} == {7}
    assert bench["r0"].blocks[-1].certificate.epoch == 1


def test_rule_27_a_primary_that_does_not_fill_is_deposed(bench: Bench) -> None:
    bench.rule = lambda source, _to, m: not (isinstance(m, PrePrepare) and m.sequence > 3)
    order(bench, *old(bench)[::-1])
    assert bench["r1"].replica.executed == 3
    bench.rule = lambda source, _to, m: (
        not (isinstance(m, PrePrepare) and m.sequence > 3 and source == "r0")
    )
    bench.run_for(4 * bench.parameters.request_timeout_us)
    assert {bench[name].replica.committee.epoch for name in ("r1", "r2", "r3")} == {1}
    assert any("slot 4" in m.cause for m in bench["r1"].reached("view-change-started"))


def test_rule_28_a_joiner_follows_first_and_votes_after_the_switch(bench: Bench) -> None:
    joiner = bench.observe("r4")
    joiner.start()
    order(bench, *old(bench), bench.member("r4"))
    bench.run_for(6 * bench.parameters.status_interval_us)
    assert joiner.replica.executed == 6
    assert joiner.replica.committee.epoch == 1
    assert joiner.replica.core.votes
    before = bench.sent["prepare"]
    bench.rule = lambda source, _to, m: not (isinstance(m, Commit) and source in ("r0",))
    bench.submit(4)
    bench.run_for(10)
    assert bench.sent["prepare"] - before == 4 * 4  # the newcomer is a backup like the others
    assert {host.replica.executed for host in bench.hosts.values()} == {7}


def test_rule_29_a_non_member_never_votes(bench: Bench) -> None:
    observer = bench.observe("r4")
    observer.start()
    said: list[Message] = []

    def listen(source: str, _to: str, message: Message) -> bool:
        if source == "r4":
            said.append(message)
        return True

    bench.rule = listen
    for number in (1, 2, 3):
        bench.submit(number)
        bench.run_for(10)
    bench.run_for(4 * bench.parameters.status_interval_us)
    assert observer.replica.executed == 3
    assert {m.TYPE for m in said} == {"status"}


def test_rule_29_a_removed_validator_follows_and_votes_no_more(bench: Bench) -> None:
    bench = Bench(5, checkpoint_interval=2, window=4, block_interval_us=1)
    order(bench, *[m for m in old(bench) if m.id != "r2"])
    said: list[Message] = []

    def listen(source: str, _to: str, message: Message) -> bool:
        if source == "r2":
            said.append(message)
        return True

    bench.rule = listen
    bench.submit(4)
    bench.run_for(6 * bench.parameters.status_interval_us)
    assert {host.replica.executed for host in bench.hosts.values()} == {7}
    assert not bench["r2"].replica.core.votes
    assert {m.TYPE for m in said} <= {"status"}


def test_rule_29_messages_of_the_old_epoch_are_rejected(bench: Bench) -> None:
    order(bench, *old(bench)[::-1])
    host = bench["r1"]
    core = host.replica.core
    digest = b"d" * 32
    for message in (
        Prepare(CHAIN, 0, "r2", 0, 7, digest),
        Commit(CHAIN, 0, "r2", 0, 7, digest),
        Checkpoint(CHAIN, 0, "r2", 8, digest),
        ViewChange(CHAIN, 0, "r2", 1, 0, (), ()),
        NewView(CHAIN, 0, "r2", 2, (), ()),
    ):
        host.receive(signed(message, bench.signers["r2"]))
    assert not core.slots
    assert not core.views.received
    assert not core.entrance.entries
    assert not core.checkpoints.voters_mask(8)
    assert core.view == 0


def test_rule_27_a_certificate_verifies_with_the_committee_of_its_own_sequence() -> None:
    bench = Bench(5, checkpoint_interval=2, window=4, block_interval_us=1)
    order(bench, *[m for m in old(bench) if m.id != "r2"])
    bench.submit(4)
    bench.run_for(10)
    core = bench["r0"].replica.core
    first, last = bench["r0"].blocks[0].certificate, bench["r0"].blocks[-1].certificate
    assert core.valid_commits(first)
    assert core.valid_commits(last)
    assert not core.valid_commits(replace(first, sequence=7))
    assert not core.valid_commits(replace(last, sequence=2))
    assert len(first.commits) == 4
    assert len(last.commits) == 3


def test_rule_27_keys_rotate_at_the_boundary() -> None:
    bench = Bench(4, checkpoint_interval=2, window=4, block_interval_us=1)
    host = bench["r1"]
    host.next_signer = bench.scheme.signer(b"n" * 32)
    bench.crash("r1")
    host.start()
    rotated = Member("r1", host.next_signer.public_key)
    order(bench, *[rotated if m.id == "r1" else m for m in old(bench)])
    bench.run_for(5 * bench.parameters.status_interval_us)
    assert host.replica.core.votes
    forged = signed(Prepare(CHAIN, 1, "r1", 0, 7, b"d" * 32), bench.signers["r1"])
    assert not bench["r2"].replica.core.authentic(forged)
    seen: list[Message] = []

    def listen(source: str, _to: str, message: Message) -> bool:
        if source == "r1" and isinstance(message, Prepare):
            seen.append(message)
        return True

    bench.rule = listen
    bench.submit(4)
    bench.run_for(10)
    assert seen
    assert all(bench["r2"].replica.core.authentic(m) for m in seen)


def test_rule_27_a_further_key_outlives_another_change_of_the_committee() -> None:
    """The epoch that begins is of another change: the new key's turn is still to come."""
    bench = Bench(4, checkpoint_interval=2, window=4, block_interval_us=1)
    host = bench["r1"]
    host.next_signer = bench.scheme.signer(b"n" * 32)
    bench.crash("r1")
    host.start()
    core = host.replica.core
    for epoch, member in ((1, old(bench)[1]), (2, Member("r1", host.next_signer.public_key))):
        members = tuple(member if m.id == "r1" else m for m in old(bench))
        was_member = core.votes
        core.set_committee(Committee(epoch, members))
        core.erase_keys(was_member)
        assert core.votes, f"no key in epoch {epoch}"
    core.set_committee(Committee(3, old(bench)))
    assert not core.votes, "the first key is erased by now"


def test_rule_29_a_laggard_of_an_earlier_epoch_is_led_through_the_switch(bench: Bench) -> None:
    bench.rule = lambda source, to, _m: "r3" not in (source, to)
    order(bench, *old(bench)[::-1])
    bench.submit(4, to="r3")
    bench.submit(4, to="all")
    bench.run_for(6 * bench.parameters.request_timeout_us)
    assert bench["r3"].replica.committee.epoch == 0
    assert bench["r2"].replica.executed >= 7
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(8 * bench.parameters.status_interval_us)
    assert bench["r3"].replica.committee.epoch == 1
    assert bench["r3"].history == bench["r2"].history


def test_rule_29_a_state_proof_that_no_quorum_signed_teaches_nothing(bench: Bench) -> None:
    joiner = bench.observe("r4")
    joiner.start()
    order(bench, *old(bench), bench.member("r4"))
    true = bench["r0"].replica.core.configurations.boundaries[0]
    fake = replace(true, state=replace(true.state, members=(bench.member("r0"),)))
    short = replace(true, proof=true.proof[:2])
    twice = replace(true, proof=(true.proof[0], *true.proof[:2]))
    for certified in (fake, short, twice):
        joiner.receive(signed(StateProof(CHAIN, 1, "r0", (certified,)), bench.signers["r0"]))
        assert joiner.replica.core.configurations.newest.epoch == 0
    joiner.receive(signed(StateProof(CHAIN, 1, "r0", (true,)), bench.signers["r0"]))
    assert joiner.replica.core.configurations.newest.epoch == 1


@pytest.mark.parametrize("name", ["r0", "r2"])
def test_rule_27_a_restart_finds_its_epoch_again(bench: Bench, name: str) -> None:
    order(bench, *old(bench)[::-1])
    bench.crash(name)
    bench[name].start()
    assert bench[name].replica.committee.epoch == 1
    assert bench[name].replica.stable == 6
    bench.submit(4, to="r3")
    bench.run_for(6 * bench.parameters.status_interval_us)
    assert {host.replica.executed for host in bench.hosts.values()} == {7}


def test_rule_27_a_restart_before_the_boundary_remembers_it(bench: Bench) -> None:
    bench.rule = lambda _from, _to, m: not (isinstance(m, PrePrepare) and m.sequence > 4)
    order(bench, *old(bench)[::-1])
    for name in bench.hosts:
        bench.crash(name)
    for host in bench.hosts.values():
        host.start()
        assert host.replica.core.boundary == 6
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(8 * bench.parameters.request_timeout_us)
    assert {host.replica.committee.epoch for host in bench.hosts.values()} == {1}


def test_rule_32_early_messages_of_the_next_epoch_are_capped_per_sender(bench: Bench) -> None:
    bench.rule = lambda _from, _to, m: not (isinstance(m, Checkpoint) and m.sequence == 6)
    order(bench, *old(bench)[::-1])
    membership = bench["r1"].replica.core.membership
    for sequence in range(7, 200):
        vote = Prepare(CHAIN, 1, "r2", 0, sequence, b"d" * 32)
        bench["r1"].receive(signed(vote, bench.signers["r2"]))
    honest = signed(Prepare(CHAIN, 1, "r0", 0, 7, b"d" * 32), bench.signers["r0"])
    for _ in range(200):  # whoever repeats what r0 said uses up none of its places
        bench["r1"].receive(honest)
    assert len(membership.early["r2"]) == 3 * bench.parameters.window
    assert list(membership.early["r0"].values()) == [honest]


def test_rule_25_blocks_lost_below_the_epoch_are_executed_again_without_a_second_switch(
    bench: Bench,
) -> None:
    order(bench, *old(bench)[::-1])
    host = bench["r1"]
    bench.crash("r1")
    del host.blocks[2:]  # the change was ordered in block 3
    host.start()
    assert (host.replica.committee.epoch, host.replica.executed, host.replica.stable) == (1, 2, 6)
    bench.submit(4, to="all")
    bench.run_for(10 * bench.parameters.status_interval_us)
    assert host.history == bench["r2"].history
    assert len(host.history) == 7
    assert host.replica.core.boundary is None


def test_rule_29_a_removed_validator_answers_with_what_it_holds_and_raises_nothing() -> None:
    bench = Bench(5, checkpoint_interval=2, window=4, block_interval_us=1)
    order(bench, *[m for m in old(bench) if m.id != "r2"])
    questions: list[Message] = []

    def listen(source: str, to: str, message: Message) -> bool:
        if message.TYPE == "status":
            questions.append(message)
        return to != "r3"

    bench.rule = listen
    bench.submit(4, to="all")
    bench.run_for(3 * bench.parameters.status_interval_us)
    assert questions
    for question in questions:
        bench["r2"].receive(question)


def test_rule_28_a_joiner_is_not_silenced_by_who_asks_in_its_name(bench: Bench) -> None:
    joiner = bench.observe("r4")
    joiner.start()
    lie = Status(CHAIN, 0, "r4", 0, True, 0, 1 << 40, b"", b"", ())  # unsigned, as a joiner's is
    order(bench, *old(bench), bench.member("r4"))
    for _ in range(15):
        for name in ("r0", "r1", "r2", "r3"):
            bench[name].receive(lie)
        bench.run_for(2 * bench.parameters.status_interval_us)
    assert joiner.replica.executed == 6
    assert joiner.replica.core.votes
