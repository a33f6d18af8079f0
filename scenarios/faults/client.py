"""Hostile clients: what ``double-spend``, ``flood``, ``malformed`` and the like have in common.

A party's client does something hostile beside its honest process, with the party's own key and
nobody else's (``nodes.hostile_clients``). Such a party has no work of its own in the scenario.
"""

from __future__ import annotations

from typing import ClassVar, Final

from scenarios.faults.base import NodeFault, Selector
from scenarios.faults.primitives import HostileClient, Primitive
from scenarios.units import Rate

_HOUR_US: Final = 3_600_000_000
FASTEST_US: Final = 100
"""At most 10,000 acts a second: a faster one is more than one client's machine."""


class ClientFault(NodeFault, frozen=True, kw_only=True):
    """Base: an attack that some party's client carries out at a steady rate."""

    ATTACK: ClassVar[str]
    NEEDS_MONEY: ClassVar[int] = 1
    """How many accounts of others it wants to pay to, from one of its own; 0: it needs none."""

    rate: Rate
    """How often it acts; the first time when the fault begins."""
    receivers: tuple[Selector, ...] = ()
    """The validators that it sends to; left out: all, or the attack's own choice."""

    def check(self) -> None:
        if _HOUR_US // self.rate < FASTEST_US:
            raise ValueError("rate must be at most 10000/s")

    def primitives(self) -> tuple[Primitive, ...]:
        return (
            HostileClient(
                nodes=self.selectors(),
                attack=self.ATTACK,
                interval_us=_HOUR_US // self.rate,
                receivers=self.receivers,
            ),
        )


class DoubleSpend(ClientFault, frozen=True, kw_only=True, tag="double-spend"):
    """A client pays two others with the same money, under one request number and under two.

    Each act is three payments of all that its account held at the beginning: of all of them
    together just one can be good.
    """

    ATTACK: ClassVar[str] = "double-spend"
    NEEDS_MONEY: ClassVar[int] = 2


class Flood(ClientFault, frozen=True, kw_only=True, tag="flood"):
    """A client sends more good requests than the network can order, each to every validator."""

    ATTACK: ClassVar[str] = "flood"


class Malformed(ClientFault, frozen=True, kw_only=True, tag="malformed"):
    """A client sends what no honest one would: garbage, too long, out of range, of elsewhere."""

    ATTACK: ClassVar[str] = "malformed"
    NEEDS_MONEY: ClassVar[int] = 0


class Replay(ClientFault, frozen=True, kw_only=True, tag="replay"):
    """A client sends the same requests again, before and long after they were executed."""

    ATTACK: ClassVar[str] = "replay"


class WrongSignature(ClientFault, frozen=True, kw_only=True, tag="wrong-signature"):
    """A client spends what is others', under signatures that aren't theirs."""

    ATTACK: ClassVar[str] = "wrong-signature"


class PartialSend(ClientFault, frozen=True, kw_only=True, tag="partial-send"):
    """A client tells only some validators of its requests, and never repeats them.

    Without ``receivers`` each goes to one that is drawn.
    """

    ATTACK: ClassVar[str] = "partial-send"
