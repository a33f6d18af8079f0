"""What a new view must start with, as pure functions of the VIEW-CHANGEs (rules 13 to 15)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from consensus.certificates import Authentic, prepared_certificate_is_valid, stable_proof_is_valid
from consensus.limits import MAX_VIEW
from consensus.messages import (
    NULL_DIGEST,
    Checkpoint,
    Message,
    NewView,
    PrePrepare,
    ViewChange,
)
from consensus.types import Committee, Digest, Sequence


class Selection(msgspec.Struct, frozen=True):
    """What a quorum of VIEW-CHANGEs selects."""

    min_sequence: Sequence
    """min-s: the highest stable checkpoint in V."""
    proof: tuple[Checkpoint, ...]
    """C of a VIEW-CHANGE with that checkpoint."""
    proposals: tuple[tuple[Sequence, Digest], ...]
    """O's (n, digest) for every n in (min-s, max-s], the null digest where P has nothing."""

    @property
    def max_sequence(self) -> Sequence:
        """max-s: the highest n in any P above min-s (or min-s itself)."""
        return self.proposals[-1][0] if self.proposals else self.min_sequence


def select(view_changes: Iterable[ViewChange]) -> Selection:
    """O from V (rule 14): per n the certificate of the highest view, else null."""
    voters = list(view_changes)
    base = max(voters, key=lambda vc: vc.stable)
    best: dict[Sequence, tuple[int, Digest]] = {}
    for view_change in voters:
        for certificate in view_change.prepared:
            if certificate.sequence <= base.stable:
                continue
            known = best.get(certificate.sequence)
            if known is None or certificate.view > known[0]:
                best[certificate.sequence] = (certificate.view, certificate.digest)
    last = max(best, default=base.stable)
    proposals = tuple(
        (sequence, best[sequence][1] if sequence in best else NULL_DIGEST)
        for sequence in range(base.stable + 1, last + 1)
    )
    return Selection(base.stable, base.checkpoints, proposals)


def view_change_is_valid(
    message: ViewChange,
    committee: Committee,
    window: int,
    authentic: Authentic,
    proves: Callable[[tuple[Checkpoint, ...], Sequence], bool] | None = None,
) -> bool:
    """Every embedded signature, distinctness, v < v' and h < n <= h + L (rule 13).

    ``proves`` says whether C makes its sequence stable: the checkpoint that began the epoch was
    signed by the committee before (rule 27). None: all is of one epoch.
    """
    if not _is_plausible(message, committee, window) or not authentic(message):
        return False
    if proves is None:
        proven = stable_proof_is_valid(
            message.checkpoints, message.stable, None, committee, authentic
        )
    else:
        proven = proves(message.checkpoints, message.stable)
    return proven and all(
        prepared_certificate_is_valid(certificate, committee, authentic)
        for certificate in message.prepared
    )


def _is_plausible(message: ViewChange, committee: Committee, window: int) -> bool:
    """What costs nothing to see, before any signature is looked at (rule 32)."""
    if not 0 < message.view <= MAX_VIEW or message.stable < 0 or len(message.prepared) > window:
        return False
    last = message.stable
    for certificate in message.prepared:
        if not last < certificate.sequence <= message.stable + window:
            return False
        if not 0 <= certificate.view < message.view:
            return False
        if len(certificate.prepares) != committee.quorum - 1:
            return False
        last = certificate.sequence
    return True


def new_view_is_well_formed(
    message: NewView, committee: Committee, window: int, authentic: Authentic
) -> bool:
    """V names a quorum of distinct members; O is at most L PRE-PREPAREs of the new primary."""
    senders = {sender for sender, _ in message.view_changes if sender in committee}
    if len(senders) != committee.quorum or len(message.view_changes) != len(senders):
        return False
    if len(message.pre_prepares) > window:
        return False
    return all(
        proposal.sender == message.sender and proposal.view == message.view and authentic(proposal)
        for proposal in message.pre_prepares
    )


def carries_batch(message: Message) -> bool:
    """Whether a batch travels in ``message`` where a header alone belongs: no signature of a
    VIEW-CHANGE or NEW-VIEW covers it, so whoever relays it could have put it there (rule 32)."""
    match message:
        case PrePrepare(batch=batch):
            return batch is not None
        case ViewChange(prepared=prepared):
            return any(p.pre_prepare.batch is not None for p in prepared)
        case NewView(pre_prepares=pre_prepares):
            return any(p.batch is not None for p in pre_prepares)
        case _:
            return False
