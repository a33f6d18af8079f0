"""Sends old messages again, its own and others', long after their time."""

from __future__ import annotations

from typing import ClassVar

from consensus.effects import Effect, Send
from consensus.events import Event, Receive
from consensus.messages import Message
from nodes.byzantine.base import Attacker, Behaviour, sent

KEPT = 512
"""Messages remembered; a new one takes a random place."""


class StaleReplay(Behaviour):
    """With each event, by chance, sends one remembered message to one peer.

    They are true messages with true signatures: of failed views, of earlier sequences, votes that
    were already counted, requests that were already executed.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (30,)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._kept: list[Message] = []

    def _keep(self, message: Message) -> None:
        if len(self._kept) < KEPT:
            self._kept.append(message)
        else:
            self._kept[self.attacker.draws.below(KEPT)] = message

    def inbound(self, event: Event) -> tuple[Event, ...]:
        if isinstance(event, Receive):
            self._keep(event.message)
        return (event,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        for message in sent(effects):
            self._keep(message)
        attacker = self.attacker
        others = attacker.committee.others(attacker.id)
        if self._kept and others and attacker.draws.chance(attacker.options.chance_ppm):
            message = self._kept[attacker.draws.below(len(self._kept))]
            effects = [*effects, Send(others[attacker.draws.below(len(others))], message)]
        return effects
