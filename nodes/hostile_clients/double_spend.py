"""``double-spend``: pays with the same money again and again, all of it each time."""

from __future__ import annotations

from consensus.effects import Effect, Send
from nodes.hostile_clients.base import Attack


class DoubleSpend(Attack):
    """Each act is three payments of all that its account held at the beginning: two under one
    request number, each to some of the validators, and one more to all under the next number.

    Only one of all of them can be paid from that balance.
    """

    def act(self) -> list[Effect]:
        attacker = self.attacker
        amount = attacker.purse.amount
        first, second = (attacker.purse.others * 2)[:2]
        number = self.claim()
        told = attacker.payment(number, first, amount), attacker.payment(number, second, amount)
        validators = attacker.tactics.receivers or attacker.validators
        sides = [attacker.draws.below(2) for _ in validators]
        if len(set(sides)) == 1:  # everybody the same is no equivocation
            sides[0] = 1 - sides[0]
        effects: list[Effect] = [
            Send(to, told[side]) for to, side in zip(validators, sides, strict=True)
        ]
        return effects + self.to_all(attacker.payment(self.claim(), first, amount))
