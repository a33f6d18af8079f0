"""Vouches for states that never were, and for checkpoints that nobody has reached."""

from __future__ import annotations

from typing import ClassVar, Final

from consensus.checkpoint_state import CheckpointState
from consensus.effects import Broadcast, Effect
from consensus.encoding import digest_of
from consensus.messages import (
    CertifiedState,
    Checkpoint,
    Commit,
    Message,
    StateProof,
    Status,
)
from consensus.types import Digest, NodeId, Sequence
from nodes.byzantine.base import Behaviour, rewrite, sent

LEAPS: Final = (1, 2, 3, 10, 1000)
"""How many checkpoints ahead of the truth it may claim to be."""


class BogusCheckpoint(Behaviour):
    """Signs another digest than its state's in its CHECKPOINTs, the same to all or two of them to
    two halves; now and then (``chance``), with a vote or a STATUS, claims a checkpoint far ahead,
    alone or with a proof in which all signatures are its own.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (10, 22)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        attacker = self.attacker
        done = rewrite(effects, self._lie)
        everybody = attacker.committee.others(attacker.id)
        for message in sent(effects):
            if isinstance(message, Checkpoint):
                self._interval = self._interval or message.sequence
            if not isinstance(message, Status | Commit) or not self._interval:
                continue
            if attacker.draws.chance(attacker.options.chance_ppm // 4):
                done.append(Broadcast(everybody, self._ahead(message)))
        return done

    _interval: Sequence = 0
    """The first checkpoint: all others are multiples."""

    def _lie(self, to: NodeId, message: Message) -> list[Message]:
        attacker = self.attacker
        if not isinstance(message, Checkpoint) or message.sender != attacker.id:
            return [message]
        first, _ = attacker.halves()
        which = b"" if attacker.options.groups == () else bytes([to in first])
        return [self._vote(message.epoch, message.sequence, which)]

    def _vote(self, epoch: int, sequence: Sequence, which: bytes) -> Checkpoint:
        attacker = self.attacker
        digest = self._digest(epoch, sequence, which)
        return attacker.sign(Checkpoint(attacker.chain, epoch, attacker.id, sequence, digest))

    def _digest(self, epoch: int, sequence: Sequence, which: bytes) -> Digest:
        return self._state(epoch, sequence, which).digest

    def _state(self, epoch: int, sequence: Sequence, which: bytes) -> CheckpointState:
        """A state that never was."""
        invented = digest_of("invented-state", sequence, which)
        members = self.attacker.committee.members
        return CheckpointState(sequence, invented, invented, epoch, members)

    def _ahead(self, message: Message) -> Message:
        """A checkpoint that nobody has reached."""
        attacker = self.attacker
        leap = LEAPS[attacker.draws.below(len(LEAPS))]
        _, here = message.slot()
        sequence = (here // self._interval + leap) * self._interval
        if attacker.draws.chance(500_000):
            return self._vote(message.epoch, sequence, b"")
        state = self._state(message.epoch, sequence, b"")
        head = (attacker.chain, message.epoch)
        proof = tuple(
            attacker.sign(Checkpoint(*head, id_, sequence, state.digest))
            for id_ in attacker.committee.ids[: attacker.committee.quorum]
        )
        states = (CertifiedState(state, proof),)
        return attacker.sign(StateProof(*head, attacker.id, states))
