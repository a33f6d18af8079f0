"""A scenario's faults as planned, and each while it is active."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from chainsim.simulation.lines import LinkRule, chance
from chainsim.simulation.mangling import Clogged, Flapping, Mangler, Ranks
from chainsim.simulation.selectors import Selection
from nodes.byzantine import Disguise, HostileNode
from scenarios.faults import Fault
from scenarios.faults.primitives import (
    Clog,
    Corrupt,
    Cut,
    Down,
    Flap,
    Link,
    Mangle,
    Partition,
    Primitive,
    Priorities,
)
from scenarios.rng import Stream

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World

P = TypeVar("P", bound=Primitive)


class Planned:
    """A fault of the scenario, and the windows in which it is active."""

    def __init__(self, index: int, fault: Fault, name: str) -> None:
        self.index: Final = index
        self.fault: Final = fault
        self.kind: str = type(fault).__struct_config__.tag  # type: ignore[assignment]
        self.primitives: Final = fault.primitives()
        self.name: Final = name
        """The same in every run in which this fault occurs, whatever else does: keys its draws."""
        self.windows = 0
        """How often it began."""
        self.matches = 0
        """How often what it waits for has happened."""

    def salt(self, primitive: int) -> int:
        """Keys the draws of one of its primitives; above the purposes that the network uses."""
        digest = sha256(f"{self.name}/{primitive}".encode()).digest()
        return 2 + int.from_bytes(digest[:8], "big") % ((1 << 64) - 2)


class Window:
    """A fault while it is active, with the nodes that its selectors meant when it began."""

    def __init__(self, planned: Planned, world: World, now_us: int) -> None:
        self.planned: Final = planned
        self.began_us: Final = now_us
        self.order: Final = (planned.index, planned.windows)
        self.selection: Final = Selection(world, f"{planned.name}/{planned.windows}")
        self.hosts: Final = self.selection.hosts(planned.fault.selectors())
        self.held_down = {host.instance for down in self.of(Down) for host in self.hit(down.nodes)}
        """Nodes that it keeps down, by instance."""
        self.rules: Final = tuple(
            (primitive, rule)
            for number, primitive in enumerate(planned.primitives)
            if (rule := _rule(self, number, primitive, now_us)) is not None
        )
        """What it does to lines."""
        self.struck = False
        """Whether the power that it cuts is off."""
        self.disguises: Final[dict[int, Disguise]] = {}
        """By instance of the nodes that it puts in hostile hands."""
        self.liars: Final[dict[int, tuple[int, HostileNode]]] = {}
        """By instance: (incarnation of the process, what wraps its node)."""
        self._world = world
        self._streams: Final[list[tuple[str, Stream]]] = []

    def of(self, kind: type[P]) -> Iterator[P]:
        """Its primitives of one kind."""
        return (each for each in self.planned.primitives if isinstance(each, kind))

    def hit(self, selectors: Iterable[str]) -> tuple[Host, ...]:
        """Whom selectors mean, as long as it is active."""
        return self.selection.hosts(tuple(selectors))

    def stream(self, host: Host) -> Stream:
        """A source of chance of its own for what it does at one node."""
        name = f"{self.planned.name}/{self.planned.windows}/{host.id}"
        stream = Stream(self._world.settings.seed, name + self._world.reseeded)
        self._streams.append((name, stream))
        return stream

    def reseed(self) -> None:
        """What it draws from now on is another chance, as ``World.reseeded`` says."""
        for name, stream in self._streams:
            stream.reseed(self._world.settings.seed, name + self._world.reseeded)


def _rule(window: Window, number: int, primitive: Primitive, now_us: int) -> LinkRule | None:
    """What a primitive does to lines; None if nothing."""
    planned = window.planned
    salt = planned.salt(number)
    cause = planned.kind
    match primitive:
        case Cut() | Partition():
            return LinkRule(cause=cause, salt=salt, cut=True)
        case Link():
            return LinkRule(
                cause=cause,
                salt=salt,
                loss=chance(primitive.loss_ppm or 0),
                latency_us=primitive.latency_us,
                bandwidth_bps=primitive.bandwidth_bps,
                duplicate=_chance(primitive.duplicate_ppm),
                reorder=_chance(primitive.reorder_ppm),
            )
        case Flap(down_us=down_us, up_us=up_us):
            return LinkRule(cause=cause, salt=salt, flapping=Flapping(now_us, down_us, up_us))
        case Corrupt(ppm=ppm):
            return LinkRule(cause=cause, salt=salt, corrupt=chance(ppm))
        case Clog():
            return LinkRule(cause=cause, salt=salt, clog=Clogged())
        case Priorities(nodes=nodes):
            order = [host.instance for name in nodes for host in window.hit((name,))]
            ranks = Ranks(primitive, list(dict.fromkeys(order)))
            return LinkRule(cause=cause, salt=salt, ranks=ranks)
        case Mangle(ppm=ppm):
            return LinkRule(cause=cause, salt=salt, mangler=Mangler(primitive, chance(ppm)))
    return None


def _chance(ppm: int | None) -> int | None:
    return None if ppm is None else chance(ppm)
