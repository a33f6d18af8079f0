"""What the view model knows, piece by piece: the cast, slots, blocks, view changes, faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from consensus.types import Digest, NodeId, Sequence, View, quorum_size

MILESTONES: Final = ("pre-prepare-accepted", "prepared", "committed")
"""``Reached`` events of a slot, in order."""


class Seat(msgspec.Struct, frozen=True):
    """A validator of the cast."""

    id: NodeId
    role: str
    city: str


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """What is known before the first event."""

    scenario: str
    title: str
    seed: int
    duration_us: int
    seats: tuple[Seat, ...]
    """All who keep the ledger: the first committee in proposer order, then observers."""
    members: int = 0
    """Size of the first committee; 0: all of ``seats`` are in it."""
    faults: tuple[Planned, ...] = ()
    opening: Mapping[tuple[str, str, str], int] = {}
    """(account, asset, partition) -> minor units at genesis."""

    @property
    def ids(self) -> tuple[NodeId, ...]:
        """The validators in proposer order, then observers."""
        return tuple(seat.id for seat in self.seats)

    @property
    def quorum(self) -> int:
        """Votes that decide."""
        return quorum_size(self.members or len(self.seats))

    def primary(self, view: View) -> NodeId:
        """Who proposes in ``view``."""
        return self.seats[view % (self.members or len(self.seats))].id


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of the scenario as its file says; ``from_us`` None: when something happens."""

    kind: str
    what: str
    """Whom it hits, in words."""
    from_us: int | None
    until_us: int | None
    live: bool = False
    """Somebody at the dashboard did it."""


class Slot:
    """One sequence number on its way to a block."""

    __slots__ = ("at_us", "commits", "digest", "executed", "prepares", "rivals", "stage", "view")

    def __init__(self, at_us: int, view: View, digest: Digest) -> None:
        self.at_us = at_us
        self.view = view
        self.digest = digest
        self.rivals: dict[Digest, None] = {}
        """Other digests that somebody signed for it in this view: somebody lies."""
        self.prepares = 0
        """Who signed a PREPARE for ``digest``: bits by position."""
        self.commits = 0
        self.stage: dict[str, int] = dict.fromkeys(MILESTONES, 0)
        """Who got as far as each milestone, as bits."""
        self.executed = 0


class BlockRow(msgspec.Struct):
    """A block of the chain, and who executed it (bits by position)."""

    height: Sequence
    at_us: int
    view: View
    hash: Digest
    transactions: int
    refused: int
    executed: int


class ViewChange(msgspec.Struct):
    """One move to a higher view."""

    view: View
    started_us: int
    node: NodeId
    """Who called for it first."""
    cause: str
    """Why that one did, in its own words."""
    trouble: str
    """What faults did to the primary before it: ``is down``, ``is hostile``; ``amid partition``
    or ``after partition`` where only lines were hit; empty if nothing."""
    callers: int = 0
    entered: int = 0
    entered_us: int | None = None
    """When the first one entered the view."""

    def why(self, primary: NodeId, *, past: bool = False) -> str:
        """What was wrong with the ``primary`` before; empty if faults did nothing to it."""
        if not self.trouble or self.trouble.startswith(("amid", "after")):
            return self.trouble
        words = f"{primary} {self.trouble}"
        return words.replace(" is ", " was ").replace(" has ", " had ") if past else words


class FaultRow(msgspec.Struct):
    """One window of a fault as it acts."""

    index: int
    kind: str
    nodes: tuple[NodeId, ...]
    from_us: int
    until_us: int | None = None
