"""One modelled CPU per node: what work costs, and the queues in front of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from chainsim.simulation.settings import CpuPrices
from chainsim.trace import Worked
from consensus.effects import Compute, Effect
from consensus.types import NodeId

OWN: Final = 0
"""What the node's own machine tells it: timers, submissions of its user."""
CONSENSUS: Final = 1
CLIENTS: Final = 2
"""Requests. Consensus goes ahead of them (rule 32)."""

SENDER_LIMIT: Final = 10_000
"""Events that wait at one node from one sender in one class; more are dropped."""

Item = tuple[Any, int, Any]
"""(what to do, event id, payload)"""


class Ingress:
    """What waits for a busy CPU: by class, and within a class in turns by sender."""

    __slots__ = ("_queues", "_turns", "waiting")

    def __init__(self) -> None:
        self._queues: tuple[dict[int, deque[Item]], ...] = ({}, {}, {})
        self._turns: tuple[deque[int], ...] = (deque(), deque(), deque())
        """Senders that have something waiting, whose turn it is first."""
        self.waiting = 0

    @property
    def owns(self) -> bool:
        """Whether something of one's own machine waits."""
        return bool(self._turns[OWN])

    def push(self, class_: int, sender: int, item: Item) -> bool:
        """Adds an item; False if that sender has too many waiting already."""
        queues = self._queues[class_]
        queue = queues.get(sender)
        if queue is None:
            queues[sender] = deque((item,))
            self._turns[class_].append(sender)
        elif len(queue) < SENDER_LIMIT:
            queue.append(item)
        else:
            return False
        self.waiting += 1
        return True

    def pop(self) -> Item:
        """The next item. Raises ``IndexError`` when nothing waits."""
        for class_, turns in enumerate(self._turns):
            if turns:
                sender = turns.popleft()
                queues = self._queues[class_]
                queue = queues[sender]
                item = queue.popleft()
                if queue:
                    turns.append(sender)
                else:
                    del queues[sender]
                self.waiting -= 1
                return item
        raise IndexError("nothing waits")

    def clear(self) -> list[Item]:
        """Empties the queues; what was in them."""
        lost = [item for queues in self._queues for queue in queues.values() for item in queue]
        for queues, turns in zip(self._queues, self._turns, strict=True):
            queues.clear()
            turns.clear()
        self.waiting = 0
        return lost


def cost_of(effects: Iterable[Effect], prices: CpuPrices) -> int:
    """Virtual time of the work that led to ``effects``, on a CPU at its usual speed."""
    cost_us = 0
    for effect in effects:
        if type(effect) is Compute:
            cost_us += (
                effect.verifications * prices.verify_us
                + effect.signatures * prices.sign_us
                + effect.transactions * prices.execute_us
            )
    return cost_us


def work_done(now_us: int, node: NodeId, cost_us: int, effects: Iterable[Effect]) -> Worked:
    """What that work was, for who wants to know."""
    work = [effect for effect in effects if type(effect) is Compute]
    return Worked(
        now_us,
        node,
        cost_us,
        sum(effect.signatures for effect in work),
        sum(effect.verifications for effect in work),
        sum(effect.transactions for effect in work),
    )
