"""Rule 34, case by case: which NEW-VIEW counts, who is guilty, and who is not."""

from __future__ import annotations

from consensus.evidence import Rules, verify
from consensus.forensics import Findings, Log, investigate
from consensus.messages import (
    NULL_DIGEST,
    Batch,
    Checkpoint,
    Commit,
    CommitCertificate,
    PreparedCertificate,
    ViewChange,
    signed,
)
from consensus.records import NewViewRecord
from tests.unit.evidence.cases import rules
from tests.unit.pbft.bench import CHAIN, Bench
from tests.unit.pbft.test_view_change import certificate, new_view, view_change


def decision(
    bench: Bench, batch: Batch, signers: tuple[str, ...], view: int = 0, sequence: int = 1
) -> CommitCertificate:
    commits = tuple(
        signed(Commit(CHAIN, 0, id_, view, sequence, batch.digest), bench.signers[id_])
        for id_ in signers
    )
    return CommitCertificate(0, view, sequence, batch.digest, commits)


def log(node: str, *parts: CommitCertificate | NewViewRecord) -> Log:
    return Log(
        node=node,
        decisions=tuple(p for p in parts if isinstance(p, CommitCertificate)),
        new_views=tuple(p for p in parts if isinstance(p, NewViewRecord)),
    )


def started(bench: Bench, voters: list[ViewChange], view: int = 1) -> NewViewRecord:
    return NewViewRecord(new_view(bench, voters, view), tuple(voters))


def judged(bench: Bench, *logs: Log) -> Findings:
    """Findings; each proof verifies as a third party would check it."""
    public: Rules = rules(bench)
    findings = investigate(logs, lambda epoch: public if epoch == 0 else None)
    assert all(verify(proof, public).holds for proof in findings.proofs)
    return findings


def batches(bench: Bench) -> tuple[Batch, Batch]:
    return Batch(0, (bench.request(1),)), Batch(0, (bench.request(2),))


def test_rule_34_logs_that_agree_accuse_nobody() -> None:
    bench = Bench(4)
    one, other = batches(bench)
    same = judged(
        bench,
        log("r2", decision(bench, one, ("r0", "r1", "r2"))),
        log(
            "r3",
            decision(bench, one, ("r0", "r2", "r3"), view=1),
            decision(bench, other, ("r0", "r1", "r3"), sequence=2),
        ),
    )
    assert same.forks == ()
    assert same.culprits == ()


def test_rule_34_in_one_view_the_signers_of_both_quorums_are_guilty() -> None:
    bench = Bench(4)
    one, other = batches(bench)
    found = judged(
        bench,
        log("r2", decision(bench, one, ("r0", "r1", "r2"))),
        log("r3", decision(bench, other, ("r0", "r1", "r3"))),
    )
    assert found.culprits == ("r0", "r1")
    assert {proof.kind for proof in found.proofs} == {"conflicting-commit"}


def test_rule_34_who_hides_what_it_committed_is_guilty() -> None:
    """r1 and r2 committed to the first batch with r0, then start view 1 with r3 as if not."""
    bench = Bench(4)
    one, other = batches(bench)
    voters = [view_change(bench, name) for name in ("r1", "r2", "r3")]
    found = judged(
        bench,
        log("r0", decision(bench, one, ("r0", "r1", "r2"))),
        log("r3", decision(bench, other, ("r1", "r2", "r3"), view=1), started(bench, voters)),
    )
    assert found.culprits == ("r1", "r2")
    assert {proof.kind for proof in found.proofs} == {"forgotten-commit"}


def test_rule_34_who_was_honest_about_it_is_not_accused() -> None:
    """r1 shows its certificate; the primary leaves it out of O, and two backups follow."""
    bench = Bench(4)
    one, other = batches(bench)
    voters = [
        view_change(bench, "r0"),
        view_change(bench, "r1", 1, (certificate(bench, one),)),
        view_change(bench, "r3"),
    ]
    lie = NewViewRecord(new_view(bench, voters, offers=((1, NULL_DIGEST),)), tuple(voters))
    found = judged(
        bench,
        log("r1", decision(bench, one, ("r0", "r1", "r2"))),
        log("r3", decision(bench, other, ("r0", "r2", "r3"), view=1), lie),
    )
    assert found.culprits == ("r0",)


def test_rule_34_the_first_new_view_that_lacks_it_counts() -> None:
    """View 1 proposes the batch again, view 2 loses it: what was hidden in view 2 convicts."""
    bench = Bench(4)
    one, other = batches(bench)
    shown = (certificate(bench, one),)
    first = [view_change(bench, name, 1, shown) for name in ("r0", "r1", "r2")]
    second = [view_change(bench, name, 2) for name in ("r1", "r2", "r3")]
    found = judged(
        bench,
        log("r0", decision(bench, one, ("r0", "r1", "r2")), started(bench, first)),
        log("r3", decision(bench, other, ("r1", "r2", "r3"), view=2), started(bench, second, 2)),
    )
    assert found.culprits == ("r1", "r2")
    assert {proof.second.view for proof in found.proofs} == {2}  # type: ignore[union-attr]


def test_rule_34_of_two_that_lose_it_the_first_counts() -> None:
    bench = Bench(4)
    one, other = batches(bench)
    first = [view_change(bench, name, 1) for name in ("r1", "r2", "r3")]
    second = [view_change(bench, name, 2) for name in ("r0", "r1", "r3")]
    found = judged(
        bench,
        log("r0", decision(bench, one, ("r0", "r1", "r2"))),
        log(
            "r3",
            decision(bench, other, ("r0", "r1", "r3"), view=2),
            started(bench, second, 2),
            started(bench, first),
        ),
    )
    assert found.culprits == ("r1", "r2")
    assert {proof.second.view for proof in found.proofs} == {1}  # type: ignore[union-attr]


