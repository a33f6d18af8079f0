"""Two copies of one validator under one key, each shown to a part of the others.

After Bano et al., "Twins: BFT Systems Made Robust" (2020): each copy is honest, so what they do
together, equivocation, double votes, amnesia, comes from the protocol itself.
"""

from __future__ import annotations

from typing import ClassVar, Final

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
from consensus.messages import Message
from consensus.types import NodeId, View
from nodes.byzantine.base import Attacker
from nodes.node import Node

SECOND: Final = "twin"
"""Marks the second copy's timers."""
Copies = tuple[int, ...]
"""Of the two: 0 is the first, 1 the second."""
BOTH: Final[Copies] = (0, 1)
NOBODY: Final[Copies] = ()
ROUND_US: Final = 2_000_000
"""How long a division of the peers lasts before a new one is drawn."""


class Twins:
    """Implements ``nodes.node.Node``: two nodes made alike, behind one name.

    Each peer talks to one of them at a time; the division is ``options.groups`` (fixed), or drawn
    anew every ``ROUND_US``. Several pairs of groups divide by view, as Twins divides its rounds: a
    message goes by the view that it names, or, if it names none, by the latest one that was named.
    The disk is the first copy's; the second has none and forgets at a crash, as a machine that was
    cloned would.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (1, 24)

    def __init__(self, first: Node, second: Node, attacker: Attacker) -> None:
        self.inner = first
        """The first copy."""
        self._second: Final = second
        self._attacker: Final = attacker
        self._until_us = -1
        self._of: dict[NodeId, Copies] = {}
        """Whom each peer talks to; by view, that of messages which name none."""
        self._by_view: Final = _divisions(attacker)
        self._view: View = 0
        """The latest that was named, of those that have a division of their own."""
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
            targets = self._copies_for(event.message.sender, event.message, BOTH)
            return [e for target in targets for e in self._run(target, event)]
        if isinstance(event, TimerFired) and event.key[-1] == SECOND:
            self._armed.pop(event.key, None)
            return self._run(1, TimerFired(event.now_us, event.key[:-1]))
        return self._run(0, event)

    def _divide(self, now_us: int) -> None:
        if now_us < self._until_us:
            return
        attacker = self._attacker
        if self._by_view:
            self._until_us = 1 << 62
            self._of = self._by_view[0]
            return
        self._until_us = now_us + ROUND_US
        others = attacker.committee.others(attacker.id)
        self._of = {id_: (attacker.draws.below(2),) for id_ in others}

    def _copies_for(self, peer: NodeId, message: Message, stranger: Copies) -> Copies:
        """Which copies a peer hears, or is heard by, as far as ``message`` goes."""
        if len(self._by_view) < 2:
            return self._of.get(peer, stranger)
        of = self._of
        if "view" in message.__struct_fields__:
            view = min(message.slot()[0], len(self._by_view) - 1)
            of = self._by_view[view]
            if view > self._view:
                self._view, self._of = view, of
        return of.get(peer, stranger)

    def _run(self, copy: int, event: Event) -> list[Effect]:
        done: list[Effect] = []
        node = self._second if copy else self.inner
        for effect in node.handle(event):
            match effect:
                case Broadcast(to, message):
                    done.extend(
                        Send(id_, message)
                        for id_ in to
                        if copy in self._copies_for(id_, message, NOBODY)
                    )
                case Send(to, message):
                    if copy in self._copies_for(to, message, BOTH):
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


def _divisions(attacker: Attacker) -> tuple[dict[NodeId, Copies], ...]:
    """Peer -> copies, for each pair of groups; who is named in none of several hears nobody."""
    groups = attacker.options.groups
    pairs = list(zip(groups[::2], groups[1::2], strict=False))
    silent = attacker.committee.others(attacker.id) if len(pairs) > 1 else ()
    return tuple(
        {
            **dict.fromkeys(silent, NOBODY),
            **{
                id_: tuple(copy for copy, group in enumerate(pair) if id_ in group)
                for group in pair
                for id_ in group
            },
        }
        for pair in pairs
    )
