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
    TimerKey,
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
        self.inner = first
        """The first copy."""
        self._second: Final = second
        self._attacker: Final = attacker
        self._until_us = -1
        self._of: dict[NodeId, int] = {}
        self._second_runs = False
        self._armed: dict[TimerKey, None] = {}
        """The second copy's timers, as they are marked."""

    @property
    def id(self) -> NodeId:
        """The one name."""
        return self._attacker.id

    def timers(self) -> tuple[TimerKey, ...]:
        """The second copy's, some of which may have fired already."""
        return tuple(self._armed)

    def handle(self, event: Event) -> list[Effect]:
        """Give the event to the copy that it is meant for, and send its effects to its peers."""
        self._divide(event.now_us)
        if not self._second_runs:
            # It has an empty disk, and starts with the first event, whatever the first copy knows.
            self._second_runs = True
            return [*self._run(1, Boot(event.now_us)), *self._route(event)]
        return self._route(event)

    def _route(self, event: Event) -> list[Effect]:
        if isinstance(event, Receive):
            # A client's request reaches both: either may be the primary of its part.
            copy = self._of.get(event.message.sender)
            targets = (0, 1) if copy is None else (copy,)
            return [e for target in targets for e in self._run(target, event)]
        if isinstance(event, TimerFired) and event.key[-1] == SECOND:
            self._armed.pop(event.key, None)
            return self._run(1, TimerFired(event.now_us, event.key[:-1]))
        return self._run(0, event)

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
        node = self._second if copy else self.inner
        for effect in node.handle(event):
            match effect:
                case Broadcast(to, message):
                    done.extend(Send(id_, message) for id_ in to if self._of.get(id_) == copy)
                case Send(to, message):
                    if self._of.get(to, copy) == copy:
                        done.append(effect)
                case _ if copy == 0:
                    done.append(effect)
                case SetTimer(key, delay_us):
                    self._armed[*key, SECOND] = None
                    done.append(SetTimer((*key, SECOND), delay_us))
                case CancelTimer(key):
                    self._armed.pop((*key, SECOND), None)
                    done.append(CancelTimer((*key, SECOND)))
                case Persist() | Compact():
                    pass  # the second copy has no disk
                case Compute():
                    done.append(effect)
                case _:
                    pass  # what the second copy says of itself is no part of the trace
        return done
