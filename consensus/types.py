"""The nouns of the protocol, and the arithmetic of quorums.

Sources: Castro & Liskov, OSDI '99 section 4; PBFT rules 1 and 2. The quorum is
``ceil((n + f + 1) / 2)`` and never ``2f + 1``: the two agree only when ``n = 3f + 1``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

NodeId = str
"""A node's name, unique in a scenario: ``"sbp"``, ``"exchange-a"``."""

View = int
"""View number, from 0."""

Sequence = int
"""Sequence number of a slot, from 1; also the height of the block that fills it."""

Digest = bytes
"""A SHA-256 value, 32 bytes."""

DIGEST_SIZE: Final = 32
ZERO_DIGEST: Final = bytes(DIGEST_SIZE)


def max_faulty(n: int) -> int:
    """Largest number of hostile validators that ``n`` validators tolerate: ``floor((n-1)/3)``."""
    return (n - 1) // 3


def quorum_size(n: int) -> int:
    """Votes that decide (rule 1): any two such sets share at least one honest validator."""
    return (n + max_faulty(n) + 2) // 2  # ceil((n + f + 1) / 2)


def weak_quorum_size(n: int) -> int:
    """Votes of which at least one is honest (rule 1): ``f + 1``."""
    return max_faulty(n) + 1


class Member(msgspec.Struct, frozen=True):
    """One validator of a committee: its name and the key that its votes verify under."""

    id: NodeId
    public_key: bytes


class ScheduledChange(msgspec.Struct, frozen=True):
    """A committee that was ordered and isn't in force yet (rule 27).

    Slots up to ``effective`` (B) belong to the committee before it, all above to ``members``.
    """

    effective: Sequence
    members: tuple[Member, ...]


class Committee:
    """The validators of one epoch, in proposer order, with their quorum sizes.

    Immutable. ``primary(view)`` rotates through the members in the order given.
    """

    __slots__ = (
        "_keys",
        "_others",
        "epoch",
        "f",
        "ids",
        "members",
        "n",
        "positions",
        "quorum",
        "weak_quorum",
    )

    def __init__(self, epoch: int, members: Iterable[Member]) -> None:
        self.members: Final = tuple(members)
        self.epoch: Final = epoch
        self.ids: Final = tuple(member.id for member in self.members)
        self.n: Final = len(self.members)
        if self.n == 0:
            raise ValueError("a committee needs at least one member")
        self.f: Final = max_faulty(self.n)
        self.quorum: Final = quorum_size(self.n)
        self.weak_quorum: Final = weak_quorum_size(self.n)
        self.positions: Final[Mapping[NodeId, int]] = {
            id_: position for position, id_ in enumerate(self.ids)
        }
        if len(self.positions) != self.n:
            raise ValueError("a committee's members have distinct ids")
        self._keys: Final = {member.id: member.public_key for member in self.members}
        self._others: Final = {
            id_: tuple(other for other in self.ids if other != id_) for id_ in self.ids
        }

    def __repr__(self) -> str:
        return f"Committee(epoch={self.epoch}, ids={self.ids}, quorum={self.quorum})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Committee):
            return NotImplemented
        return self.epoch == other.epoch and self.members == other.members

    def __hash__(self) -> int:
        raise TypeError("a committee is no key: its epoch is")

    def __contains__(self, id_: object) -> bool:
        return id_ in self.positions

    def primary(self, view: View) -> NodeId:
        """The member that proposes in ``view``: ``v mod n``."""
        return self.ids[view % self.n]

    def index(self, id_: NodeId) -> int:
        """Position of ``id_`` in proposer order. Raises ``KeyError`` for a stranger."""
        return self.positions[id_]

    def position(self, id_: NodeId) -> int:
        """Like ``index``, but -1 for a stranger."""
        return self.positions.get(id_, -1)

    def public_key(self, id_: NodeId) -> bytes:
        """The key of ``id_`` in this epoch. Raises ``KeyError`` for a stranger."""
        return self._keys[id_]

    def holds(self, id_: NodeId, public_key: bytes) -> bool:
        """Whether ``id_`` is a member under this very key."""
        return self._keys.get(id_) == public_key

    def others(self, id_: NodeId) -> tuple[NodeId, ...]:
        """Everybody but ``id_``, in proposer order (all of them for a stranger)."""
        return self._others.get(id_, self.ids)
