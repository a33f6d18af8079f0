"""The adversary model of clients: one's own key, and all that a party of the ledger may know.

A hostile client holds its own party's signer and nobody else's. It knows who validates and what
accounts there are, sees what is sent to its own node, and may send anything to anybody in its own
name. Any number of clients may be hostile: no property rests on one of them being honest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from consensus.crypto import Signer
from consensus.effects import Compute, Effect, Send, SetTimer, TimerKey
from consensus.events import Boot, Event, TimerFired
from consensus.messages import Message, Request, signed
from consensus.types import NodeId
from nodes.byzantine import Draws
from nodes.ledger.transactions import Money, Transaction, Transfer
from nodes.node import Node

SMALLEST: Final = 1
"""Minor units of a transfer that is only there to be one."""


class Purse(msgspec.Struct, frozen=True, kw_only=True):
    """What the attacker's party had at the beginning of the chain, and what others had."""

    account: str = ""
    """One of its own accounts; empty if it has none with a balance."""
    asset: str = ""
    amount: int = 0
    """In minor units: all that is in it."""
    others: tuple[str, ...] = ()
    """Accounts of other parties that held the same asset."""
    owners: tuple[str, ...] = ()
    """To whom each of them belongs."""


class Tactics(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario can choose about an attack."""

    interval_us: int
    """From one act to the next, in local clock."""
    receivers: tuple[NodeId, ...] = ()
    """The validators that it sends to; empty: the attack's own choice."""


class ClientAttacker(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an attack is given. Nothing else reaches it."""

    id: NodeId
    party: str
    chain: bytes
    validators: tuple[NodeId, ...]
    signer: Signer
    draws: Draws
    purse: Purse
    tactics: Tactics

    def sign(self, request: Request) -> Request:
        """``request`` under the attacker's own key, in whosever name it is."""
        return signed(request, self.signer)

    def request(self, number: int, operation: bytes) -> Request:
        """A request as an honest client would sign it."""
        return self.sign(
            Request(self.chain, 0, self.party, number, operation, self.signer.public_key)
        )

    def payment(self, number: int, target: str, amount: int = SMALLEST) -> Request:
        """A signed TRANSFER from its purse."""
        return self.request(number, self.transfer(self.purse.account, target, amount))

    def transfer(self, source: str, target: str, amount: int = SMALLEST) -> bytes:
        """The operation of a TRANSFER of the purse's asset."""
        body = Transfer(source=source, target=target, amount=Money(self.purse.asset, amount))
        return Transaction(body).encode()

    def pick(self, among: tuple[str, ...]) -> str:
        """One of several, drawn."""
        return among[self.draws.below(len(among))]


class Attack:
    """What a hostile client does, act by act."""

    def __init__(self, attacker: ClientAttacker, claim: Callable[[], int]) -> None:
        """``claim`` gives the party's next request number, which nobody else then uses."""
        self.attacker: Final = attacker
        self.claim: Final = claim

    def act(self) -> list[Effect]:
        """One act: what is signed and sent, in order."""
        raise NotImplementedError

    def to_all(self, message: Message) -> list[Effect]:
        """``message`` to each of the receivers, or to every validator."""
        receivers = self.attacker.tactics.receivers or self.attacker.validators
        return [Send(to, message) for to in receivers]


class Numbered(Node, Protocol):
    """A client that numbers its party's requests."""

    def claim_number(self) -> int:
        """The next request number, which the client then won't use itself."""
        ...


class Rogue:
    """Implements ``nodes.byzantine.HostileNode``: the honest process goes on, and an attack beside
    it, at its interval, from the moment when the timer ``key`` is set for the first time."""

    def __init__(
        self, inner: Node, make: Callable[[Callable[[], int]], Attack], key: TimerKey
    ) -> None:
        self.inner = inner
        self.key: Final = key
        self.attack: Final = make(self.claim_number)
        self._interval_us: Final = self.attack.attacker.tactics.interval_us

    @property
    def id(self) -> NodeId:
        """The name of the node inside."""
        return self.inner.id

    def claim_number(self) -> int:
        """The honest process's next number."""
        inner: Numbered = self.inner  # type: ignore[assignment]
        return inner.claim_number()

    def handle(self, event: Event) -> list[Effect]:
        """Act when it is time, and leave all else to the honest process."""
        if isinstance(event, TimerFired) and event.key == self.key:
            effects = self.attack.act()
            return [SetTimer(self.key, self._interval_us), Compute(signatures=1), *effects]
        effects = self.inner.handle(event)
        if isinstance(event, Boot):
            effects = [*effects, SetTimer(self.key, 0)]
        return effects

    def timers(self) -> tuple[TimerKey, ...]:
        """The one that the attack goes by."""
        return (self.key,)
