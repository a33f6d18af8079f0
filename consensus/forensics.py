"""Who broke safety, and the proof: from what honest validators hold (rule 34).

With more than f hostile validators, honest ones may decide two batches for one sequence. Their
logs then hold enough to convict at least f+1 of the liars, and never an honest one (after Sheng
et al., "BFT Protocol Forensics", arXiv 2010.06785):

- *decided in one view*: two quorums of COMMITs share at least 2Q - n > f signers, and whoever
  signed both is guilty.
- *decided in views v < v''*: take the first NEW-VIEW after v whose O lacks the digest d that v
  decided at n, although its min-s is below n. Its V and the quorum of COMMIT(v, n, d) share f+1
  members. Each of them had d prepared, so its VIEW-CHANGE had to show a certificate of view v or
  later at n. Those that show none are guilty. Those that do show one, of view v and of another
  digest, show who prepared both: whoever signed COMMIT(v, n, d) and also a PRE-PREPARE or PREPARE
  in that certificate is guilty as well.

Everything is a pure function of the logs, and every finding verifies by itself
(``consensus.evidence``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations

import msgspec

from consensus.evidence import Rules, verify
from consensus.messages import (
    Commit,
    CommitCertificate,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    ViewChange,
)
from consensus.misbehaviour import Misbehaviour
from consensus.pbft.new_view import select
from consensus.records import NewViewRecord
from consensus.types import Digest, NodeId, Sequence, View


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What one honest validator holds of the past."""

    node: NodeId
    decisions: tuple[CommitCertificate, ...]
    """Of every block, and of what is decided and not executed yet."""
    new_views: tuple[NewViewRecord, ...]
    """Every NEW-VIEW that it entered or was shown, with the VIEW-CHANGEs that V names."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One digest that was decided, with all COMMITs for it that any log holds."""

    epoch: int
    view: View
    sequence: Sequence
    digest: Digest
    commits: Mapping[NodeId, Commit]


class Fork(msgspec.Struct, frozen=True):
    """Two decisions for one sequence; ``first`` is of the lower view."""

    first: Decision
    second: Decision


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What the logs show."""

    forks: tuple[Fork, ...]
    """In order of sequence; empty if the logs agree."""
    proofs: tuple[Misbehaviour, ...]
    """One for each culprit and kind, the earliest first."""

    @property
    def culprits(self) -> tuple[NodeId, ...]:
        """Who is proven guilty, in order of the proofs."""
        return tuple(dict.fromkeys(proof.culprit for proof in self.proofs))


def investigate(logs: Iterable[Log], rules_of: Callable[[int], Rules | None]) -> Findings:
    """Forks among ``logs``, and who is provably guilty of them.

    ``rules_of`` gives what messages of an epoch are held against, or None for an unknown one.
    """
    kept = tuple(logs)
    new_views = _new_views(kept)
    forks = tuple(_forks(_decisions(kept)))
    proofs: dict[tuple[NodeId, str], Misbehaviour] = {}
    for fork in forks:
        rules = rules_of(fork.first.epoch)
        if rules is None:
            continue
        for found in _guilty(fork, new_views):
            key = (found.culprit, found.kind)
            if key not in proofs and verify(found, rules).holds:
                proofs[key] = found
    return Findings(forks=forks, proofs=tuple(proofs.values()))


def _decisions(logs: tuple[Log, ...]) -> list[Decision]:
    """All decisions, in order of epoch, sequence, view and digest."""
    commits: dict[tuple[int, Sequence, View, Digest], dict[NodeId, Commit]] = {}
    for log in logs:
        for made in log.decisions:
            votes = commits.setdefault((made.epoch, made.sequence, made.view, made.digest), {})
            for vote in made.commits:
                votes.setdefault(vote.sender, vote)
    return [
        Decision(epoch=epoch, view=view, sequence=sequence, digest=digest, commits=votes)
        for (epoch, sequence, view, digest), votes in sorted(commits.items())
    ]


def _new_views(logs: tuple[Log, ...]) -> list[NewViewRecord]:
    """All NEW-VIEWs, each once, in order of epoch and view."""
    known = {record.new_view.digest_bytes: record for log in logs for record in log.new_views}
    return sorted(
        known.values(), key=lambda r: (r.new_view.epoch, r.new_view.view, r.new_view.digest_bytes)
    )


def _forks(decisions: list[Decision]) -> Iterator[Fork]:
    at: dict[tuple[int, Sequence], list[Decision]] = {}
    for decision in decisions:
        at.setdefault((decision.epoch, decision.sequence), []).append(decision)
    for several in at.values():
        for first, second in combinations(several, 2):
            if first.digest != second.digest:
                yield Fork(first, second)


def _guilty(fork: Fork, new_views: list[NewViewRecord]) -> Iterator[Misbehaviour]:
    first, second = fork.first, fork.second
    if first.view == second.view:
        for id_, vote in first.commits.items():
            if id_ in second.commits:
                yield Misbehaviour("conflicting-commit", id_, vote, second.commits[id_])
        return
    lost = [record for record in new_views if _loses(record, first)]
    for record in lost:
        if record.new_view.view == lost[0].new_view.view:  # a lying primary may have made two
            yield from _forgetful(record, first)


def _loses(record: NewViewRecord, decided: Decision) -> bool:
    """Whether a NEW-VIEW after the decision lacks it, with min-s below it (rule 34)."""
    message = record.new_view
    if message.epoch != decided.epoch or message.view <= decided.view:
        return False
    if select(record.view_changes).min_sequence >= decided.sequence:
        return False
    return _offered(message, decided.sequence) != decided.digest


def _offered(message: NewView, sequence: Sequence) -> Digest | None:
    return next((p.digest for p in message.pre_prepares if p.sequence == sequence), None)


def _forgetful(record: NewViewRecord, decided: Decision) -> Iterator[Misbehaviour]:
    """Those who signed the decision and whose VIEW-CHANGE hides it, or shows that they lied."""
    for change in record.view_changes:
        vote = decided.commits.get(change.sender)
        shown = _entry(change, decided)
        if vote is not None and shown is None and change.stable < decided.sequence:
            yield Misbehaviour("forgotten-commit", change.sender, vote, change)
        if shown is not None and shown.view == decided.view and shown.digest != decided.digest:
            yield from _signed_both(shown, decided)


def _entry(change: ViewChange, decided: Decision) -> PreparedCertificate | None:
    """What P holds at the sequence, of the decision's view or a later one."""
    for certificate in change.prepared:
        if certificate.sequence == decided.sequence and certificate.view >= decided.view:
            return certificate
    return None


def _signed_both(shown: PreparedCertificate, decided: Decision) -> Iterator[Misbehaviour]:
    statements: tuple[PrePrepare | Prepare, ...] = (shown.pre_prepare, *shown.prepares)
    for statement in statements:
        vote = decided.commits.get(statement.sender)
        if vote is not None:
            yield Misbehaviour("contradicted-commit", statement.sender, vote, statement)
