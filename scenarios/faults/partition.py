"""``partition``: the network falls into groups that can't reach each other."""

from __future__ import annotations

from scenarios.faults import primitives
from scenarios.faults.base import Fault, Selector


class Partition(Fault, frozen=True, kw_only=True, tag="partition"):
    """Messages between groups are lost; within a group all is well.

    Validators in no group form one more. Clients in no group stay with the validator in whose
    house they are, or reach everybody. ``bridge`` nodes reach every group. ``asymmetric``: the
    first group is heard by nobody outside it, but hears the others.
    """

    groups: tuple[tuple[Selector, ...], ...]
    asymmetric: bool = False
    bridge: tuple[Selector, ...] = ()

    def check(self) -> None:
        if not self.groups or not all(self.groups):
            raise ValueError("groups needs at least one group, and none may be empty")
        named = self.selectors()
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")

    def selectors(self) -> tuple[str, ...]:
        return (*(name for group in self.groups for name in group), *self.bridge)

    def primitives(self) -> tuple[primitives.Primitive, ...]:
        return (
            primitives.Partition(groups=self.groups, bridge=self.bridge, one_way=self.asymmetric),
        )
