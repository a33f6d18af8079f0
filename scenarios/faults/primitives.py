"""The few things that the world does on behalf of faults.

Node names in primitives are still selectors (``primary``, ``role:exchange``); the world
resolves them once each time a fault begins. Several rules on one link apply in the order of
the scenario file: any of them may lose a message; of those that set a latency, a bandwidth, a
duplication or a reordering, the first decides.
"""

from __future__ import annotations

from typing import Literal

import msgspec

EVERYBODY = "*"
"""As a selector in primitives: every node that the other side doesn't name."""


class Primitive(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all primitives."""


class Cut(Primitive, frozen=True, kw_only=True):
    """Messages from ``sources`` to ``targets`` are lost, from this moment on, when handed over.

    What is on its way already arrives. ``sites`` takes along the clients that live in the
    house of a validator and that nobody names.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    sites: bool = False


class Partition(Primitive, frozen=True, kw_only=True):
    """Messages between different ``groups`` are lost; ``bridge`` talks to all of them.

    Validators that nobody names form one more group. Clients that nobody names go with the
    validator in whose house they live, else they are cut off from nobody. ``one_way``: only
    messages *from the first group* are lost; it still hears the others.
    """

    groups: tuple[tuple[str, ...], ...]
    bridge: tuple[str, ...] = ()
    one_way: bool = False


class Link(Primitive, frozen=True, kw_only=True):
    """Changes the links from ``sources`` to ``targets``; None leaves a property alone.

    ``latency_us`` is one way and replaces the model's; the scenario's jitter still applies.
    ``bandwidth_bps`` is of each single link, behind the sender's network card.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    loss_ppm: int | None = None
    latency_us: int | None = None
    bandwidth_bps: int | None = None
    duplicate_ppm: int | None = None
    reorder_ppm: int | None = None


class Down(Primitive, frozen=True, kw_only=True):
    """The processes of ``nodes`` are dead; when it ends they boot from what their disk holds.

    ``durable`` keeps what was synced, ``amnesia`` keeps nothing.
    """

    nodes: tuple[str, ...]
    mode: Literal["durable", "amnesia"] = "durable"


class Bounce(Primitive, frozen=True, kw_only=True):
    """The processes of ``nodes`` end and boot ``downtime_us`` later; those that are down boot.

    The operating system survives: all that was appended to the disk is kept, synced or not.
    """

    nodes: tuple[str, ...]
    downtime_us: int


class Slow(Primitive, frozen=True, kw_only=True):
    """CPU work on ``nodes`` takes ``factor_ppm`` parts per million of its usual time."""

    nodes: tuple[str, ...]
    factor_ppm: int
