"""``slow``: a node's CPU takes longer over everything."""

from __future__ import annotations

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Primitive, Slow
from scenarios.units import Factor


class SlowCpu(NodeFault, frozen=True, kw_only=True, tag="slow"):
    """All CPU work that starts meanwhile takes ``factor`` times as long (10.0: ten times)."""

    factor: Factor

    def check(self) -> None:
        if self.factor == 0:
            raise ValueError("factor must be above zero")

    def primitives(self) -> tuple[Primitive, ...]:
        return (Slow(nodes=self.selectors(), factor_ppm=self.factor),)
