"""``full``: a disk without room."""

from __future__ import annotations

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import FullDisk, Primitive


class Full(NodeFault, frozen=True, kw_only=True, tag="full"):
    """The next write fails. That is fatal and never retried (rule 23): the process stops there.

    When the fault ends there is room again, and the process boots with what it had written.
    """

    def primitives(self) -> tuple[Primitive, ...]:
        return (FullDisk(nodes=self.selectors()),)
