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
"""As a selector in primitives: all nodes. No line leads from a node to itself."""


class Primitive(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all primitives."""


class Cut(Primitive, frozen=True, kw_only=True):
    """Messages from ``sources`` to ``targets`` are lost when they are handed over.

    What is on its way already arrives.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]


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
    """Changes the lines from ``sources`` to ``targets``; None leaves a property alone.

    ``latency_us`` is one way and replaces the model's; the scenario's jitter still applies.
    ``bandwidth_bps`` is of each single line, behind the sender's network card.
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

    ``durable`` keeps what was synced, ``amnesia`` nothing. ``restart`` keeps all that was
    written, as the operating system lives on; a node that is down already boots at once, and
    whatever held it down is over for it.
    """

    nodes: tuple[str, ...]
    mode: Literal["durable", "amnesia", "restart"] = "durable"


class Slow(Primitive, frozen=True, kw_only=True):
    """CPU work that starts on ``nodes`` takes ``factor_ppm`` millionths of its usual time."""

    nodes: tuple[str, ...]
    factor_ppm: int
