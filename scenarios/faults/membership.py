"""Changes of the committee: ``add-validator``, ``remove-validator``, ``rotate-key`` (PBFT rule 27).

Each is an ordered transaction, VALIDATOR_UPDATE, that one validator proposes and all others
countersign (but the one that it is about); it takes effect at the end of the epoch that follows.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from scenarios.faults.base import NodeFault, Selector
from scenarios.faults.primitives import NewKey, Primitive

Change = Literal["add", "remove", "rotate"]

MOMENT_US = 1
LASTING: Final = frozenset(
    {"add-validator", "remove-validator", "rotate-key", "proactive-recovery", "revoke-licence"}
)
"""Kinds that change the committee, or a licence, for good: part of a scenario's plan from the
start."""


class MembershipFault(NodeFault, frozen=True, kw_only=True):
    """Base: about one node, at one moment."""

    CHANGE: ClassVar[Change]

    proposer: Selector | None = None
    """The validator whose party sends it; left out: the first that it isn't about."""

    def length_us(self) -> int | None:
        return MOMENT_US

    def check(self) -> None:
        if self.at is None or self.for_ is not None or self.until is not None:
            raise ValueError("a change of the committee is ordered at one moment: at, nothing else")
        if self.every is not None:
            raise ValueError("a change of the committee is ordered once: at, not every")
        if self.node is None:
            raise ValueError("a change of the committee is about one node")

    def selectors(self) -> tuple[str, ...]:
        assert self.node is not None
        return (self.node,)

    @property
    def about(self) -> str:
        """The node that is added, removed or given a key."""
        assert self.node is not None
        return self.node

    def primitives(self) -> tuple[Primitive, ...]:
        return ()


class AddValidator(MembershipFault, frozen=True, kw_only=True, tag="add-validator"):
    """An observer becomes a validator, last in proposer order.

    It follows the chain before, so that it can vote from its first slot on (PBFT rule 28).
    """

    CHANGE: ClassVar[Change] = "add"


class RemoveValidator(MembershipFault, frozen=True, kw_only=True, tag="remove-validator"):
    """A validator loses its seat: it goes on as an observer, its voting key erased."""

    CHANGE: ClassVar[Change] = "remove"


class RotateKey(MembershipFault, frozen=True, kw_only=True, tag="rotate-key"):
    """A validator gets a new key, in the same place of proposer order.

    Its process starts again at once, holding both keys until the change is in force. A validator
    that lost its disk, and its key with it, starts with the new one, and votes again once the
    others' committee holds it (PBFT rule 25).
    """

    CHANGE: ClassVar[Change] = "rotate"

    def primitives(self) -> tuple[Primitive, ...]:
        return (NewKey(nodes=self.selectors()),)
