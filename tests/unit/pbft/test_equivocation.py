"""Rule 33: what shows when certificates are held side by side, and that proofs are complete."""

from __future__ import annotations

import msgspec
import pytest

from consensus.evidence import public_rules, verify
from consensus.messages import (
    NULL_DIGEST,
    Batch,
    CertifiedBatch,
    Checkpoint,
    Commit,
    CommitCertificate,
    Message,
    Prepare,
    PrePrepare,
    signed,
)
from tests.unit.pbft.bench import CHAIN, Bench, Host
from tests.unit.pbft.test_view_change import certificate, new_view, view_change


def quiet(n: int = 4) -> Bench:
    """Nothing that replicas say arrives: tests hand them messages."""
    bench = Bench(n)
    bench.rule = lambda _from, _to, _message: False
    return bench


def proven(host: Host) -> list[tuple[str, str]]:
    """Whom a replica accuses of what; each accusation is checked as a third party would."""
    bench = host.bench
    window = bench.parameters.window
    rules = public_rules(CHAIN, bench.committee, None, window, bench.verifier)
    for report in host.reports:
        verdict = verify(report, rules)
        assert verdict.holds, verdict.why
    return [(report.culprit, report.kind) for report in host.reports]


def batch_of(bench: Bench, number: int) -> Batch:
    return Batch(0, (bench.request(number),))


def proposal(bench: Bench, batch: Batch) -> PrePrepare:
    message = PrePrepare(CHAIN, 0, "r0", 0, 1, batch.digest, batch=batch)
    return signed(message, bench.signers["r0"])


def test_rule_33_a_proposal_in_p_that_differs_from_the_accepted_one() -> None:
    bench = quiet()
    host = bench["r3"]
    host.receive(proposal(bench, batch_of(bench, 1)))
    host.receive(view_change(bench, "r1", 1, (certificate(bench, batch_of(bench, 2)),)))
    assert proven(host) == [("r0", "conflicting-pre-prepare")]


def test_rule_33_a_prepare_in_p_that_differs_from_the_one_that_came() -> None:
    bench = quiet()
    host = bench["r3"]
    host.receive(signed(Prepare(CHAIN, 0, "r2", 0, 1, b"a" * 32), bench.signers["r2"]))
    host.receive(view_change(bench, "r1", 1, (certificate(bench, batch_of(bench, 2)),)))
    assert proven(host) == [("r2", "conflicting-prepare")]


def test_rule_33_two_certificates_of_one_view_name_all_who_signed_both() -> None:
    """r0 proposed two batches, and r2 prepared both."""
    bench = quiet()
    host = bench["r3"]
    one = certificate(bench, batch_of(bench, 1), voters=("r1", "r2"))
    other = certificate(bench, batch_of(bench, 2), voters=("r2", "r3"))
    host.receive(view_change(bench, "r1", 2, (one,)))
    host.receive(view_change(bench, "r2", 3, (other,)))
    assert proven(host) == [("r0", "conflicting-pre-prepare"), ("r2", "conflicting-prepare")]


def test_rule_33_certificates_of_two_views_contradict_nobody() -> None:
    bench = quiet(7)
    host = bench["r6"]
    host.receive(view_change(bench, "r1", 2, (certificate(bench, batch_of(bench, 1)),)))
    host.receive(view_change(bench, "r2", 3, (certificate(bench, batch_of(bench, 2), view=1),)))
    assert proven(host) == []


def test_rule_33_commits_in_a_certificate_are_held_against_those_that_came() -> None:
    bench = quiet()
    host = bench["r3"]
    batch = batch_of(bench, 1)
    host.receive(signed(Commit(CHAIN, 0, "r1", 0, 1, b"a" * 32), bench.signers["r1"]))
    commits = tuple(
        signed(Commit(CHAIN, 0, id_, 0, 1, batch.digest), bench.signers[id_])
        for id_ in ("r0", "r1", "r2")
    )
    decided = CommitCertificate(0, 0, 1, batch.digest, commits)
    message = CertifiedBatch(CHAIN, 0, "r2", 1, batch, decided)
    host.receive(signed(message, bench.signers["r2"]))
    assert proven(host) == [("r1", "conflicting-commit")]


def test_rule_33_a_replica_that_stops_exports_what_it_was_shown() -> None:
    """Two quorums of view 0 decided two batches: whoever signed in both is named."""
    bench = Bench(4)
    bench.submit(1)
    bench.settle()
    host = bench["r3"]
    mine = {vote.sender for vote in host.replica.core.slots[1].decision.commits}
    other = batch_of(bench, 2)
    commits = tuple(
        signed(Commit(CHAIN, 0, id_, 0, 1, other.digest), bench.signers[id_])
        for id_ in ("r0", "r1", "r2")
    )
    decided = CommitCertificate(0, 0, 1, other.digest, commits)
    host.receive(signed(CertifiedBatch(CHAIN, 0, "r2", 1, other, decided), bench.signers["r2"]))
    assert host.replica.halted
    accused = {culprit for culprit, kind in proven(host) if kind == "conflicting-commit"}
    assert mine & {"r0", "r1", "r2"} <= accused
    assert len(accused) > bench.committee.f


