"""Keeps the world as the active faults want it.

State is derived, never undone: at each change the rules of lines, the speed of CPUs and disks,
who is paused and who lies are worked out anew from the faults that are active, in the order of
the scenario file. So what overlaps composes, and healing leaves no residue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from chainsim.simulation.clock import Clock
from chainsim.simulation.clock import Pace as ClockPace
from chainsim.simulation.lines import LinkRule
from chainsim.simulation.settings import SimulationError
from chainsim.simulation.windows import Window
from consensus.effects import Effect, TimerKey
from consensus.events import Event
from nodes.byzantine import Disguise, Options
from nodes.hostile_clients import Tactics
from nodes.node import Node
from scenarios.faults.primitives import (
    EVERYBODY,
    Freeze,
    FullDisk,
    Hostile,
    HostileClient,
    HostileInRound,
    LyingDisk,
    Pace,
    Partition,
    PowerCut,
    Primitive,
    Priorities,
    Slow,
    SlowDisk,
    Step,
    TornDisk,
)
from scenarios.rng import PPM

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World


class Interpreter:
    """Applies what ``active`` windows ask for; the director keeps that list, in file order."""

    def __init__(self, world: World, active: list[Window]) -> None:
        self._world: Final = world
        self._active: Final = active

    def change(self, now_us: int, window: Window) -> None:
        """``window`` began or ended."""
        if window.rules:
            self._rewire(now_us, window)
        kinds = {type(primitive) for primitive in window.planned.primitives}
        if kinds & {Slow, SlowDisk}:
            self._pace()
        if kinds & {LyingDisk, TornDisk, FullDisk, PowerCut}:
            self._watch_disks()
        if kinds & {Step, Pace}:
            self._set_clocks(now_us, window)
        if kinds & {Hostile, HostileInRound, HostileClient}:
            for host in window.hosts:
                self._disguise(now_us, window, host)
        if Freeze in kinds:
            for host in window.hosts:
                self.freeze(now_us, host)
        self.set_reach()

    def set_reach(self) -> None:
        """How far ahead each CPU may go (``inbox``): not at all where lies are told, or where a
        write may kill somebody; else as long as a line takes."""
        world = self._world
        times_us = [
            rule.latency_us
            for window in self._active
            for _, rule in window.rules
            if rule.latency_us is not None
        ]
        if any(host.disk_watched for host in world.hosts[1:]):
            times_us.append(0)
        for host in world.validators:
            if host.inbox is not None:
                least_us = 0 if self.is_hostile(host) else world.network.least_us(host)
                host.inbox.reach_us = min([least_us, *times_us])

    # Lines

    def _rewire(self, now_us: int, window: Window) -> None:
        rules: dict[int, dict[int, list[LinkRule]]] = {}
        for each in self._active:
            for primitive, rule in each.rules:
                for source, target in self._lines(each, primitive):
                    rules.setdefault(source, {}).setdefault(target, []).append(rule)
        for host in self._world.hosts[1:]:
            lines = rules.get(host.instance, {})
            host.rules = {target: tuple(several) for target, several in lines.items()}
        for _, rule in window.rules:
            if rule.clog is None:
                continue
            if window in self._active:
                self._world.network.passage.clogs.append(rule.clog)
            else:
                self._world.network.passage.release(now_us, rule.clog)

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
        if isinstance(primitive, Priorities):
            everybody, ranked = window.hit((EVERYBODY,)), window.hit(primitive.nodes)
            return [
                (source.instance, target.instance)
                for source in everybody
                for target in ranked
                if source is not target
            ]
        return [
            (source.instance, target.instance)
            for source in window.hit(primitive.sources)  # type: ignore[attr-defined]
            for target in window.hit(primitive.targets)  # type: ignore[attr-defined]
            if source is not target
        ]

    def _sides(self, window: Window, partition: Partition) -> dict[int, int]:
        """Instance -> number of its group, of all that are on one side."""
        named = {host.id: -1 for host in window.hit(partition.bridge)}
        for number, group in enumerate(partition.groups):
            for host in window.hit(group):
                named.setdefault(host.id, number)
        for host in self._world.validators:
            named.setdefault(host.id, len(partition.groups))
        sides: dict[int, int] = {}
        for host in self._world.hosts[1:]:
            side = named.get(host.id, named.get(host.house, -1))
            if side >= 0:
                sides[host.instance] = side
        return sides

    # Machines

    def _pace(self) -> None:
        """How fast CPUs and disks are: the first in the file has the last word."""
        for host in self._world.hosts[1:]:
            host.factor_ppm = host.fsync_factor_ppm = PPM
        for window in reversed(self._active):
            for primitive in reversed(window.planned.primitives):
                if isinstance(primitive, Slow):
                    for host in window.hit(primitive.nodes):
                        host.factor_ppm = primitive.factor_ppm
                elif isinstance(primitive, SlowDisk):
                    for host in window.hit(primitive.nodes):
                        host.fsync_factor_ppm = primitive.factor_ppm

    def _set_clocks(self, now_us: int, changed: Window) -> None:
        for host in changed.hosts:
            ahead_us, paces = 0, []
            for window in self._active:
                for step in window.of(Step):
                    ahead_us += step.by_us if host in window.hit(step.nodes) else 0
                for pace in window.of(Pace):
                    if host in window.hit(pace.nodes):
                        paces.append(ClockPace(window.began_us, pace.rate_ppm))
            clock = Clock(ahead_us, tuple(paces)) if ahead_us or paces else None
            sign = 1 if changed in self._active else -1
            steps = [sign * step.by_us for step in changed.of(Step) if step.with_timers]
            host.set_clock(now_us, clock, max(0, *steps, 0))

    def _watch_disks(self) -> None:
        for host in self._world.hosts[1:]:
            host.disk.lies = host.disk_watched = False
            host.disk.tears = None
        for window in reversed(self._active):
            for primitive in window.planned.primitives:
                if not isinstance(primitive, LyingDisk | TornDisk | FullDisk | PowerCut):
                    continue
                for host in window.hit(primitive.nodes):
                    if isinstance(primitive, LyingDisk):
                        host.disk.lies = True
                    elif isinstance(primitive, TornDisk):
                        host.disk.tears = window.stream(host)
                    else:
                        host.disk_watched = True

    def freeze(self, now_us: int, host: Host) -> None:
        """Pauses or resumes a node if that is wanted and it isn't so."""
        if not host.up:
            return
        wanted = any(
            host in window.hit(freeze.nodes)
            for window in self._active
            for freeze in window.of(Freeze)
        )
        if wanted and not host.paused:
            host.pause(now_us)
        elif host.paused and not wanted:
            host.resume(now_us)

    # Hostile hands

    def is_hostile(self, host: Host) -> bool:
        """Whether a validator is in hostile hands now."""
        return any(host.instance in window.disguises for window in self._active)

    def _disguise(self, now_us: int, window: Window, host: Host) -> None:
        """``window`` takes a validator or a client over, or lets go of it."""
        forget: tuple[TimerKey, ...] = ()
        if window in self._active:
            for hostile in window.of(Hostile):
                if host.kind == "validator":
                    self._prepare(window, hostile, host)
            for attack in window.of(HostileClient):
                if host.kind == "client":
                    self._hire(window, attack, host)
        elif host.instance in window.liars:
            incarnation, liar = window.liars.pop(host.instance)
            if incarnation == host.incarnation:
                forget = liar.timers()
        if host.up:
            host.obey(self.handler(host), forget)
            if any(window.of(HostileClient)) and host.instance in window.liars:
                for key in window.liars[host.instance][1].timers():
                    host.prompt(now_us, key)

    def _prepare(self, window: Window, hostile: Hostile, host: Host) -> None:
        adversary = self._world.adversary
        if adversary is None:
            raise SimulationError("this world has nobody who could be hostile (World.adversary)")
        options = Options(
            groups=tuple(tuple(h.id for h in window.hit(group)) for group in hostile.groups),
            receivers=tuple(h.id for h in window.hit(hostile.receivers)),
            types=hostile.types,
            chance_ppm=hostile.chance_ppm,
            clients=hostile.clients,
            transactions=hostile.transactions,
            delay_us=hostile.delay_us,
            members=tuple(h.id for h in window.hosts),
        )
        if isinstance(hostile, HostileInRound):
            options = msgspec.structs.replace(
                options, view=hostile.view, field=hostile.field, step=hostile.step
            )
        window.disguises[host.instance] = adversary(
            host.id, hostile.behaviour, options, window.stream(host)
        )

    def _hire(self, window: Window, attack: HostileClient, host: Host) -> None:
        intruder = self._world.intruder
        if intruder is None:
            raise SimulationError("this world has no hostile clients (World.intruder)")
        tactics = Tactics(
            interval_us=attack.interval_us,
            receivers=tuple(h.id for h in window.hit(attack.receivers)),
        )
        number, turn = window.order
        window.disguises[host.instance] = intruder(
            host.id, attack.attack, tactics, window.stream(host), ("attack", f"{number}.{turn}")
        )

    def handler(self, host: Host) -> Callable[[Event], list[Effect]]:
        """Who takes the events of a running node: itself, or the liars around it, of which the
        first in the file is next to it."""
        assert host.node is not None
        node: Node = host.node
        for window, disguise in self._disguises_of(host):
            incarnation, liar = window.liars.get(host.instance, (0, None))
            if liar is None or incarnation != host.incarnation:
                liar = disguise(node)
                window.liars[host.instance] = host.incarnation, liar
            liar.inner = node
            node = liar
        return node.handle

    def _disguises_of(self, host: Host) -> Iterator[tuple[Window, Disguise]]:
        for window in self._active:
            disguise = window.disguises.get(host.instance)
            if disguise is not None:
                yield window, disguise
