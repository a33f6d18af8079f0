"""``crash``: a process dies; it boots again when the fault ends, if it ends."""

from __future__ import annotations

from typing import Literal

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Down, Primitive


class Crash(NodeFault, frozen=True, kw_only=True, tag="crash"):
    """A crash loses all memory, unstarted work and effects that were not yet released.

    A validator that finds its disk empty, without even the superblock that an operator made for
    its first boot, knows that it has forgotten what it signed: it stays down and says so (PBFT
    rule 25).
    """

    mode: Literal["durable", "amnesia"] = "durable"
    """``durable`` keeps the disk up to the last fsync, ``amnesia`` loses it all (PBFT.md counts
    such a validator as hostile)."""
    rejoins: bool = False
    """With amnesia: an operator gives it a new disk under its old key all the same, against rule
    25, and it can't know better."""

    def check(self) -> None:
        if self.rejoins and self.mode != "amnesia":
            raise ValueError("rejoins goes with mode = amnesia")

    def makes_hostile(self) -> bool:
        return self.mode == "amnesia"

    def primitives(self) -> tuple[Primitive, ...]:
        return (Down(nodes=self.selectors(), mode="rejoins" if self.rejoins else self.mode),)
