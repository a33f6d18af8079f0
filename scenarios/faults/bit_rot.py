"""``bit-rot``: what was durable is damaged at rest."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Primitive, Rot


class BitRot(NodeFault, frozen=True, kw_only=True, tag="bit-rot"):
    """At the moment when it begins, in records on the disk a bit flips each; the checksum shows it
    when the node boots next, unless they were written anew by then.

    Damage in the vote log is amnesia: the validator stays down and says why (rule 25), and counts
    as hostile. Damaged blocks, and those after them, are fetched again from the others; who loses
    them keeps its key and counts as honest, but a block that rots at all who held it is gone.
    """

    area: Literal["log", "blocks"] = "log"
    """Which file: the vote log, or the chain of blocks."""
    records: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    """How many records are damaged; which ones, and which bit, is drawn."""

    def makes_hostile(self) -> bool:
        return self.area == "log"

    def primitives(self) -> tuple[Primitive, ...]:
        return (Rot(nodes=self.selectors(), area=self.area, records=self.records),)
