"""``late-start``: a node that isn't there from the beginning."""

from __future__ import annotations

from typing import ClassVar

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Down, Primitive


class LateStart(NodeFault, frozen=True, kw_only=True, tag="late-start"):
    """The process boots for the first time ``at`` a moment, or ``when`` something happens."""

    ENDS_THEN: ClassVar[bool] = True

    def check(self) -> None:
        if self.for_ is not None or self.until is not None or self.every is not None:
            raise ValueError("a late start has at or when: the moment when it starts")

    def primitives(self) -> tuple[Primitive, ...]:
        return (Down(nodes=self.selectors(), mode="durable"),)
