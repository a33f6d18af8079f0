"""Looks at the machines between two events, and touches nothing.

What no trace record says is here: the queues of CPUs and disks, which lines are cut right now,
what one validator holds in its log. Values are read when a frame is drawn.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainsim.simulation.host import Host
from chainsim.simulation.lines import CHANCE_BITS, LinkRule
from chainsim.simulation.world import World
from consensus.types import NodeId
from scenarios.rng import PPM

OPEN: Final = "·"
CUT: Final = "✗"
IMPAIRED: Final = "~"


class NodeProbe(msgspec.Struct, frozen=True, kw_only=True):
    """One validator and its machine now."""

    id: NodeId
    up: bool
    paused: bool
    hostile: bool
    halted: bool
    """It stopped for good: what it holds contradicts what a quorum shows."""
    lying_disk: bool
    """Its disk only claims to make writes durable."""
    slow: int
    """Its CPU takes this many times as long; 1: as usual."""
    slow_disk: int
    """The same of its disk."""
    view: int
    active: bool
    """False during a view change."""
    executed: int
    stable: int
    cpu_queue: int
    """Events that wait for its CPU."""
    cpu_busy_us: int
    """For how long it is busy yet."""
    disk_queue: int
    """Writes that no fsync has made durable yet."""


class Probe(msgspec.Struct, frozen=True):
    """The machines at one moment."""

    nodes: tuple[NodeProbe, ...]
    lines: tuple[str, ...]
    """A row per sender, a character per receiver: open, cut or impaired; a blank on the
    diagonal."""
    messages: int
    """Handed to the network so far, per receiver."""
    dropped: int
    causes: tuple[tuple[str, int], ...]
    """Why messages were dropped, the most frequent first."""

    def cut(self) -> frozenset[tuple[NodeId, NodeId]]:
        """Lines (from, to) on which nothing arrives."""
        ids = [node.id for node in self.nodes]
        return frozenset(
            (source, target)
            for source, row in zip(ids, self.lines, strict=True)
            for target, mark in zip(ids, row, strict=True)
            if mark == CUT
        )


def look(world: World) -> Probe:
    """Reads the world as it stands."""
    network = world.network
    causes: dict[str, int] = {}
    for (_, cause), count in network.dropped.items():
        causes[cause] = causes.get(cause, 0) + count
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    return Probe(
        tuple(_node(world, host) for host in world.validators),
        tuple(_line(world, host) for host in world.validators),
        sum(network.sent.values()),
        sum(causes.values()),
        tuple(ranked),
    )


def _node(world: World, host: Host) -> NodeProbe:
    node = host.node
    view, active, executed, stable = (0, True, 0, 0) if node is None else node.status()  # type: ignore[attr-defined]
    return NodeProbe(
        id=host.id,
        up=host.up,
        paused=host.paused,
        hostile=world.director.is_hostile(host),
        halted=bool(getattr(getattr(node, "replica", None), "halted", "")),
        lying_disk=host.disk.lies,
        slow=host.factor_ppm // PPM,
        slow_disk=host.fsync_factor_ppm // PPM,
        view=view,
        active=active,
        executed=executed,
        stable=stable,
        cpu_queue=host.ingress.waiting,
        cpu_busy_us=max(0, host.busy_until_us - world.now_us) if host.up and not host.paused else 0,
        disk_queue=host.disk.appended - host.disk.synced if host.up else 0,
    )


def _line(world: World, host: Host) -> str:
    marks = []
    for other in world.validators:
        if other is host:
            marks.append(" ")
        else:
            rules = host.rules.get(other.instance, ())
            marks.append(_mark(world.now_us, rules) if rules else OPEN)
    return "".join(marks)


def _mark(now_us: int, rules: tuple[LinkRule, ...]) -> str:
    for rule in rules:
        flapping = rule.flapping
        down = flapping is not None and flapping.is_down(now_us)
        if rule.cut or rule.clog is not None or down or rule.loss >> CHANCE_BITS:
            return CUT
    return IMPAIRED
