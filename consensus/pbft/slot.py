"""One sequence number: what was proposed there and who voted for what.

Votes are counted once per verified signer (rule 2) and per digest, as bits of an int at the
signer's position in the committee. The first valid vote of a signer in a view stays; a later
one never replaces it (rule 32).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from consensus.messages import (
    Batch,
    Commit,
    CommitCertificate,
    Prepare,
    PreparedCertificate,
    PrePrepare,
)
from consensus.types import Digest, Sequence, View


class Phase(Enum):
    """How far a slot has come in its view."""

    EMPTY = "empty"
    PRE_PREPARED = "pre-prepared"
    PREPARED = "prepared"
    COMMITTED = "committed"


TRANSITIONS: Final[dict[Phase, frozenset[Phase]]] = {
    Phase.EMPTY: frozenset({Phase.PRE_PREPARED}),
    Phase.PRE_PREPARED: frozenset({Phase.PREPARED}),
    Phase.PREPARED: frozenset({Phase.COMMITTED}),
    Phase.COMMITTED: frozenset(),
}
"""Within one view; entering a new view puts a slot back to EMPTY."""


class Slot:
    """The log entry for one sequence number.

    What belongs to one view (``pre_prepare``, votes, ``phase``) is dropped by ``reset``; the
    highest prepared certificate and the decision survive until garbage collection (rule 13).
    """

    __slots__ = (
        "certificate",
        "certificate_batch",
        "commit_masks",
        "commits",
        "decided_batch",
        "decision",
        "phase",
        "pre_prepare",
        "prepare_masks",
        "prepares",
        "sequence",
        "view",
    )

    def __init__(self, sequence: Sequence, view: View) -> None:
        self.sequence: Final = sequence
        self.certificate: PreparedCertificate | None = None
        self.certificate_batch: Batch | None = None
        self.decision: CommitCertificate | None = None
        self.decided_batch: Batch | None = None
        self.reset(view)

    def reset(self, view: View) -> None:
        """Forget votes and proposal: agreement starts afresh in ``view``."""
        self.view = view
        self.phase = Phase.EMPTY
        self.pre_prepare: PrePrepare | None = None
        self.prepares: dict[int, Prepare] = {}
        self.commits: dict[int, Commit] = {}
        self.prepare_masks: dict[Digest, int] = {}
        self.commit_masks: dict[Digest, int] = {}

    def advance(self, phase: Phase) -> None:
        """Move to ``phase`` along the table."""
        assert phase in TRANSITIONS[self.phase], f"{self.phase} -> {phase} at {self.sequence}"
        self.phase = phase

    def add_prepare(self, position: int, vote: Prepare) -> int:
        """Count a verified PREPARE of the member at ``position``; votes for its digest so far."""
        self.prepares[position] = vote
        mask = self.prepare_masks.get(vote.digest, 0) | (1 << position)
        self.prepare_masks[vote.digest] = mask
        return mask.bit_count()

    def add_commit(self, position: int, vote: Commit) -> int:
        """Count a verified COMMIT of the member at ``position``; votes for its digest so far."""
        self.commits[position] = vote
        mask = self.commit_masks.get(vote.digest, 0) | (1 << position)
        self.commit_masks[vote.digest] = mask
        return mask.bit_count()

    def prepare_count(self, digest: Digest) -> int:
        """Distinct backups whose PREPARE names ``digest``."""
        return self.prepare_masks.get(digest, 0).bit_count()

    def commit_count(self, digest: Digest) -> int:
        """Distinct members whose COMMIT names ``digest``."""
        return self.commit_masks.get(digest, 0).bit_count()

    def prepares_for(self, digest: Digest, count: int) -> tuple[Prepare, ...]:
        """The first ``count`` PREPAREs for ``digest`` in order of position."""
        chosen = [
            self.prepares[p] for p in sorted(self.prepares) if self.prepares[p].digest == digest
        ]
        return tuple(chosen[:count])

    def commits_for(self, digest: Digest, count: int) -> tuple[Commit, ...]:
        """The first ``count`` COMMITs for ``digest`` in order of position."""
        chosen = [self.commits[p] for p in sorted(self.commits) if self.commits[p].digest == digest]
        return tuple(chosen[:count])

    def known_batch(self, digest: Digest) -> Batch | None:
        """The batch with ``digest``, if it was ever seen here (bounded: three at most)."""
        candidates = (
            self.pre_prepare.batch if self.pre_prepare is not None else None,
            self.certificate_batch,
            self.decided_batch,
        )
        for batch in candidates:
            if batch is not None and batch.digest == digest:
                return batch
        return None
