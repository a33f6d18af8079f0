"""Votes as bit masks, and the checks that make a set of messages a proof (rules 2, 4, 5, 13).

Everything here is a pure function of the messages, the committee of their epoch and a way to
ask whether a message is authentic, so that observers and evidence checks can use it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from consensus.messages import (
    CertifiedState,
    Checkpoint,
    Commit,
    CommitCertificate,
    Message,
    Prepare,
    PreparedCertificate,
)
from consensus.types import Committee, Digest, Sequence

Authentic = Callable[[Message], bool]
"""Whether a message carries its sender's valid signature under the committee's keys."""


def mask_of(committee: Committee, senders: Iterable[str]) -> int:
    """Bit mask of distinct committee members among ``senders`` (rule 2: strangers don't count)."""
    mask = 0
    for sender in senders:
        position = committee.position(sender)
        if position >= 0:
            mask |= 1 << position
    return mask


def mask_to_bytes(mask: int) -> bytes:
    """A mask as it travels: little-endian, as short as it can be."""
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")


def in_mask(position: int, mask: bytes) -> bool:
    """Whether the bit at ``position`` is set in a mask that travelled."""
    byte, bit = divmod(position, 8)
    return byte < len(mask) and bool(mask[byte] >> bit & 1)


def prepared_certificate_is_valid(
    certificate: PreparedCertificate, committee: Committee, authentic: Authentic
) -> bool:
    """PRE-PREPARE by its view's primary and Q-1 matching PREPAREs of distinct backups (rule 4)."""
    proposal = certificate.pre_prepare
    primary = committee.primary(proposal.view)
    if proposal.sender != primary or proposal.view < 0:
        return False
    if len(certificate.prepares) != committee.quorum - 1:
        return False
    backups = mask_of(committee, (p.sender for p in certificate.prepares if p.sender != primary))
    if backups.bit_count() != committee.quorum - 1:
        return False
    return all(
        _prepares(vote, certificate) and authentic(vote) for vote in certificate.prepares
    ) and (authentic(proposal))


def _prepares(vote: Prepare, certificate: PreparedCertificate) -> bool:
    return (
        vote.view == certificate.view
        and vote.sequence == certificate.sequence
        and vote.digest == certificate.digest
    )


def commit_certificate_is_valid(
    certificate: CommitCertificate, committee: Committee, authentic: Authentic
) -> bool:
    """Q matching COMMITs of distinct members in one view of the committee's epoch (rule 5)."""
    if certificate.epoch != committee.epoch or len(certificate.commits) != committee.quorum:
        return False
    if mask_of(committee, (c.sender for c in certificate.commits)).bit_count() != committee.quorum:
        return False
    return all(_commits(vote, certificate) and authentic(vote) for vote in certificate.commits)


def _commits(vote: Commit, certificate: CommitCertificate) -> bool:
    return (
        vote.epoch == certificate.epoch
        and vote.view == certificate.view
        and vote.sequence == certificate.sequence
        and vote.digest == certificate.digest
    )


def stable_proof_is_valid(
    proof: tuple[Checkpoint, ...],
    sequence: Sequence,
    digest: Digest | None,
    committee: Committee,
    authentic: Authentic,
) -> bool:
    """Q matching CHECKPOINTs of distinct members for ``sequence`` (rule 10).

    ``digest`` None accepts whichever they all name. The genesis state (0) needs no proof.
    """
    if sequence == 0:
        return not proof
    if len(proof) != committee.quorum:
        return False
    wanted = proof[0].digest if digest is None else digest
    if mask_of(committee, (c.sender for c in proof)).bit_count() != committee.quorum:
        return False
    return all(c.sequence == sequence and c.digest == wanted and authentic(c) for c in proof)


def certified_state_is_valid(
    certified: CertifiedState, committee: Committee, authentic: Authentic
) -> bool:
    """Whether a quorum of ``committee``, in force at that sequence, signed exactly this state."""
    if certified.sequence <= 0 or not certified.state.names_committees:
        return False
    return stable_proof_is_valid(
        certified.proof, certified.sequence, certified.state.digest, committee, authentic
    )
