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

    ``durable`` keeps what was synced, ``amnesia`` nothing; ``rejoins`` is amnesia that nobody
    notices at boot. ``restart`` keeps all that was written, as the operating system lives on; a
    node that is down already boots at once, and whatever held it down is over for it.
    """

    nodes: tuple[str, ...]
    mode: Literal["durable", "amnesia", "rejoins", "restart"] = "durable"


class Slow(Primitive, frozen=True, kw_only=True):
    """CPU work that starts on ``nodes`` takes ``factor_ppm`` millionths of its usual time."""

    nodes: tuple[str, ...]
    factor_ppm: int


class Corrupt(Primitive, frozen=True, kw_only=True):
    """On the lines from ``sources`` to ``targets``, in ``ppm`` millionths of all messages one
    field, drawn, is damaged."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    ppm: int


class Clog(Primitive, frozen=True, kw_only=True):
    """Messages from ``sources`` to ``targets`` wait until it ends, then arrive together."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]


class Flap(Primitive, frozen=True, kw_only=True):
    """A ``Cut`` for ``down_us``, then none for ``up_us``, and so on from its beginning."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    down_us: int
    up_us: int


class Mangle(Primitive, frozen=True, kw_only=True):
    """What ``scenarios.faults.mangle`` says, of the lines from ``sources`` to ``targets``.

    Exactly one of the last five is set. None, and no ``types``, match everything.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    types: tuple[str, ...]
    view: int | None
    sequence: int | None
    nth: int | None
    ppm: int
    drop: bool
    delay_us: int
    copies: int
    replay_us: int | None
    field: str | None


class Freeze(Primitive, frozen=True, kw_only=True):
    """The processes of ``nodes`` stand still, and go on when it ends."""

    nodes: tuple[str, ...]


class SlowDisk(Primitive, frozen=True, kw_only=True):
    """An fsync that starts on ``nodes`` takes ``factor_ppm`` millionths of its usual time."""

    nodes: tuple[str, ...]
    factor_ppm: int


class LyingDisk(Primitive, frozen=True, kw_only=True):
    """The disks of ``nodes`` report an fsync and keep the writes in a cache that a crash
    empties; the first fsync after it ends makes them durable."""

    nodes: tuple[str, ...]


class TornDisk(Primitive, frozen=True, kw_only=True):
    """In a crash the disks of ``nodes`` keep, of each file, a drawn number of the bytes that
    weren't synced."""

    nodes: tuple[str, ...]


class Rot(Primitive, frozen=True, kw_only=True):
    """When it begins, ``records`` durable records of a file of ``nodes`` have a bit flipped."""

    nodes: tuple[str, ...]
    area: Literal["log", "blocks"]
    records: int


class NewKey(Primitive, frozen=True, kw_only=True):
    """When it begins, each of ``nodes`` gets a further key and starts again with it."""

    nodes: tuple[str, ...]


class RecoverNext(Primitive, frozen=True, kw_only=True):
    """When it begins, the next validator in order of id is rebooted with a new key."""


class FullDisk(Primitive, frozen=True, kw_only=True):
    """A write on ``nodes`` fails and ends the process; it boots when this ends."""

    nodes: tuple[str, ...]


class PowerCut(Primitive, frozen=True, kw_only=True):
    """At the first boundary that any of ``nodes`` comes to, all of them are ``Down`` (durable).

    ``written``: right after a write to the buffer. ``synced``: right after an fsync.
    """

    nodes: tuple[str, ...]
    boundary: Literal["written", "synced"]


class Step(Primitive, frozen=True, kw_only=True):
    """The clocks of ``nodes`` are ``by_us`` ahead. ``with_timers``: whenever that sets one
    forward, its timers have that much less to go."""

    nodes: tuple[str, ...]
    by_us: int
    with_timers: bool


class Pace(Primitive, frozen=True, kw_only=True):
    """From its beginning the clocks of ``nodes`` go on by ``rate_ppm`` millionths of the time that
    passes, and their timers run by them."""

    nodes: tuple[str, ...]
    rate_ppm: int


class HostileClient(Primitive, frozen=True, kw_only=True):
    """The clients among ``nodes`` carry out an attack of ``nodes.hostile_clients`` besides: an act
    every ``interval_us`` of their clocks, the first one now."""

    nodes: tuple[str, ...]
    attack: str
    interval_us: int
    receivers: tuple[str, ...]


class Hostile(Primitive, frozen=True, kw_only=True, omit_defaults=True):
    """The validators among ``nodes`` are wrapped in a behaviour of ``nodes.byzantine``; for the
    rest see its ``Options``.

    A fault's draws are keyed by its primitives as they are encoded: a field that is added here
    needs a default, which is left out, or all hostile validators of all seeds act anew.
    """

    nodes: tuple[str, ...]
    behaviour: str
    groups: tuple[tuple[str, ...], ...]
    receivers: tuple[str, ...]
    types: tuple[str, ...]
    chance_ppm: int
    clients: tuple[str, ...] = ()
    transactions: tuple[str, ...] = ()
    delay_us: int = 0


class HostileInRound(Hostile, frozen=True, kw_only=True):
    """``Hostile`` with what only ``mutate-round`` is told. A primitive of its own, as the fields
    of a primitive key the draws of all faults that ask for it."""

    view: int | None
    field: str
    step: int


class Priorities(Primitive, frozen=True, kw_only=True):
    """Messages to the k-th of ``nodes`` (from 0) take k times ``step_us`` longer; the receiver of
    the message with one of the numbers ``changes``, counted from 1 over all lines to ``nodes``
    since it began, becomes the last of them."""

    nodes: tuple[str, ...]
    step_us: int
    changes: tuple[int, ...]
