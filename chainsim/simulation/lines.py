"""Lines between nodes as the network keeps them: worked out once, and what faults do to them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chainsim.simulation.latency import Table
from chainsim.simulation.mangling import Clogged, Flapping, Mangler, Ranks
from scenarios.rng import PPM

CHANCE_BITS: Final = 20


class LinkRule(msgspec.Struct, frozen=True, kw_only=True):
    """What one active fault does to one line. ``salt`` keys its draws; None: leaves it alone.

    The rules of one line are asked in the order of the scenario file when a message is handed
    over. The first that loses or holds it decides; of those that set a latency, a bandwidth, a
    duplication or a reordering the first decides; of those that mangle, the first that matches.
    """

    cause: str
    salt: int
    cut: bool = False
    loss: int = 0
    """In units of ``2**-CHANCE_BITS``, as all chances here."""
    latency_us: int | None = None
    bandwidth_bps: int | None = None
    duplicate: int | None = None
    reorder: int | None = None
    flapping: Flapping | None = None
    corrupt: int = 0
    clog: Clogged | None = None
    mangler: Mangler | None = None
    ranks: Ranks | None = None


class Target(msgspec.Struct, frozen=True):
    """A line as its sender sees it, worked out once."""

    host: Any
    instance: int
    arrive: Any
    inbox: Any
    """Of the receiver: where it goes instead of to ``arrive``, unless that is None."""
    packed: int
    """The receiver's bits of an event id."""
    base_us: int
    spread_us: int
    table: Table


class Plan(msgspec.Struct, frozen=True):
    """The lines to a list of receivers. ``width``: words that one draw for all of them needs."""

    hosts: tuple[Any, ...]
    fast: tuple[tuple[int, Any, int, int, int], ...]
    """(word, inbox or arrive, packed, base_us, spread_us) of each target."""
    ahead: bool
    """Whether all have an inbox."""
    mixed: bool
    """Whether only some of them have."""
    width: int
    apart: bool
    """Send one by one: somebody is unknown, named twice, or the sender itself."""


def chance(ppm: int) -> int:
    """Parts per million as a threshold for ``CHANCE_BITS`` random bits, never rounded to 0."""
    return -(-(ppm << CHANCE_BITS) // PPM)
