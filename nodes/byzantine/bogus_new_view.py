"""As the primary of a new view, starts it with what does not follow from what it was told."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from consensus.effects import Effect
from consensus.messages import NULL_DIGEST, Commit, Message, NewView, PrePrepare, ViewChange
from consensus.types import NodeId, View
from nodes.byzantine.base import Attacker, Behaviour, rewrite

KEPT = 64
"""Views whose lie it remembers."""
_ALONE = 3
"""The lie for which its own VIEW-CHANGE has to be modest."""


class BogusNewView(Behaviour):
    """Every own NEW-VIEW is a lie, the same for all, and it votes for what it says.

    The lies: the null batch in the place of something that V selects; O without its last item;
    O without anything; a V in which its own VIEW-CHANGE, with P left out, stands for everybody's.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (15, 33)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._kinds: dict[View, int] = {}
        self._told: dict[View, NewView] = {}
        self._modest: dict[View, ViewChange] = {}

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        return rewrite(effects, self._change)

    def _change(self, _to: NodeId, message: Message) -> list[Message]:
        mine = isinstance(message, ViewChange | NewView) and message.sender == self.attacker.id
        if mine and isinstance(message, ViewChange) and self._kind(message.view) == _ALONE:
            if message.view not in self._modest:
                modest = msgspec.structs.replace(message, prepared=())
                self._modest[message.view] = self.attacker.sign(modest)
            return [self._modest[message.view]]
        if mine and isinstance(message, NewView):
            if message.view not in self._told:
                self._told[message.view] = self.attacker.sign(self._lie(message))
            told = self._told[message.view]
            return [told, *map(self._vote, told.pre_prepares)]
        return [message]

    def _kind(self, view: View) -> int:
        """Which lie it tells in a view."""
        if view not in self._kinds:
            for known in (self._kinds, self._told, self._modest):
                while len(known) >= KEPT:
                    known.pop(next(iter(known)))
            self._kinds[view] = self.attacker.draws.below(4)
        return self._kinds[view]

    def _lie(self, honest: NewView) -> NewView:
        kind, offered = self._kind(honest.view), honest.pre_prepares
        own = self._modest.get(honest.view)
        if kind == _ALONE and own is not None:
            alone = ((own.sender, own.digest_bytes),) * len(honest.view_changes)
            return msgspec.structs.replace(honest, view_changes=alone, pre_prepares=())
        if kind == 0 and offered:
            place = self.attacker.draws.below(len(offered))
            null = msgspec.structs.replace(offered[place], digest=NULL_DIGEST)
            changed = (*offered[:place], self.attacker.sign(null), *offered[place + 1 :])
            return msgspec.structs.replace(honest, pre_prepares=changed)
        kept = offered[:-1] if kind == 1 else ()
        return msgspec.structs.replace(honest, pre_prepares=kept)

    def _vote(self, proposal: PrePrepare) -> Commit:
        """Its COMMIT for an item of its O."""
        return self.attacker.sign(
            Commit(
                proposal.chain,
                proposal.epoch,
                self.attacker.id,
                proposal.view,
                proposal.sequence,
                proposal.digest,
            )
        )
