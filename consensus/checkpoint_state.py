"""What a CHECKPOINT's digest stands for (rule 9).

A CHECKPOINT names a digest only. Whoever is shown the ``CheckpointState`` behind it knows which
header and reply table to ask for, and which validators come next: that is how a replica that
was away, a joiner and an observer follow the chain through changes of the committee.
"""

from __future__ import annotations

import msgspec

from consensus.encoding import digest_of
from consensus.lazy import lazy
from consensus.types import Committee, Digest, Member, ScheduledChange, Sequence


class CheckpointState(msgspec.Struct, frozen=True, dict=True):
    """The state after executing ``sequence``, as far as a CHECKPOINT vouches for it.

    ``epoch`` and ``members`` are the configuration in force from ``sequence + 1``;
    ``scheduled`` the change that was ordered and comes after it.
    """

    sequence: Sequence
    header_hash: Digest
    reply_root: Digest
    epoch: int
    members: tuple[Member, ...]
    scheduled: ScheduledChange | None = None

    @lazy
    def digest(self) -> Digest:
        """What CHECKPOINTs for this state carry."""
        scheduled = None
        if self.scheduled is not None:
            scheduled = (self.scheduled.effective, _named(self.scheduled.members))
        return digest_of(
            "checkpoint-state",
            self.header_hash,
            self.reply_root,
            self.epoch,
            _named(self.members),
            scheduled,
            self.sequence,
        )

    @property
    def names_committees(self) -> bool:
        """Whether the members, and those to come, can be committees: somebody, each once."""
        named = [self.members] if self.scheduled is None else [self.members, self.scheduled.members]
        return all(
            members and len({member.id for member in members}) == len(members) for members in named
        )

    @lazy
    def committee(self) -> Committee:
        """The configuration in force from ``sequence + 1``."""
        return Committee(self.epoch, self.members)


def _named(members: tuple[Member, ...]) -> tuple[tuple[str, bytes], ...]:
    return tuple((member.id, member.public_key) for member in members)
