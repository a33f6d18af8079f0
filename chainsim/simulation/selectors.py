"""Who ``primary``, ``random:f`` or ``role:exchange`` is, at the moment when a fault begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainsim.simulation.settings import SimulationError
from consensus.types import max_faulty
from scenarios.faults.primitives import EVERYBODY
from scenarios.rng import Stream

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World


class Selection:
    """Resolves selectors once each: the same words mean the same nodes throughout.

    ``name`` keys the random ones.
    """

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name
        self._known: dict[str, tuple[Host, ...]] = {}

    def hosts(self, selectors: Sequence[str]) -> tuple[Host, ...]:
        """All that the selectors name, each once, in order of instance.

        Raises ``SimulationError`` for a name that nobody has.
        """
        found = {host.instance: host for name in selectors for host in self._one(name)}
        return tuple(found[instance] for instance in sorted(found))

    def _one(self, selector: str) -> tuple[Host, ...]:
        if selector not in self._known:
            self._known[selector] = self._resolve(selector)
        return self._known[selector]

    def _resolve(self, selector: str) -> tuple[Host, ...]:
        world = self._world
        if selector == EVERYBODY:
            return tuple(world.hosts[1:])
        if selector == "primary":
            return (world.primary(),)
        kind, _, value = selector.partition(":")
        if kind == "random" and value:
            seats = world.validators[: world.seats]
            count = max_faulty(world.seats) if value == "f" else int(value)
            stream = Stream(world.settings.seed, f"{self._name}/{selector}")
            return tuple(stream.sample(seats, count))
        if kind == "role" and value:
            return tuple(host for host in world.validators if host.role == value)
        if kind == "city" and value:
            return tuple(host for host in world.hosts[1:] if host.city == value)
        host = world.network.hosts.get(selector)
        if host is None:
            raise SimulationError(f'no node is called "{selector}"')
        return (host,)
