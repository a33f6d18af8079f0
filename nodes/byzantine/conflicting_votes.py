"""Votes twice: for what it was shown, and for something else."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from consensus.effects import Effect
from consensus.encoding import digest_of
from consensus.events import Event, Receive
from consensus.messages import Checkpoint, Commit, Message, Prepare, PrePrepare
from consensus.types import Digest, NodeId, Sequence, View
from nodes.byzantine.base import Attacker, Behaviour, rewrite

KEPT = 256
"""Digests of others' proposals remembered, for votes that may matter."""


class ConflictingVotes(Behaviour):
    """Every PREPARE, COMMIT and CHECKPOINT goes out twice, with two digests, the order by chance.

    The second digest is one that somebody else names at the same slot, if it has heard of one: a
    vote for a digest that nobody holds convinces nobody.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (4, 5, 33)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._heard: dict[tuple[View, Sequence], list[Digest]] = {}

    def inbound(self, event: Event) -> tuple[Event, ...]:
        if isinstance(event, Receive):
            message = event.message
            if isinstance(message, PrePrepare | Prepare | Commit):
                known = self._heard.setdefault((message.view, message.sequence), [])
                if message.digest not in known and len(known) < 4:
                    known.append(message.digest)
                while len(self._heard) > KEPT:
                    del self._heard[next(iter(self._heard))]
        return (event,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        return rewrite(effects, self._vote_twice)

    def _vote_twice(self, _to: NodeId, message: Message) -> list[Message]:
        if not isinstance(message, Prepare | Commit | Checkpoint):
            return [message]
        lie = self.attacker.sign(
            msgspec.structs.replace(message, digest=self._other_digest(message))
        )
        pair: list[Message] = [message, lie]
        return pair if self.attacker.draws.chance(500_000) else pair[::-1]

    def _other_digest(self, message: Prepare | Commit | Checkpoint) -> Digest:
        if not isinstance(message, Checkpoint):
            for digest in self._heard.get((message.view, message.sequence), ()):
                if digest != message.digest:
                    return digest
        return digest_of("lie", message.digest)
