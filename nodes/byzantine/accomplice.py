"""Votes towards each peer for whatever that peer votes for: what an equivocating primary needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from consensus.effects import Effect, Send
from consensus.events import Event, Receive
from consensus.messages import Commit, Message, Prepare, PrePrepare
from consensus.types import Digest, NodeId, Sequence, View
from nodes.byzantine.base import Attacker, Behaviour, rewrite

KEPT = 4_096
"""Answers that it remembers having given."""


class Accomplice(Behaviour):
    """Answers each proposal, PREPARE and COMMIT with its own PREPARE and COMMIT for that digest,
    to its sender alone, once; nobody else sees a vote of it.

    Alone, or beside f - 1 others, it can only hurry decisions that come anyway. Enough of them
    give each side of an equivocation the quorum that it lacks (rule 34).
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (1, 34)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._given: dict[tuple[NodeId, View, Sequence, Digest], None] = {}
        self._due: list[tuple[NodeId, Message]] = []

    def inbound(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Receive):
            message = event.message
            if isinstance(message, PrePrepare | Prepare | Commit):
                self._agree(message)
        return (event,)

    def _agree(self, message: PrePrepare | Prepare | Commit) -> None:
        where = (message.view, message.sequence, message.digest)
        key = (message.sender, *where)
        if key in self._given:
            return
        while len(self._given) >= KEPT:
            del self._given[next(iter(self._given))]
        self._given[key] = None
        me = self.attacker
        for kind in (Prepare, Commit):
            vote = me.sign(kind(message.chain, message.epoch, me.id, *where))
            self._due.append((message.sender, vote))

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        due, self._due = self._due, []
        told = rewrite(effects, self._without_votes)
        return [*told, *(Send(to, vote) for to, vote in due)]

    def _without_votes(self, _to: NodeId, message: Message) -> list[Message]:
        mine = isinstance(message, Prepare | Commit) and message.sender == self.attacker.id
        return [] if mine else [message]
