"""``byzantine``: validators in hostile hands."""

from __future__ import annotations

from typing import ClassVar

from consensus.messages import MESSAGE_TYPES
from nodes.byzantine import BEHAVIOURS
from scenarios.faults.base import NodeFault, Selector
from scenarios.faults.primitives import Hostile, Primitive
from scenarios.units import Probability

NAMES = (*sorted(BEHAVIOURS), "twins")
_TYPES = tuple(kind.TYPE for kind in MESSAGE_TYPES)


class ByzantineFault(NodeFault, frozen=True, kw_only=True, tag="byzantine"):
    """Each of the validators behaves as ``behaviour`` says, with its own key and nobody else's.

    Without ``at`` and ``when`` it is hostile from the start; without ``for`` and ``until`` for
    ever. It stays hostile through crashes.
    """

    ALWAYS_BY_DEFAULT: ClassVar[bool] = True

    behaviour: str
    """One of nodes/byzantine: accomplice, silent, withhold, equivocate, conflicting-votes,
    stale-replay, bogus-view-change, bogus-new-view, bogus-checkpoint, bogus-state, false-proofs,
    future-flood, random-mutation, twins."""
    groups: tuple[tuple[Selector, ...], ...] = ()
    """Two groups of others that are told different things (equivocate, twins); left out: two
    halves, of twins ever new ones."""
    receivers: tuple[Selector, ...] = ()
    """The others concerned (withhold, future-flood); left out: all."""
    types: tuple[str, ...] = ()
    """Types of messages concerned (silent, withhold, false-proofs); left out: the behaviour's
    own."""
    chance: Probability = 250_000
    """How often it acts, where it doesn't always (stale-replay, bogus-view-change,
    bogus-checkpoint, bogus-state, false-proofs, random-mutation)."""

    def check(self) -> None:
        if self.behaviour not in NAMES:
            raise ValueError(
                f'no behaviour is called "{self.behaviour}"; one of {", ".join(NAMES)}'
            )
        if self.groups and (len(self.groups) != 2 or not all(self.groups)):
            raise ValueError("wanted two groups, neither empty")
        unknown = [kind for kind in self.types if kind not in _TYPES]
        if unknown:
            raise ValueError(f'no message has the type "{unknown[0]}"; one of {", ".join(_TYPES)}')

    def makes_hostile(self) -> bool:
        return True

    def primitives(self) -> tuple[Primitive, ...]:
        return (
            Hostile(
                nodes=self.selectors(),
                behaviour=self.behaviour,
                groups=self.groups,
                receivers=self.receivers,
                types=self.types,
                chance_ppm=self.chance,
            ),
        )
