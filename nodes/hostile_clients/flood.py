"""``flood``: more requests than the network can order, every one of them in order by itself."""

from __future__ import annotations

from consensus.effects import Effect
from nodes.hostile_clients.base import Attack


class Flood(Attack):
    """Each act is one payment of the smallest amount, sent to every validator at once."""

    def act(self) -> list[Effect]:
        target = self.attacker.pick(self.attacker.purse.others)
        return self.to_all(self.attacker.payment(self.claim(), target))
