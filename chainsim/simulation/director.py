"""Directs what goes wrong: begins and ends faults, and keeps the world as the active ones want it.

State is derived, never undone: at each change the rules of lines, the speed of CPUs and who is
down are worked out anew from the faults that are active, in the order of the scenario file. So
what overlaps composes, and healing leaves no residue.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

from chainsim.simulation.lines import LinkRule, chance
from chainsim.simulation.scheduler import COUNTER_SHIFT, FAULT
from chainsim.simulation.selectors import Selection
from chainsim.trace import FaultChanged
from consensus.encoding import encode
from scenarios.faults import Fault
from scenarios.faults.primitives import Cut, Down, Link, Partition, Primitive, Slow
from scenarios.rng import PPM

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World

_BEGIN_BIT: Final = 1 << 34
_INDEX_SHIFT: Final = 20
"""A fault's events are numbered by what they are, not by when they were scheduled; at one
moment ends come before beginnings."""


class Planned:
    """A fault of the scenario, and the windows in which it is active."""

    def __init__(self, index: int, fault: Fault, name: str) -> None:
        self.index = index
        self.fault = fault
        self.kind: str = type(fault).__struct_config__.tag  # type: ignore[assignment]
        self.primitives = fault.primitives()
        self.name = name
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

    def __init__(self, planned: Planned, world: World) -> None:
        self.planned = planned
        self.order = (planned.index, planned.windows)
        self.selection = Selection(world, f"{planned.name}/{planned.windows}")
        self.hosts = self.selection.hosts(planned.fault.selectors())
        self.held_down = {host.instance for host in self._to_hold()}

    def _to_hold(self) -> Sequence[Host]:
        downs = [p for p in self.planned.primitives if isinstance(p, Down)]
        return self.selection.hosts([name for down in downs for name in down.nodes])


class Director:
    """Schedules a scenario's faults and interprets their primitives."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._planned: list[Planned] = []
        self._active: list[Window] = []
        self._triggers: dict[str, list[Planned]] = {}
        self._twins: dict[bytes, int] = {}
        self.ahead = 0
        """Beginnings and ends that are scheduled."""

    def add(self, fault: Fault) -> None:
        """Plans the next fault of the file. Raises ``SimulationError`` for an unknown node."""
        fingerprint = sha256(encode([(type(p).__name__, p) for p in fault.primitives()])).digest()
        twin = self._twins.get(fingerprint, 0)
        self._twins[fingerprint] = twin + 1
        planned = Planned(len(self._planned), fault, f"fault/{fingerprint.hex()}/{twin}")
        fixed = [name for name in fault.selectors() if name != "primary"]
        Selection(self._world, planned.name).hosts(fixed)
        self._planned.append(planned)
        if fault.at is not None:
            self._schedule(planned, fault.at)
        elif fault.when is not None:
            self._triggers.setdefault(fault.when.event, []).append(planned)

    def holds_down(self, host: Host) -> bool:
        """Whether an active fault wants this node down."""
        return any(host.instance in window.held_down for window in self._active)

    # When

    def _schedule(self, planned: Planned, at_us: int) -> None:
        self.ahead += 1
        number = _BEGIN_BIT | planned.index << _INDEX_SHIFT | planned.windows
        self._world.scheduler.push(at_us, FAULT, number << COUNTER_SHIFT, self._on_begin, planned)

    def _on_begin(self, now_us: int, _event_id: int, planned: Planned) -> None:
        self.ahead -= 1
        self._begin(now_us, planned)
        fault = planned.fault
        if fault.every is not None:
            next_us = now_us + fault.every
            if fault.until is None or next_us < fault.until:
                self._schedule(planned, next_us)

    def _begin(self, now_us: int, planned: Planned) -> None:
        fault = planned.fault
        planned.windows += 1
        window = Window(planned, self._world)
        self._active.append(window)
        self._active.sort(key=lambda each: each.order)
        end_us = self._end_us(now_us, fault)
        if end_us is not None:
            self.ahead += 1
            number = planned.index << _INDEX_SHIFT | planned.windows
            self._world.scheduler.push(end_us, FAULT, number << COUNTER_SHIFT, self._on_end, window)
        self._record(now_us, window, True)
        self._change(now_us, window, True)

    def _end_us(self, now_us: int, fault: Fault) -> int | None:
        length_us = fault.length_us()
        if length_us is not None:
            return now_us + length_us
        if fault.until is not None:
            return max(now_us, fault.until)
        return None

    def _on_end(self, now_us: int, _event_id: int, window: Window) -> None:
        self.ahead -= 1
        self._active.remove(window)
        self._record(now_us, window, False)
        self._change(now_us, window, False)

    def _record(self, now_us: int, window: Window, active: bool) -> None:
        planned = window.planned
        nodes = tuple(host.id for host in window.hosts)
        self._world.recorder.record(
            FaultChanged(now_us, "", planned.index, planned.kind, active, nodes)
        )

    def happened(
        self, now_us: int, event: str, host: Host, view: int | None, sequence: int | None
    ) -> None:
        """Something that a fault may wait for has happened at ``host``."""
        for planned in self._triggers.get(event, ()):
            when = planned.fault.when
            assert when is not None
            if not self._matches(planned, host, view, sequence):
                continue
            planned.matches += 1
            if planned.matches == when.count:
                self._begin(now_us, planned)

    def _matches(
        self, planned: Planned, host: Host, view: int | None, sequence: int | None
    ) -> bool:
        when = planned.fault.when
        assert when is not None
        if when.view is not None and view != when.view:
            return False
        if when.sequence is not None and sequence != when.sequence:
            below = sequence is None or sequence < when.sequence
            if below or when.event != "height":
                return False
        if when.node is None:
            return True
        return host in Selection(self._world, planned.name).hosts([when.node])

    # What

    def _change(self, now_us: int, window: Window, begins: bool) -> None:
        kinds = {type(primitive) for primitive in window.planned.primitives}
        if kinds & {Cut, Partition, Link}:
            self._rewire()
        if Slow in kinds:
            self._pace()
        for primitive in window.planned.primitives:
            if isinstance(primitive, Down):
                self._process(now_us, window, primitive, begins)

    def _process(self, now_us: int, window: Window, down: Down, begins: bool) -> None:
        for host in window.selection.hosts(down.nodes):
            if not begins:
                if not host.up and not self.holds_down(host) and host.instance in window.held_down:
                    host.boot(now_us)
            elif down.mode == "restart":
                self._restart(now_us, window, host)
            else:
                survival: Literal["synced", "nothing"] = (
                    "nothing" if down.mode == "amnesia" else "synced"
                )
                if host.up:
                    host.kill(now_us, survival)
                else:
                    host.disk.crash(survival)

    def _restart(self, now_us: int, window: Window, host: Host) -> None:
        if host.up:
            host.kill(now_us, "written")
            return
        for each in self._active:
            each.held_down.discard(host.instance)
        host.boot(now_us)

    def _pace(self) -> None:
        for host in self._world.hosts[1:]:
            host.factor_ppm = PPM
        for window in reversed(self._active):  # the first in the file has the last word
            for primitive in reversed(window.planned.primitives):
                if isinstance(primitive, Slow):
                    for host in window.selection.hosts(primitive.nodes):
                        host.factor_ppm = primitive.factor_ppm

    def _rewire(self) -> None:
        rules: dict[int, dict[int, list[LinkRule]]] = {}
        for window in self._active:
            for number, primitive in enumerate(window.planned.primitives):
                rule = _rule(window.planned, number, primitive)
                if rule is None:
                    continue
                for source, target in self._lines(window, primitive):
                    rules.setdefault(source, {}).setdefault(target, []).append(rule)
        for host in self._world.hosts[1:]:
            lines = rules.get(host.instance, {})
            host.rules = {target: tuple(several) for target, several in lines.items()}

    def _lines(self, window: Window, primitive: Primitive) -> list[tuple[int, int]]:
        """The lines that a primitive is about, as (sender, receiver) instances."""
        if isinstance(primitive, Partition):
            sides = self._sides(window, primitive)
            return [
                (source, target)
                for source, side in sides.items()
                for target, other in sides.items()
                if side != other and (side == 0 or not primitive.one_way)
            ]
        assert isinstance(primitive, Cut | Link)
        return [
            (source.instance, target.instance)
            for source in window.selection.hosts(primitive.sources)
            for target in window.selection.hosts(primitive.targets)
            if source is not target
        ]

    def _sides(self, window: Window, partition: Partition) -> dict[int, int]:
        """Instance -> number of its group, of all that are on one side."""
        named = {host.id: -1 for host in window.selection.hosts(partition.bridge)}
        for number, group in enumerate(partition.groups):
            for host in window.selection.hosts(group):
                named.setdefault(host.id, number)
        for host in self._world.validators:
            named.setdefault(host.id, len(partition.groups))
        sides: dict[int, int] = {}
        for host in self._world.hosts[1:]:
            side = named.get(host.id, named.get(host.house, -1))
            if side >= 0:
                sides[host.instance] = side
        return sides


def _rule(planned: Planned, number: int, primitive: Primitive) -> LinkRule | None:
    salt = planned.salt(number)
    if isinstance(primitive, Cut | Partition):
        return LinkRule(cause=planned.kind, salt=salt, cut=True)
    if isinstance(primitive, Link):
        return LinkRule(
            cause=planned.kind,
            salt=salt,
            loss=chance(primitive.loss_ppm or 0),
            latency_us=primitive.latency_us,
            bandwidth_bps=primitive.bandwidth_bps,
            duplicate=_chance(primitive.duplicate_ppm),
            reorder=_chance(primitive.reorder_ppm),
        )
    return None


def _chance(ppm: int | None) -> int | None:
    return None if ppm is None else chance(ppm)
