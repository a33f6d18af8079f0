"""``power-loss``: several machines go dark at one moment, the worst one for their disks."""

from __future__ import annotations

from typing import Literal

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import PowerCut, Primitive


class PowerLoss(NodeFault, frozen=True, kw_only=True, tag="power-loss"):
    """As soon as any of the nodes comes to a boundary of ``Persist`` after the fault began, all
    of them lose their power at once, and what wasn't synced. They boot when the fault ends.
    """

    boundary: Literal["written", "synced"] = "synced"
    """The boundary: ``written``, a record is in the buffer and not on the disk; ``synced``, an
    fsync is complete and nothing that waited for it has left yet."""

    def primitives(self) -> tuple[Primitive, ...]:
        return (PowerCut(nodes=self.selectors(), boundary=self.boundary),)