@pytest.mark.parametrize("offers", [(), ((1, NULL_DIGEST),), ((1, b"x" * 32),)])
def test_rule_33_a_bogus_new_view_is_reported_with_its_view_changes(
    offers: tuple[tuple[int, bytes], ...],
) -> None:
    bench = quiet()
    host = bench["r3"]
    shown = (certificate(bench, batch_of(bench, 1)),)
    voters = [view_change(bench, "r0", 1, shown)]
    voters += [view_change(bench, name, 1) for name in ("r1", "r2")]
    host.receive(new_view(bench, voters, offers=offers))
    for message in voters:
        host.receive(message)
    assert proven(host) == [("r1", "bogus-new-view")]
    assert host.reports[0].proofs == tuple(voters)


def test_rule_15_a_new_view_that_counts_an_invalid_view_change_is_refused_at_once() -> None:
    bench = quiet()
    host = bench["r3"]
    host.replica.core.begin(0)
    host.replica.core.views.start(1, "test")
    invalid = view_change(bench, "r0", 1, (certificate(bench, batch_of(bench, 1), view=1),))
    voters = [invalid, view_change(bench, "r1", 1), view_change(bench, "r2", 1)]
    host.receive(new_view(bench, voters, offers=()))
    host.receive(invalid)
    assert proven(host) == [("r1", "bogus-new-view")]
    assert host.replica.view == 2


def with_batch(message: Message, batch: Batch) -> Message:
    """What a relay makes of it: the signature still verifies."""
    if hasattr(message, "pre_prepares"):
        padded = tuple(p.with_batch(batch) for p in message.pre_prepares)
        return msgspec.structs.replace(message, pre_prepares=padded)  # type: ignore[call-arg]
    prepared = tuple(
        msgspec.structs.replace(c, pre_prepare=c.pre_prepare.with_batch(batch))
        for c in message.prepared  # type: ignore[attr-defined]
    )
    return msgspec.structs.replace(message, prepared=prepared)  # type: ignore[call-arg]


def test_rule_32_a_batch_smuggled_into_p_or_o_is_refused_and_accuses_nobody() -> None:
    bench = quiet()
    host = bench["r3"]
    batch = batch_of(bench, 1)
    shown = (certificate(bench, batch),)
    voters = [view_change(bench, "r0", 1, shown)]
    voters += [view_change(bench, name, 1) for name in ("r1", "r2")]
    true = new_view(bench, voters)
    host.receive(with_batch(voters[0], batch))
    assert host.replica.core.views.received == {}
    host.receive(with_batch(true, batch))
    assert host.replica.core.entrance.entries == {}
    host.receive(true)
    host.receive(with_batch(voters[0], batch))
    assert not host.replica.core.entrance.entries["r1"].view_changes
    assert proven(host) == []


def test_rule_33_nobody_is_accused_of_what_somebody_else_made_up() -> None:
    """Contradictions under broken signatures, of every type that a replica compares."""
    bench = quiet()
    host = bench["r3"]
    one, other = batch_of(bench, 1), batch_of(bench, 2)
    true: list[Message] = [
        proposal(bench, one),
        signed(Prepare(CHAIN, 0, "r2", 0, 1, one.digest), bench.signers["r2"]),
        signed(Commit(CHAIN, 0, "r1", 0, 1, one.digest), bench.signers["r1"]),
        signed(Checkpoint(CHAIN, 0, "r1", 10, b"a" * 32), bench.signers["r1"]),
        view_change(bench, "r2", 2),
        new_view(bench, [view_change(bench, r, 1) for r in ("r0", "r1", "r2")], offers=()),
    ]
    for message in true:
        host.receive(message)
    lies: list[Message] = [
        msgspec.structs.replace(true[0], digest=other.digest, batch=other),  # type: ignore[call-arg]
        msgspec.structs.replace(true[1], digest=other.digest),  # type: ignore[call-arg]
        msgspec.structs.replace(true[2], digest=other.digest),  # type: ignore[call-arg]
        msgspec.structs.replace(true[3], digest=b"b" * 32),  # type: ignore[call-arg]
        msgspec.structs.replace(true[4], prepared=(certificate(bench, one),)),  # type: ignore[call-arg]
        msgspec.structs.replace(true[5], view_changes=()),  # type: ignore[call-arg]
    ]
    for message in lies:
        host.receive(message)
    assert host.reports == []
    for message in lies:
        host.receive(signed(message, bench.signers[message.sender]))
    assert sorted(kind for _, kind in proven(host)) == [
        "conflicting-checkpoint",
        "conflicting-commit",
        "conflicting-new-view",
        "conflicting-pre-prepare",
        "conflicting-prepare",
        "conflicting-view-change",
    ]
