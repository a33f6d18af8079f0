"""``priorities``: messages to the less important nodes wait, and now and then one becomes the last.

After PCT (Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding
Bugs", ASPLOS 2010): whoever has the highest priority and something to do does it first, and at a
few change points the one at work becomes the last. Here delays stand for the strict order, as
clocks and time-outs go on. No message is lost.
"""

from __future__ import annotations

from scenarios.faults.base import Fault, Selector, Whole
from scenarios.faults.primitives import Primitive
from scenarios.faults.primitives import Priorities as Ranks
from scenarios.units import Duration


class Priorities(Fault, frozen=True, kw_only=True, tag="priorities"):
    """Messages to the first of ``order`` take their usual time, to each next one ``step`` longer
    than to the one before; to who isn't named, their usual time."""

    order: tuple[Selector, ...]
    """Nodes, the one with the highest priority first."""
    step: Duration
    """How much longer each waits than the one before."""
    changes: tuple[Whole, ...] = ()
    """Change points: the receiver of the message with this number becomes the last. Messages are
    counted from 1, over all lines to these nodes, since the fault began."""

    def check(self) -> None:
        if len(self.order) < 2:
            raise ValueError("order needs at least two nodes")
        if len(set(self.order)) < len(self.order):
            raise ValueError("order names a node twice")
        if not self.step:
            raise ValueError("step must be above zero")
        if 0 in self.changes:
            raise ValueError("changes count from 1")

    def selectors(self) -> tuple[str, ...]:
        return self.order

    def primitives(self) -> tuple[Primitive, ...]:
        return (Ranks(nodes=self.order, step_us=self.step, changes=self.changes),)
