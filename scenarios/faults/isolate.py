"""``isolate``: nodes whose network cable is pulled."""

from __future__ import annotations

from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import EVERYBODY, Cut, Primitive


class Isolate(NodeFault, frozen=True, kw_only=True, tag="isolate"):
    """Each of the nodes reaches nobody and is reached by nobody, not even by one another."""

    def primitives(self) -> tuple[Primitive, ...]:
        nodes = self.selectors()
        return (
            Cut(sources=nodes, targets=(EVERYBODY,)),
            Cut(sources=(EVERYBODY,), targets=nodes),
        )
