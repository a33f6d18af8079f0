"""Says of batches what isn't so: another one under a digest, a digest of none."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from consensus.effects import Effect
from consensus.encoding import digest_of
from consensus.messages import (
    BatchReply,
    CertifiedBatch,
    Commit,
    Message,
    Prepare,
    PrePrepare,
)
from consensus.types import NodeId
from nodes.byzantine.base import Behaviour, rewrite
from nodes.byzantine.equivocate import another


class WrongDigest(Behaviour):
    """Sends its second group another batch than its first, under one and the same digest: in
    proposals, and in whatever batches it is asked for. Its votes for others' proposals name a
    digest that nobody proposed.

    A PRE-PREPARE's signature covers the digest and not the batch, so it never signs two things:
    nothing of this can be proven, and nothing needs to be. Who compares the digest (rule 3) drops
    it.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (3,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        _, deceived = self.attacker.halves()

        def change(to: NodeId, message: Message) -> list[Message]:
            if isinstance(message, PrePrepare | BatchReply | CertifiedBatch):
                return [_swapped(message) if to in deceived else message]
            if isinstance(message, Prepare | Commit) and message.sender == self.attacker.id:
                return [self._misnamed(message)]
            return [message]

        return rewrite(effects, change)

    def _misnamed(self, vote: Prepare | Commit) -> Message:
        if self.attacker.committee.primary(vote.view) == self.attacker.id:
            return vote  # for its own proposal, of which both groups know the digest
        wrong = digest_of("nobody's", vote.digest)
        return self.attacker.sign(msgspec.structs.replace(vote, digest=wrong))


def _swapped(message: PrePrepare | BatchReply | CertifiedBatch) -> Message:
    """The same statement beside another batch; no signature of a PRE-PREPARE covers that."""
    batch = message.batch
    if batch is None or not batch.requests:
        return message
    return msgspec.structs.replace(message, batch=another(batch))
