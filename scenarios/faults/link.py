"""``link``: bad lines between nodes."""

from __future__ import annotations

from scenarios.faults import primitives
from scenarios.faults.base import Fault
from scenarios.units import Bandwidth, Duration, Probability

Ends = str | tuple[str, ...]
"""One selector or several. Without the pattern of ``Selector``: msgspec 0.22 crashes when two
fields share a union of constrained strings."""


class Link(Fault, frozen=True, kw_only=True, tag="link"):
    """Changes the lines ``from`` some nodes ``to`` others, in that direction only.

    Left out, ``from`` or ``to`` means everybody else. ``loss`` comes on top of the scenario's;
    ``latency`` (one way), ``duplicate`` and ``reorder`` replace it; ``bandwidth`` is of each
    line by itself, behind the sender's network card.
    """

    from_: Ends = ()
    to: Ends = ()
    loss: Probability | None = None
    latency: Duration | None = None
    bandwidth: Bandwidth | None = None
    duplicate: Probability | None = None
    reorder: Probability | None = None

    def check(self) -> None:
        if not self.from_ and not self.to:
            raise ValueError("wanted from, to or both")
        changes = (self.loss, self.latency, self.bandwidth, self.duplicate, self.reorder)
        if all(change is None for change in changes):
            raise ValueError("wanted at least one of loss, latency, bandwidth, duplicate, reorder")

    def selectors(self) -> tuple[str, ...]:
        return (*_several(self.from_), *_several(self.to))

    def primitives(self) -> tuple[primitives.Primitive, ...]:
        return (
            primitives.Link(
                sources=_several(self.from_) or (primitives.EVERYBODY,),
                targets=_several(self.to) or (primitives.EVERYBODY,),
                loss_ppm=self.loss,
                latency_us=self.latency,
                bandwidth_bps=self.bandwidth,
                duplicate_ppm=self.duplicate,
                reorder_ppm=self.reorder,
            ),
        )


def _several(ends: Ends) -> tuple[str, ...]:
    return (ends,) if isinstance(ends, str) else ends
