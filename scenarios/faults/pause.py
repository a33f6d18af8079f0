"""``pause``: a process that is alive but frozen, as under a debugger or a stalled hypervisor."""

from __future__ import annotations

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Freeze, Primitive


class Pause(NodeFault, frozen=True, kw_only=True, tag="pause"):
    """It does nothing, loses nothing, and knows nothing of it.

    What arrives waits in its queues, timers that run out fire when it goes on, and its disk
    finishes an fsync that nobody waits for until then.
    """

    def primitives(self) -> tuple[Primitive, ...]:
        return (Freeze(nodes=self.selectors()),)
