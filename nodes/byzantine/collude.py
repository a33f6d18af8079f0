"""Members of a coalition hold each other's keys: whoever leads speaks for all of them."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from consensus.effects import Effect
from consensus.messages import Batch, Commit, Message, Prepare, PrePrepare
from consensus.types import NodeId, Sequence, View
from nodes.byzantine.base import Attacker, Behaviour, rewrite
from nodes.byzantine.equivocate import another

KEPT: Final = 256
"""Slots whose two stories are remembered."""


class Collude(Behaviour):
    """While one of its members leads, that one tells two groups of the others two batches (who is
    in both hears both), and sends each group the PREPAREs and COMMITs of all members for what it
    was told; the other members keep silent about that view. While none leads, all are honest.

    Up to f members this is an equivocation that needs nobody's consent, and no group has a
    quorum; as many as two quorums share decide both batches, and rule 34 convicts them.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (1, 34)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._stories: Final[dict[tuple[int, View, Sequence], tuple[list[Message], ...]]] = {}

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        groups = self._groups()

        def change(to: NodeId, message: Message) -> list[Message]:
            if message.sender != self.attacker.id or not self._is_ours(message):
                return [message]
            if isinstance(message, Prepare | Commit) or to in self._members():
                return []  # the leader votes for all
            if isinstance(message, PrePrepare) and message.batch is not None:
                told = self._told(message, message.batch)
                heard = [place for place, group in enumerate(groups) if to in group] or [0]
                return [said for place in heard for said in told[place]]
            return [message]

        return rewrite(effects, change)

    def _is_ours(self, message: Message) -> bool:
        """Whether it belongs to the agreement in a view that a member leads."""
        if not isinstance(message, PrePrepare | Prepare | Commit):
            return False
        return self.attacker.committee.primary(message.view) in self._members()

    def _members(self) -> tuple[NodeId, ...]:
        return self.attacker.options.members

    def _groups(self) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        """As the options say, or those who are no members, split in the middle."""
        if self.attacker.options.groups:
            return self.attacker.halves()
        members = self._members()
        others = tuple(id_ for id_ in self.attacker.committee.ids if id_ not in members)
        return others[: len(others) // 2], others[len(others) // 2 :]

    def _told(self, honest: PrePrepare, batch: Batch) -> tuple[list[Message], ...]:
        """What the first group is sent about the slot, and what the second."""
        slot = (honest.epoch, honest.view, honest.sequence)
        if slot not in self._stories:
            while len(self._stories) >= KEPT:
                del self._stories[next(iter(self._stories))]
            stories = (batch, another(batch) if batch.requests else batch)
            self._stories[slot] = tuple(self._story(honest, story) for story in stories)
        return self._stories[slot]

    def _story(self, honest: PrePrepare, batch: Batch) -> list[Message]:
        me = self.attacker
        proposal = me.sign(msgspec.structs.replace(honest, digest=batch.digest, batch=batch))
        said: list[Message] = [proposal]
        for kind in (Prepare, Commit):
            for member in self._members():
                if kind is Prepare and member == me.id:
                    continue  # the primary's PREPARE never counts (rule 4)
                head = (me.chain, honest.epoch, member)
                vote = kind(*head, honest.view, honest.sequence, batch.digest)
                said.append(me.sign_for(vote))
        return said
