"""``byzantine``: validators in hostile hands."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from consensus.messages import MESSAGE_TYPES
from nodes.byzantine import BEHAVIOURS, COALITION
from nodes.byzantine.mutate_round import MUTABLE
from nodes.ledger.transactions import BODIES
from scenarios.errors import did_you_mean
from scenarios.faults.base import NodeFault, Selector, Whole
from scenarios.faults.primitives import Hostile, HostileInRound, Primitive
from scenarios.genesis_spec import PartyId
from scenarios.units import Duration, Probability

NAMES = (*sorted(BEHAVIOURS), "twins")
_TYPES = tuple(kind.TYPE for kind in MESSAGE_TYPES)
IN_ROUND = "mutate-round"


class ByzantineFault(NodeFault, frozen=True, kw_only=True, tag="byzantine"):
    """Each of the validators behaves as ``behaviour`` says, with its own key and nobody else's.

    Without ``at`` and ``when`` it is hostile from the start; without ``for`` and ``until`` for
    ever. It stays hostile through crashes.
    """

    ALWAYS_BY_DEFAULT: ClassVar[bool] = True

    behaviour: str
    """One of nodes/byzantine: accomplice, silent, withhold, equivocate, wrong-digest,
    conflicting-votes, stale-replay, future-flood, delay-proposals, censor, reorder-transactions,
    bogus-view-change, bogus-new-view, bogus-checkpoint, bogus-state, false-reply, false-proofs,
    bad-block-time, wrong-allotment, random-mutation, mutate-round, twins, collude."""
    groups: tuple[tuple[Selector, ...], ...] = ()
    """Two groups of others that are told different things (equivocate, wrong-digest, collude,
    twins); left out: two halves, of twins ever new ones. Of twins also several pairs, in which a
    group may be empty or share members with the other: the first pair is for view 0, each next one
    for the next view, the last one for all views after it too."""
    receivers: tuple[Selector, ...] = ()
    """The others concerned (withhold, future-flood, mutate-round); left out: all."""
    types: tuple[str, ...] = ()
    """Types of messages concerned (silent, withhold, false-proofs, mutate-round); left out: the
    behaviour's own."""
    chance: Probability = 250_000
    """How often it acts, where it doesn't always (stale-replay, bogus-view-change,
    bogus-checkpoint, bogus-state, false-proofs, random-mutation), or which of its two lies it
    tells (bad-block-time)."""
    clients: tuple[PartyId, ...] = ()
    """Parties whose transactions are left out (censor), put first (reorder-transactions) or
    answered falsely (false-reply); left out: the first one heard of, nobody, everybody."""
    transactions: tuple[str, ...] = ()
    """Types of transactions, beside those of ``clients``."""
    delay: Duration | None = None
    """How late its proposals go out (delay-proposals; left out: three quarters of the request
    time-out), or how far ahead they are dated (bad-block-time)."""

    view: Whole | None = None
    """Only messages that name this view (mutate-round)."""
    field: str = "digest"
    """What is changed (mutate-round): view, sequence, stable, digest, batch, checkpoints,
    prepared, view_changes, pre_prepares, or all: the whole message is left out."""
    step: Annotated[int, msgspec.Meta(ge=-8, le=8)] = 1
    """By how much a number is changed (mutate-round)."""

    def check(self) -> None:
        if self.behaviour not in NAMES:
            raise ValueError(
                f'no behaviour is called "{self.behaviour}"; one of {", ".join(NAMES)}'
            )
        self._check_groups()
        if self.behaviour == COALITION and len(self.nodes) < 2:
            raise ValueError("who colludes? name two members or more in nodes")
        if self.delay == 0:
            raise ValueError("delay must be above zero")
        for kind in self.transactions:
            if kind not in BODIES:
                raise ValueError(f'no transaction is a "{kind}"{did_you_mean(kind, BODIES)}')
        unknown = [kind for kind in self.types if kind not in _TYPES]
        if unknown:
            raise ValueError(f'no message has the type "{unknown[0]}"; one of {", ".join(_TYPES)}')

        if self.field not in MUTABLE:
            raise ValueError(f'field is one of {", ".join(MUTABLE)}, not "{self.field}"')

    def _check_groups(self) -> None:
        by_view = self.behaviour == "twins" and len(self.groups) > 2
        if by_view and len(self.groups) % 2:
            raise ValueError("wanted pairs of groups: two for each view")
        if not by_view and self.groups and (len(self.groups) != 2 or not all(self.groups)):
            raise ValueError("wanted two groups, neither empty")

    def makes_hostile(self) -> bool:
        return True

    def primitives(self) -> tuple[Primitive, ...]:
        told: dict[str, Any] = {
            "nodes": self.selectors(),
            "behaviour": self.behaviour,
            "groups": self.groups,
            "receivers": self.receivers,
            "types": self.types,
            "chance_ppm": self.chance,
            "clients": self.clients,
            "transactions": self.transactions,
            "delay_us": self.delay or 0,
        }
        if self.behaviour != IN_ROUND:
            return (Hostile(**told),)
        return (HostileInRound(**told, view=self.view, field=self.field, step=self.step),)
