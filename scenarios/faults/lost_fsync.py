"""``lost-fsync``: a disk that says "done" and has written nothing."""

from __future__ import annotations

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import LyingDisk, Primitive


class LostFsync(NodeFault, frozen=True, kw_only=True, tag="lost-fsync"):
    """What the disk claims to have synced meanwhile is gone if the machine crashes before the
    next honest fsync. The validator can't know: its durable mark lies in the same cache.

    PBFT.md counts such a validator as hostile.
    """

    def makes_hostile(self) -> bool:
        return True

    def primitives(self) -> tuple[Primitive, ...]:
        return (LyingDisk(nodes=self.selectors()),)