def test_rule_34_a_new_view_that_starts_above_it_loses_nothing() -> None:
    """One VIEW-CHANGE shows a stable checkpoint above: min-s is not below the sequence."""
    bench = Bench(4)
    one, other = batches(bench)
    c = tuple(
        signed(Checkpoint(CHAIN, 0, id_, 10, b"s" * 32), bench.signers[id_])
        for id_ in ("r1", "r2", "r3")
    )
    above = signed(ViewChange(CHAIN, 0, "r3", 1, 10, c, ()), bench.signers["r3"])
    voters = [view_change(bench, "r1"), view_change(bench, "r2"), above]
    found = judged(
        bench,
        log("r0", decision(bench, one, ("r0", "r1", "r2"))),
        log("r3", decision(bench, other, ("r1", "r2", "r3"), view=1), started(bench, voters)),
    )
    assert len(found.forks) == 1
    assert found.culprits == ()


def test_rule_34_a_null_batch_or_nothing_in_its_place_loses_it_too() -> None:
    bench = Bench(4)
    one, other = batches(bench)
    beyond = certificate(bench, other, sequence=2)
    for p in ((), (beyond,)):  # O is empty, or null at 1
        voters = [view_change(bench, name, 1, p) for name in ("r1", "r2", "r3")]
        found = judged(
            bench,
            log("r0", decision(bench, one, ("r0", "r1", "r2"))),
            log("r3", decision(bench, other, ("r1", "r2", "r3"), view=1), started(bench, voters)),
        )
        assert found.culprits == ("r1", "r2")


def test_rule_34_below_a_stable_checkpoint_nothing_had_to_be_shown() -> None:
    bench = Bench(4)
    one, other = batches(bench)
    c = tuple(
        signed(Checkpoint(CHAIN, 0, id_, 10, b"s" * 32), bench.signers[id_])
        for id_ in ("r1", "r2", "r3")
    )
    voters = [
        signed(ViewChange(CHAIN, 0, id_, 1, 10, c, ()), bench.signers[id_])
        for id_ in ("r1", "r2", "r3")
    ]
    found = judged(
        bench,
        log("r0", decision(bench, one, ("r0", "r1", "r2"))),
        log("r3", decision(bench, other, ("r1", "r2", "r3"), view=1), started(bench, voters)),
    )
    assert len(found.forks) == 1
    assert found.culprits == ()


def test_rule_34_an_entry_of_the_same_view_convicts_those_who_prepared_both() -> None:
    """r1 and r2 show a certificate of view 0 for another batch than the one that they decided."""
    bench = Bench(4)
    one, other = batches(bench)
    both: PreparedCertificate = certificate(bench, other, voters=("r1", "r2"))
    voters = [view_change(bench, name, 1, (both,)) for name in ("r1", "r2", "r3")]
    found = judged(
        bench,
        log("r0", decision(bench, one, ("r0", "r1", "r2"))),
        log("r3", decision(bench, other, ("r1", "r2", "r3"), view=1), started(bench, voters)),
    )
    assert found.culprits == ("r0", "r1", "r2")  # r0 proposed both
    assert {proof.kind for proof in found.proofs} == {"contradicted-commit"}


def test_rule_34_forged_commits_in_a_log_convict_nobody() -> None:
    bench = Bench(4)
    one, other = batches(bench)
    forged = decision(bench, other, ("r3", "r3", "r3"))
    renamed = tuple(
        Commit(CHAIN, 0, id_, 0, 1, other.digest, vote.signature)
        for id_, vote in zip(("r0", "r1", "r3"), forged.commits, strict=True)
    )
    found = judged(
        bench,
        log("r2", decision(bench, one, ("r0", "r1", "r2"))),
        log("r3", CommitCertificate(0, 0, 1, other.digest, renamed)),
    )
    assert len(found.forks) == 1
    assert found.culprits == ()


def test_rule_34_epochs_are_apart() -> None:
    """Sequence numbers go on from epoch to epoch, views begin anew."""
    bench = Bench(4)
    one, other = batches(bench)
    commits = tuple(
        signed(Commit(CHAIN, 1, id_, 0, 1, other.digest), bench.signers[id_])
        for id_ in ("r0", "r1", "r3")
    )
    found = judged(
        bench,
        log("r2", decision(bench, one, ("r0", "r1", "r2"))),
        log("r3", CommitCertificate(1, 0, 1, other.digest, commits)),
    )
    assert found.culprits == ()


def test_rule_34_an_older_certificate_hides_what_was_committed_later() -> None:
    """r1 and r2 committed in view 1, and show in view 2 what was prepared in view 0."""
    bench = Bench(4)
    one, other = batches(bench)
    older = (certificate(bench, other, 0),)
    voters = [
        view_change(bench, "r1", 2, older),
        view_change(bench, "r2", 2, older),
        view_change(bench, "r3", 2),
    ]
    found = judged(
        bench,
        log("r0", decision(bench, one, ("r0", "r1", "r2"), view=1)),
        log("r3", decision(bench, other, ("r1", "r2", "r3"), view=2), started(bench, voters, 2)),
    )
    assert found.culprits == ("r1", "r2")
    assert {proof.kind for proof in found.proofs} == {"forgotten-commit"}
