"""``slow-fsync``: a disk that takes its time."""

from __future__ import annotations

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Primitive, SlowDisk
from scenarios.units import Factor


class SlowFsync(NodeFault, frozen=True, kw_only=True, tag="slow-fsync"):
    """Each fsync that starts meanwhile takes ``factor`` times as long."""

    factor: Factor
    """10.0: ten times."""

    def check(self) -> None:
        if self.factor == 0:
            raise ValueError("factor must be above zero")

    def primitives(self) -> tuple[Primitive, ...]:
        return (SlowDisk(nodes=self.selectors(), factor_ppm=self.factor),)
