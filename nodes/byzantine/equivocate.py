"""As the primary, proposes one batch to some and another to the rest, and votes for both."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from consensus.effects import Effect
from consensus.messages import Batch, Commit, Message, Prepare, PrePrepare
from consensus.types import Digest, NodeId, Sequence, View
from nodes.byzantine.base import Behaviour, rewrite


def another(batch: Batch) -> Batch:
    """A batch of the same requests that isn't the same: the other order, a microsecond later."""
    return Batch(batch.time_us + 1, tuple(reversed(batch.requests)))


class Equivocate(Behaviour):
    """Its first group sees the honest proposal, its second another one, and who is in both sees
    both.

    To each group it votes for what that group was shown, at once: its own PREPAREs and COMMITs
    are what a weak quorum rule would count for both.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (1, 33)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        first, second = self.attacker.halves()

        def change(to: NodeId, message: Message) -> list[Message]:
            if isinstance(message, PrePrepare) and message.batch is not None:
                shown = self._propose(message, message.batch, to in second)
                if to in first and to in second:
                    shown = [*self._propose(message, message.batch, False), *shown]
                return shown
            if to in second and isinstance(message, Prepare | Commit):
                lie = self._lies.get((message.view, message.sequence))
                if lie is not None:
                    return [self.attacker.sign(msgspec.structs.replace(message, digest=lie))]
            return [message]

        return rewrite(effects, change)

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._lies: dict[tuple[View, Sequence], Digest] = {}

    def _propose(self, honest: PrePrepare, batch: Batch, lie: bool) -> list[Message]:
        if honest.sender != self.attacker.id or not batch.requests:
            return [honest]
        shown = batch
        if lie:
            shown = another(batch)
            self._lies[honest.view, honest.sequence] = shown.digest
        proposal = self.attacker.sign(
            msgspec.structs.replace(honest, digest=shown.digest, batch=shown)
        )
        fields = (honest.chain, honest.epoch, self.attacker.id, honest.view, honest.sequence)
        return [
            proposal,
            self.attacker.sign(Prepare(*fields, shown.digest)),
            self.attacker.sign(Commit(*fields, shown.digest)),
        ]
