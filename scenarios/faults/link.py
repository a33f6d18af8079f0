"""``link``: bad lines between nodes."""

from __future__ import annotations

from scenarios.faults import primitives
from scenarios.faults.base import LineFault
from scenarios.units import Bandwidth, Duration, Probability

_CHANGES = ("loss", "latency", "bandwidth", "duplicate", "reorder", "corrupt")


class Link(LineFault, frozen=True, kw_only=True, tag="link"):
    """Changes the lines ``from`` some nodes ``to`` others, in that direction only."""

    loss: Probability | None = None
    """The share of messages that is lost, on top of the scenario's."""
    latency: Duration | None = None
    """One way, in place of the scenario's; its jitter still applies."""
    bandwidth: Bandwidth | None = None
    """Of each line by itself, behind the sender's network card."""
    duplicate: Probability | None = None
    """The share that arrives twice, in place of the scenario's."""
    reorder: Probability | None = None
    """The share that takes a further latency, in place of the scenario's."""
    corrupt: Probability | None = None
    """The share in which one field is damaged on the way (no signature fits any more)."""

    def check(self) -> None:
        if not self.from_ and not self.to:
            raise ValueError("wanted from, to or both")
        if all(getattr(self, name) is None for name in _CHANGES):
            raise ValueError(f"wanted at least one of {', '.join(_CHANGES)}")

    def primitives(self) -> tuple[primitives.Primitive, ...]:
        link = primitives.Link(
            sources=self.sources(),
            targets=self.targets(),
            loss_ppm=self.loss,
            latency_us=self.latency,
            bandwidth_bps=self.bandwidth,
            duplicate_ppm=self.duplicate,
            reorder_ppm=self.reorder,
        )
        if self.corrupt is None:
            return (link,)
        corrupt = primitives.Corrupt(
            sources=self.sources(), targets=self.targets(), ppm=self.corrupt
        )
        return (link, corrupt)
