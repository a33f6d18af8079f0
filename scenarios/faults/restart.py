"""``restart``: a process ends and starts again, or one that a crash left down starts."""

from __future__ import annotations

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Down, Primitive
from scenarios.units import Duration

DOWNTIME_US = 100_000
"""How long a process takes to come back when the scenario doesn't say."""


class Restart(NodeFault, frozen=True, kw_only=True, tag="restart"):
    """The process is gone for ``downtime``, and boots from its disk.

    Memory is lost as in a crash, but the operating system goes on: whatever the node had
    written is kept, synced or not. A node that is down because of a crash boots at once, and
    the crash is over for it.
    """

    downtime: Duration = DOWNTIME_US

    def length_us(self) -> int | None:
        return self.downtime

    def check(self) -> None:
        if self.for_ is not None:
            raise ValueError("a restart has downtime, not for")
        if self.until is not None and self.every is None:
            raise ValueError("a restart has downtime, not until (unless with every)")
        if not self.downtime:
            raise ValueError("downtime must be above zero")

    def primitives(self) -> tuple[Primitive, ...]:
        return (Down(nodes=self.selectors(), mode="restart"),)
