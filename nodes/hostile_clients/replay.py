"""``replay``: sends what was ordered long ago once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consensus.effects import Effect
from consensus.messages import Request
from nodes.hostile_clients.base import Attack, ClientAttacker

FRESH_PPM: Final = 200_000
"""How often it sends something new, to have more to repeat."""
KEPT: Final = 32
"""Of its own requests that it goes on repeating."""


class Replay(Attack):
    """One act in five is a new payment; the others repeat one of the last 32, to every validator:
    some not executed yet, some answered long ago, byte for byte."""

    def __init__(self, attacker: ClientAttacker, claim: Callable[[], int]) -> None:
        super().__init__(attacker, claim)
        self._sent: list[Request] = []

    def act(self) -> list[Effect]:
        draws = self.attacker.draws
        if not self._sent or draws.chance(FRESH_PPM):
            target = self.attacker.pick(self.attacker.purse.others)
            self._sent.append(self.attacker.payment(self.claim(), target))
            del self._sent[:-KEPT]
            return self.to_all(self._sent[-1])
        return self.to_all(self._sent[draws.below(len(self._sent))])
