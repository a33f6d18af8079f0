"""``partial-send``: tells only some of the validators, and never comes back."""

from __future__ import annotations

from consensus.effects import Effect, Send
from nodes.hostile_clients.base import Attack


class PartialSend(Attack):
    """Each act is a payment that goes to the receivers, or to one validator that is drawn, once.

    Its request is as good as any other: whoever gets it passes it on to the primary (rule 21).
    """

    def act(self) -> list[Effect]:
        attacker = self.attacker
        request = attacker.payment(self.claim(), attacker.pick(attacker.purse.others))
        if attacker.tactics.receivers:
            return self.to_all(request)
        return [Send(attacker.pick(attacker.validators), request)]
