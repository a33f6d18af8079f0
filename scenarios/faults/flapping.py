"""``flapping``: lines that go down and come up again, over and over."""

from __future__ import annotations

from scenarios.faults.base import LineFault
from scenarios.faults.primitives import Flap, Primitive
from scenarios.units import Duration


class Flapping(LineFault, frozen=True, kw_only=True, tag="flapping"):
    """The lines, in both directions, are down for ``down``, up for ``up``, and so on.

    A message that is handed over while a line is down is lost.
    """

    down: Duration
    """How long it is down each time; it begins down."""
    up: Duration
    """How long it is up each time."""
    one_way: bool = False
    """Only the direction ``from`` ``to`` flaps."""

    def check(self) -> None:
        if not self.down or not self.up:
            raise ValueError("down and up must be above zero")

    def primitives(self) -> tuple[Primitive, ...]:
        there = Flap(
            sources=self.sources(), targets=self.targets(), down_us=self.down, up_us=self.up
        )
        if self.one_way:
            return (there,)
        back = Flap(
            sources=self.targets(), targets=self.sources(), down_us=self.down, up_us=self.up
        )
        return (there, back)
