"""Two copies of one validator under one key, each shown to a part of the others.

After Bano et al., "Twins: BFT Systems Made Robust" (2020): each copy is honest, so what they do
together, equivocation, double votes, amnesia, comes from the protocol itself.
"""

from __future__ import annotations

from typing import Final

from consensus.effects import (
    Broadcast,
    CancelTimer,
    Compact,
    Compute,
    Effect,
    Persist,
    Send,
    SetTimer,
)
from consensus.events import Boot, Event, Receive, TimerFired
from consensus.types import NodeId
from nodes.byzantine.base import Attacker
from nodes.node import Node

SECOND: Final = "twin"
"""Marks the second copy's timers."""
ROUND_US: Final = 2_000_000
"""How long a division of the peers lasts before a new one is drawn."""


class Twins:
    """Implements ``nodes.node.Node``: two nodes made alike, behind one name.

    Each peer talks to one of them at a time; the division is ``options.groups`` (fixed), or drawn
    anew every ``ROUND_US``. The disk is the first copy's; the second has none and forgets at a
    crash, as a machine that was cloned would.
    """

    def __init__(self, first: Node, second: Node, attacker: Attacker) -> None:
        self._copies: Final = (first, second)
        self._attacker: Final = attacker
        self._until_us = -1
        self._of: dict[NodeId, int] = {}
        self._booted = False

    @property
    def id(self) -> NodeId:
        """The one name."""
        return self._attacker.id

    @property
    def inner(self) -> Node:
        """The first copy."""
        return self._copies[0]

    def handle(self, event: Event) -> list[Effect]:
        """Give the event to the copy that it is meant for, and send its effects to its peers."""
        self._divide(event.now_us)
        if isinstance(event, Receive):
            # A client's request reaches both: either may be the primary of its part.
            copy = self._of.get(event.message.sender)
            targets = (0, 1) if copy is None else (copy,)
            return [e for target in targets for e in self._run(target, event)]
        if isinstance(event, TimerFired) and event.key[-1] == SECOND:
            return self._run(1, TimerFired(event.now_us, event.key[:-1]))
        return self._run(0, event)

    def start_second(self, now_us: int) -> list[Effect]:
        """Boot the second copy with an empty disk."""
        return self._run(1, Boot(now_us))

    def _divide(self, now_us: int) -> None:
        if now_us < self._until_us:
            return
        attacker = self._attacker
        if len(attacker.options.groups) >= 2:
            self._until_us = 1 << 62
            self._of = {
                id_: i for i, part in enumerate(attacker.options.groups[:2]) for id_ in part
            }
            return
        self._until_us = now_us + ROUND_US
        self._of = {id_: attacker.draws.below(2) for id_ in attacker.committee.others(attacker.id)}

    def _run(self, copy: int, event: Event) -> list[Effect]:
        done: list[Effect] = []
        for effect in self._copies[copy].handle(event):
            match effect:
                case Broadcast(to, message):
                    done.extend(Send(id_, message) for id_ in to if self._of.get(id_) == copy)
                case Send(to, message):
                    if self._of.get(to, copy) == copy:
                        done.append(effect)
                case _ if copy == 0:
                    done.append(effect)
                case SetTimer(key, delay_us):
                    done.append(SetTimer((*key, SECOND), delay_us))
                case CancelTimer(key):
                    done.append(CancelTimer((*key, SECOND)))
                case Persist() | Compact():
                    pass  # the second copy has no disk
                case Compute():
                    done.append(effect)
                case _:
                    pass  # what the second copy says of itself is no part of the trace
        return done
