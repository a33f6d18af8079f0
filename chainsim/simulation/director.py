"""Directs what goes wrong: when faults begin and end, and whose processes they take down.

What they do meanwhile is the business of ``interpreter``.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from chainsim.simulation.disk import Survival
from chainsim.simulation.interpreter import Interpreter
from chainsim.simulation.platter import Write
from chainsim.simulation.scheduler import COUNTER_SHIFT, FAULT
from chainsim.simulation.selectors import Selection
from chainsim.simulation.windows import Planned, Window
from chainsim.trace import FaultChanged
from consensus.effects import Effect
from consensus.encoding import encode
from consensus.events import Event
from consensus.types import NodeId
from scenarios.faults import Fault
from scenarios.faults.primitives import Down, FullDisk, NewKey, PowerCut, RecoverNext, Rot

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World

_BEGIN_BIT: Final = 1 << 34
_INDEX_SHIFT: Final = 20
"""A fault's events are numbered by what they are, not by when they were scheduled; at one
moment ends come before beginnings."""

_SURVIVAL: Final[dict[str, Survival]] = {
    "durable": "synced",
    "amnesia": "nothing",
    "rejoins": "unnoticed",
    "restart": "written",
}


class Director:
    """Schedules a scenario's faults and has their primitives interpreted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._planned: list[Planned] = []
        self._active: list[Window] = []
        self._interpreter = Interpreter(world, self._active)
        self._triggers: dict[str, list[Planned]] = {}
        self._twins: dict[bytes, int] = {}
        self._recovered = 0
        """Whose turn of proactive recovery comes next, in order of id."""
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
        begins_us = fault.begins_us()
        if begins_us is not None:
            self._schedule(planned, begins_us)
        if fault.when is not None:
            self._triggers.setdefault(fault.when.event, []).append(planned)

    @property
    def foreseen(self) -> bool:
        """Whether it is known when faults begin: none waits for something to happen."""
        return not self._triggers

    def set_reach(self) -> None:
        """How far ahead of the run each CPU may go; again at each change of a fault."""
        self._interpreter.set_reach()

    def reseed(self) -> None:
        """What active faults draw from now on is another chance."""
        for window in self._active:
            window.reseed()

    def holds_down(self, host: Host) -> bool:
        """Whether an active fault wants this node down."""
        return any(host.instance in window.held_down for window in self._active)

    def hostile(self, until_us: int) -> frozenset[NodeId] | None:
        """Before a run that ends by ``until_us``: all validators that some fault makes hostile;
        None if only the run shows whom they hit."""
        found: dict[NodeId, None] = {}
        for planned in self._planned:
            if not planned.fault.makes_hostile():
                continue
            begins_us = planned.fault.begins_us()
            if "primary" in planned.fault.selectors() and begins_us != 0:
                return None
            for window in range(1, _most_windows(planned.fault, until_us) + 1):
                selection = Selection(self._world, f"{planned.name}/{window}")
                hosts = selection.hosts(planned.fault.selectors())
                found.update((host.id, None) for host in hosts if host.kind == "validator")
        return frozenset(found)

    def is_hostile(self, host: Host) -> bool:
        """Whether a validator is in hostile hands now."""
        return self._interpreter.is_hostile(host)

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
        window = Window(planned, self._world, now_us)
        self._active.append(window)
        self._active.sort(key=lambda each: each.order)
        end_us = self._end_us(now_us, fault)
        if end_us is not None:
            self._schedule_end(window, end_us)
        self._record(now_us, window, True)
        self._change(now_us, window, True)

    def end(self, index: int, at_us: int) -> None:
        """Has fault ``index`` end at ``at_us``, which lies ahead, as if its file had said
        ``until``; it has begun, and had no end."""
        (window,) = (each for each in self._active if each.planned.index == index)
        self._schedule_end(window, at_us)

    def _schedule_end(self, window: Window, at_us: int) -> None:
        self.ahead += 1
        number = window.planned.index << _INDEX_SHIFT | window.planned.windows
        self._world.scheduler.push(at_us, FAULT, number << COUNTER_SHIFT, self._on_end, window)

    def _end_us(self, now_us: int, fault: Fault) -> int | None:
        if fault.ENDS_THEN:
            return fault.at
        length_us = fault.length_us()
        if length_us is not None:
            return now_us + length_us
        if fault.until is not None:
            return max(now_us, fault.until)
        return None

    def _on_end(self, now_us: int, _event_id: int, window: Window) -> None:
        self.ahead -= 1
        self._end(now_us, window)

    def _end(self, now_us: int, window: Window) -> None:
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
            if planned.matches != when.count:
                continue
            if planned.fault.ENDS_THEN:
                for window in [each for each in self._active if each.planned is planned]:
                    self._end(now_us, window)
            else:
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
        self._interpreter.change(now_us, window)
        for down in window.of(Down):
            for host in window.hit(down.nodes) if begins else ():
                self._take_down(now_us, window, host, down.mode)
        for brought in window.of(NewKey):
            for host in window.hit(brought.nodes) if begins else ():
                self._bring_key(now_us, host)
        if begins and any(window.of(RecoverNext)):
            self._recover_next(now_us)
        for rot in window.of(Rot):
            for host in window.hit(rot.nodes) if begins else ():
                host.disk.rot(rot.area, rot.records, window.stream(host))
        if not begins:
            self._bring_up(now_us, window)

    def _take_down(self, now_us: int, window: Window, host: Host, mode: str) -> None:
        survival = _SURVIVAL[mode]
        if host.up:
            host.kill(now_us, survival)
        elif mode == "restart":
            for each in self._active:
                each.held_down.discard(host.instance)
            host.boot(now_us)
        else:
            host.disk.crash(survival)

    def _bring_key(self, now_us: int, host: Host) -> None:
        """The process starts again with the further key, unless a fault keeps it down."""
        assert host.keys is not None, f"{host.id} signs no votes"
        committee = self._world.committee()
        seated = committee is not None and host.id in committee
        host.keys.rotate(committee.public_key(host.id) if committee and seated else None)
        if host.up:
            host.kill(now_us, "written")
        if not self.holds_down(host):
            host.boot(now_us)

    def _recover_next(self, now_us: int) -> None:
        """Rule 26: planned and unplanned down together stay within what a quorum can miss."""
        world = self._world
        committee = world.committee()
        members = [h for h in world.validators if committee is not None and h.id in committee]
        if committee is None or world.council is None or world.is_changing():
            return
        down = sum(1 for host in members if not host.up or host.paused)
        if down >= committee.n - committee.quorum:
            return
        members.sort(key=lambda host: host.id)
        first = self._recovered % len(members)
        turns = members[first:] + members[:first]
        host = next((each for each in turns if each.up and each.keys is not None), None)
        if host is None:
            return
        assert host.keys is not None
        self._recovered = members.index(host) + 1
        self._bring_key(now_us, host)
        desk, operation, cosigners = world.council(host.id, host.keys.newest.public_key, committee)
        world.submit(now_us, desk, operation, cosigners)

    def _bring_up(self, now_us: int, window: Window) -> None:
        """Boots whom ``window`` kept down and nobody else wants down."""
        for instance in sorted(window.held_down):
            host = self._world.hosts[instance]
            if not host.up and not self.holds_down(host):
                host.boot(now_us)

    # What hosts ask and tell

    def handler(self, host: Host) -> Callable[[Event], list[Effect]]:
        """Who takes the events of a node that just started."""
        return self._interpreter.handler(host)

    def booted(self, now_us: int, host: Host) -> None:
        """A process started."""
        self._interpreter.freeze(now_us, host)

    def writes(self, now_us: int, host: Host, write: Write) -> None:
        """A node writes to a disk that a fault waits at."""
        for window in self._active:
            if any(host in window.hit(full.nodes) for full in window.of(FullDisk)):
                window.held_down.add(host.instance)
                if host.up:
                    host.kill(now_us, "written")
        if host.up:
            host.disk.append(write)
            self._power_cut(now_us, host, "written")

    def synced(self, now_us: int, host: Host) -> None:
        """An fsync ended on a disk that a fault waits at."""
        self._power_cut(now_us, host, "synced")

    def _power_cut(self, now_us: int, host: Host, boundary: str) -> None:
        for window in self._active:
            for cut in window.of(PowerCut):
                if window.struck or cut.boundary != boundary or host not in window.hit(cut.nodes):
                    continue
                window.struck = True
                for victim in window.hit(cut.nodes):
                    window.held_down.add(victim.instance)
                    self._take_down(now_us, window, victim, "durable")


def _most_windows(fault: Fault, until_us: int) -> int:
    """How often a fault can begin in a run."""
    if fault.every is None:
        return 1
    assert fault.at is not None, "every goes with at"
    last_us = until_us if fault.until is None else min(until_us, fault.until)
    return max(0, last_us - fault.at) // fault.every + 1
