"""``proactive-recovery``: validators are rebooted with new keys in turn (PBFT rule 26)."""

from __future__ import annotations

from scenarios.faults.base import Fault
from scenarios.faults.membership import MOMENT_US
from scenarios.faults.primitives import Primitive, RecoverNext


class ProactiveRecovery(Fault, frozen=True, kw_only=True, tag="proactive-recovery"):
    """From ``at`` on, ``every`` so often, the next validator in order of id starts again from what
    its disk holds, checked against the last stable checkpoint, and the others order a new key
    for it. So an intruder who went unnoticed holds a key of no use.

    A turn is put off while as many validators are down as the network can miss, or while
    another change of the committee is under way.
    """

    def length_us(self) -> int | None:
        return MOMENT_US

    def check(self) -> None:
        if self.at is None or self.every is None:
            raise ValueError("proactive recovery has at and every: its first turn and the interval")
        if self.for_ is not None:
            raise ValueError("a turn of proactive recovery is one moment: it has no for")

    def selectors(self) -> tuple[str, ...]:
        return ()

    def primitives(self) -> tuple[Primitive, ...]:
        return (RecoverNext(),)
