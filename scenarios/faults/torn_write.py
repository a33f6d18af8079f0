"""``torn-write``: a crash in the middle of writing leaves a part of it behind."""

from __future__ import annotations

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Primitive, TornDisk


class TornWrite(NodeFault, frozen=True, kw_only=True, tag="torn-write"):
    """If the machine crashes meanwhile, of what was written but not synced each file keeps a
    beginning of any number of bytes, which may end inside a record. It lies beyond the durable
    mark, so what is torn is cut off when the node boots, and nothing that was acknowledged is
    lost (rule 25)."""

    def primitives(self) -> tuple[Primitive, ...]:
        return (TornDisk(nodes=self.selectors()),)
