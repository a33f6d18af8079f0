"""The adversary model: an honest node inside, a liar around it (law 5).

A behaviour sees the events that reach its own node and the effects that its own node asks for,
and may change both. It holds its own keys, and nobody else's but those of accomplices whom the
scenario names (``collude``): it can say anything in its own name, and nothing in another's. What
everybody knows it knows too: chain id, parameters, the committee in office. It draws from its own
source, so that adding or removing it shifts no other draw.

An ``Attacker`` is all that a behaviour is given; there is no other way to the world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol, TypeVar

import msgspec

from consensus.crypto import Signer
from consensus.effects import Broadcast, Effect, Send, SetTimer, TimerKey
from consensus.events import Event, TimerFired
from consensus.messages import Message, Request, signed
from consensus.protocol import Parameters
from consensus.types import Committee, NodeId, View
from nodes.ledger.transactions import type_of
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
    clients: tuple[str, ...] = ()
    """The parties whose transactions are concerned."""
    transactions: tuple[str, ...] = ()
    """The types of transactions concerned."""
    delay_us: int = 0
    """How much too late, or too early, where that can be chosen; 0: the behaviour's own."""
    members: tuple[NodeId, ...] = ()
    """All those whom the same fault put into hostile hands, itself among them."""


class Accessory(msgspec.Struct, frozen=True):
    """An accomplice whose keys an attacker holds: the scenario names both in one coalition."""

    id: NodeId
    keys: Callable[[], tuple[Signer, ...]]


class Attacker(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a behaviour is given. Nothing else reaches it."""

    id: NodeId
    chain: bytes
    committee: Committee
    """In office, as far as its own node knows."""
    signer: Signer
    """Its key in that committee."""
    draws: Draws
    options: Options = Options()
    parameters: Parameters = Parameters()
    """The protocol's, which everybody knows."""
    keys: Callable[[], tuple[Signer, ...]] | None = None
    """All keys that it holds now, the oldest first; None: ``signer`` for ever."""
    accessories: tuple[Accessory, ...] = ()
    """Empty for all behaviours but ``collude``."""

    def sign(self, message: M) -> M:
        """``message`` in the attacker's own name; no guard stops it."""
        return signed(message, self.signer)

    def in_office(self, committee: Committee) -> Attacker:
        """The same one under another committee, with the key that it has there (rule 27)."""
        held = (self.signer,) if self.keys is None else self.keys()
        mine = _key_in(committee, self.id, held) or held[-1]
        return msgspec.structs.replace(self, committee=committee, signer=mine)

    def sign_for(self, message: M) -> M:
        """``message`` in its sender's name, with that one's key: its own or an accessory's.
        Raises ``KeyError`` for anybody else."""
        if message.sender == self.id:
            return self.sign(message)
        held = {accessory.id: accessory.keys for accessory in self.accessories}
        keys = held[message.sender]()
        return signed(message, _key_in(self.committee, message.sender, keys) or keys[-1])

    def concerns(self, request: Request) -> bool:
        """Whether the options name the request's client or type; with neither named, all are."""
        clients, kinds = self.options.clients, self.options.transactions
        if not clients and not kinds:
            return True
        return request.sender in clients or type_of(request.operation) in kinds

    def halves(self) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        """The two groups of the options, or the other members split in the middle."""
        if len(self.options.groups) >= 2:
            return self.options.groups[0], self.options.groups[1]
        others = self.committee.others(self.id)
        middle = len(others) // 2
        return others[:middle], others[middle:]


class Behaviour:
    """What a hostile node does; by default nothing wrong."""

    STOPPED_BY: ClassVar[tuple[int, ...]] = ()
    """The rules of PBFT by which it does no harm."""

    def __init__(self, attacker: Attacker) -> None:
        self.attacker = attacker

    def inbound(self, event: Event) -> Iterable[Event]:
        """What its honest part is told when ``event`` comes."""
        return (event,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        """What is done instead of what its honest part asked for."""
        return effects

    def woken(self, now_us: int) -> list[Effect]:
        """What it does when its own alarm rings (``alarm``)."""
        return []

    def alarm(self, delay_us: int) -> SetTimer:
        """To be among the effects: ``woken`` is called ``delay_us`` later. One at a time."""
        return SetTimer(self.alarm_key, max(1, delay_us))

    @property
    def alarm_key(self) -> TimerKey:
        """Its one timer beside its node's."""
        return ("alarm", type(self).__name__)


def _key_in(committee: Committee, id_: NodeId, keys: tuple[Signer, ...]) -> Signer | None:
    return next((key for key in keys if committee.holds(id_, key.public_key)), None)


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
        self._armed = False

    @property
    def id(self) -> NodeId:
        """The name of the node inside."""
        return self.inner.id

    def handle(self, event: Event) -> list[Effect]:
        """Let the honest part act on what the behaviour passes on, then distort what it does."""
        liar = self.behaviour
        committee = getattr(self.inner, "committee", None)
        if committee is not None and committee is not liar.attacker.committee:
            liar.attacker = liar.attacker.in_office(committee)
        if self._armed and isinstance(event, TimerFired) and event.key == liar.alarm_key:
            self._armed = False
            return self._noted(liar.woken(event.now_us))
        effects: list[Effect] = []
        for passed in liar.inbound(event):
            effects.extend(self.inner.handle(passed))
        return self._noted(liar.outbound(event.now_us, effects))

    def _noted(self, effects: list[Effect]) -> list[Effect]:
        key = self.behaviour.alarm_key
        self._armed = self._armed or any(
            isinstance(effect, SetTimer) and effect.key == key for effect in effects
        )
        return effects

    def timers(self) -> tuple[TimerKey, ...]:
        """The behaviour's own alarm, if it is set."""
        return (self.behaviour.alarm_key,) if self._armed else ()


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
