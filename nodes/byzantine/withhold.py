"""Keeps votes, or other messages, from some or all of its peers."""

from __future__ import annotations

from typing import ClassVar

from consensus.effects import Effect
from consensus.messages import Message
from consensus.types import NodeId
from nodes.byzantine.base import Behaviour, rewrite

VOTES = ("prepare", "commit")


class Withhold(Behaviour):
    """Sends ``options.types`` (votes by default) to nobody in ``options.receivers`` (all)."""

    STOPPED_BY: ClassVar[tuple[int, ...]] = (1, 17)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        options = self.attacker.options
        types = options.types or VOTES

        def change(to: NodeId, message: Message) -> list[Message]:
            concerned = not options.receivers or to in options.receivers
            return [] if concerned and message.TYPE in types else [message]

        return rewrite(effects, change)
