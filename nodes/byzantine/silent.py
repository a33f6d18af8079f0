"""Says nothing, while it listens and works as ever."""

from __future__ import annotations

from typing import ClassVar

from consensus.effects import Broadcast, Effect, Send
from nodes.byzantine.base import Behaviour


class Silent(Behaviour):
    """Sends no message at all, or none of ``options.types``."""

    STOPPED_BY: ClassVar[tuple[int, ...]] = (18,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        types = self.attacker.options.types
        return [
            effect
            for effect in effects
            if not isinstance(effect, Send | Broadcast)
            or (types and effect.message.TYPE not in types)
        ]
