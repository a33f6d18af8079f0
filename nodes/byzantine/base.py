"""The adversary model: an honest node inside, a liar around it (law 5).

A behaviour sees the events that reach its own node and the effects that its own node asks for,
and may change both. It holds its own ``Signer`` (for ``twins`` and ``equivocate`` that is all it
needs) and nobody else's, so it can say anything in its own name and nothing in another's. It draws
from its own source, so that adding or removing it shifts no other draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import msgspec

from consensus.crypto import Signer
from consensus.effects import Broadcast, Effect, Send, TimerKey
from consensus.events import Event
from consensus.messages import Message, signed
from consensus.types import Committee, NodeId, View
from nodes.node import Node

M = TypeVar("M", bound=Message)
Rewrite = Callable[[NodeId, Message], Iterable[Message]]
"""(receiver, message) -> what is sent to it instead."""


class Draws(Protocol):
    """A source of chance that belongs to one hostile node."""

    def below(self, limit: int) -> int:
        """Evenly one of 0 to ``limit - 1``."""
        ...

    def chance(self, ppm: int) -> bool:
        """True ``ppm`` times in a million."""
        ...


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario can choose about a behaviour."""

    groups: tuple[tuple[NodeId, ...], ...] = ()
    """Whom to tell what, where the behaviour treats peers differently; default: two halves."""
    receivers: tuple[NodeId, ...] = ()
    """The peers concerned; default: all."""
    types: tuple[str, ...] = ()
    """The message types concerned; default: the behaviour's own."""
    chance_ppm: int = 250_000
    """How often it acts, where it doesn't always."""
    view: View | None = None
    """The only view it acts in, where that can be chosen; default: all."""
    field: str = "digest"
    """The field of a message that it changes, where that can be chosen."""
    step: int = 1
    """By how much it changes a number."""


class Attacker(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a behaviour is given. Nothing else reaches it."""

    id: NodeId
    chain: bytes
    committee: Committee
    signer: Signer
    draws: Draws
    options: Options = Options()

    def sign(self, message: M) -> M:
        """``message`` in the attacker's own name; no guard stops it."""
        return signed(message, self.signer)

    def halves(self) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        """The two groups of the options, or the other members split in the middle."""
        if len(self.options.groups) >= 2:
            return self.options.groups[0], self.options.groups[1]
        others = self.committee.others(self.id)
        middle = len(others) // 2
        return others[:middle], others[middle:]


class Behaviour:
    """What a hostile node does; by default nothing wrong."""

    def __init__(self, attacker: Attacker) -> None:
        self.attacker = attacker

    def inbound(self, event: Event) -> Iterable[Event]:
        """What its honest part is told when ``event`` comes."""
        return (event,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        """What is done instead of what its honest part asked for."""
        return effects


class HostileNode(Node, Protocol):
    """A node with a liar around it; ``inner`` is what it lies about, and may be replaced."""

    inner: Node

    def timers(self) -> tuple[TimerKey, ...]:
        """Armed timers that ``inner`` knows nothing of."""
        ...


Disguise = Callable[[Node], HostileNode]
"""Wraps a node; again after each restart of it."""


class Byzantine:
    """Implements ``nodes.node.Node``: ``inner`` as ``behaviour`` lets it be seen."""

    def __init__(self, inner: Node, behaviour: Behaviour) -> None:
        self.inner = inner
        self.behaviour = behaviour

    @property
    def id(self) -> NodeId:
        """The name of the node inside."""
        return self.inner.id

    def handle(self, event: Event) -> list[Effect]:
        """Let the honest part act on what the behaviour passes on, then distort what it does."""
        effects: list[Effect] = []
        for passed in self.behaviour.inbound(event):
            effects.extend(self.inner.handle(passed))
        return self.behaviour.outbound(event.now_us, effects)

    def timers(self) -> tuple[TimerKey, ...]:
        """A behaviour sets no timers of its own."""
        return ()


def rewrite(effects: Iterable[Effect], change: Rewrite) -> list[Effect]:
    """``effects`` with every message to every receiver put through ``change``, in order."""
    done: list[Effect] = []
    for effect in effects:
        if isinstance(effect, Send):
            done.extend(Send(effect.to, message) for message in change(effect.to, effect.message))
        elif isinstance(effect, Broadcast):
            done.extend(
                Send(to, message) for to in effect.to for message in change(to, effect.message)
            )
        else:
            done.append(effect)
    return done


def sent(effects: Iterable[Effect]) -> list[Message]:
    """The messages that ``effects`` send, once each."""
    return [effect.message for effect in effects if isinstance(effect, Send | Broadcast)]
