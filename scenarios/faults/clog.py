"""``clog``: lines that hold everything back, then release all of it at once."""

from __future__ import annotations

from scenarios.faults import primitives
from scenarios.faults.base import LineFault


class Clog(LineFault, frozen=True, kw_only=True, tag="clog"):
    """Messages handed over meanwhile arrive when it ends, all together (or in their own time,
    where that is later); what is on its way already isn't held."""

    def primitives(self) -> tuple[primitives.Primitive, ...]:
        return (primitives.Clog(sources=self.sources(), targets=self.targets()),)
