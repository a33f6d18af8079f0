"""``crash``: a process dies; it boots again when the fault ends, if it ends."""

from __future__ import annotations

from typing import Literal

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Down, Primitive


class Crash(NodeFault, frozen=True, kw_only=True, tag="crash"):
    """A crash loses all memory, unstarted work and effects that were not yet released.

    ``mode``: ``durable`` keeps the disk up to the last fsync, ``amnesia`` loses it all (PBFT.md
    counts such a validator as hostile).
    """

    mode: Literal["durable", "amnesia"] = "durable"

    def primitives(self) -> tuple[Primitive, ...]:
        return (Down(nodes=self.selectors(), mode=self.mode),)
