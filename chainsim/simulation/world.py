"""The simulated world: nodes on their machines, the network between them, and what goes wrong.

    world = World(settings, recorder)
    world.add_node("mof", factory, kind="validator", role="ministry", city="islamabad")
    …
    world.add_faults(scenario.faults)
    world.submit(1_000_000, "exchange-a", operation)
    world.run(until_us, stop=world.settled)

One seed gives one run: see the parts, ``scheduler`` (the order of events), ``draws`` (chance),
``network``, ``host`` (CPU, timers, the order of effects), ``disk`` and ``director`` (faults).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chainsim.simulation import standing
from chainsim.simulation.director import Director
from chainsim.simulation.draws import Draws
from chainsim.simulation.host import Host
from chainsim.simulation.inbox import Inbox
from chainsim.simulation.key_ring import KeyRing
from chainsim.simulation.network import Network
from chainsim.simulation.place import Kind
from chainsim.simulation.scheduler import (
    CLIENT,
    FAULT,
    INSTANCE_SHIFT,
    INSTANCES,
    KERNEL,
    RECEIVER_SHIFT,
    Scheduler,
)
from chainsim.simulation.settings import SimulationError, WorldSettings
from chainsim.simulation.standing import MessageCounts, Progress
from chainsim.simulation.witness import Witness
from chainsim.trace import MessageMoved, Recorder
from consensus.effects import Area, Effect, TimerKey
from consensus.messages import Message
from consensus.misbehaviour import Misbehaviour
from consensus.types import Committee, NodeId
from nodes.byzantine import Disguise, Options
from nodes.byzantine import Draws as AttackerDraws
from nodes.durable import FORMATS, Format
from nodes.hostile_clients import Tactics
from nodes.node import Node
from scenarios.faults import Fault
from scenarios.rng import PPM

Prosecutor = Callable[[int, Misbehaviour], tuple[int, NodeId, bytes] | None]
"""(now_us, what was found) -> (when it is sent, by which client node, the operation), or None."""

Council = Callable[[NodeId, bytes, Committee], tuple[NodeId, bytes, tuple[str, ...]]]
"""(validator, its new key, committee) -> (client node that sends it, operation, co-signers)."""

Adversary = Callable[[NodeId, str, Options, AttackerDraws], Disguise]
"""(validator, behaviour, options, source of chance) -> what wraps its running node (law 5: it is
given that validator's own signer, and no other)."""

Intruder = Callable[[NodeId, str, Tactics, AttackerDraws, TimerKey], Disguise]
"""(client, attack, tactics, source of chance, timer) -> what goes on beside its honest process,
by that timer; it is given that client's own signer, and no other."""

AHEAD_FROM: Final = 16
"""Validators from which on it pays that CPUs go ahead: fewer have little to do at a time."""
STOP_CHECK_US: Final = 50_000
"""Virtual time between two questions whether the run may end."""


class World:
    """One simulated network. Build it, ``run`` it (in one go or in steps), read it.

    Nodes are added validators first, in proposer order. All boot at time 0.
    """

    def __init__(self, settings: WorldSettings, recorder: Recorder) -> None:
        self.settings: Final = settings
        self.recorder: Final = recorder
        self.scheduler: Final = Scheduler()
        self.draws: Final = Draws(settings.seed)
        self.reseeded = ""
        """What makes the names of streams others than the seed alone does; see ``reseed``."""
        self.network: Final = Network(self.scheduler, settings.network, self.draws, recorder)
        self.director: Final = Director(self)
        self.witness: Final = Witness(self)
        self.announce: Final = self.witness.signed
        """(now_us, host, message): tells that a message leaves the node."""
        self.effects: Final[dict[type[Effect], Callable[[int, Host, Any], None]]] = (
            self.witness.effects
        )
        """What is only for the record, by type of effect."""
        self.plain = False
        """Whether every event goes the long way: runs are the same, only slower."""
        self.hosts: Final[list[Host]] = [_no_host()]
        """By instance; 0 is the world itself, and no host."""
        self.validators: Final[list[Host]] = []
        """All who keep the ledger: the first committee in proposer order, then observers."""
        self.seats = 0
        """Size of the first committee."""
        self.adversary: Adversary | None = None
        """Makes disguises for validators that a fault puts in hostile hands."""
        self.intruder: Intruder | None = None
        """Makes disguises for clients that a fault has attack."""
        self.council: Council | None = None
        """Words the order of a new key for a validator, as the others carry it."""
        self.prosecutors: Final[list[Prosecutor]] = []
        """Each words what a party hands in when misbehaviour comes to light."""
        self.submissions_ahead = 0
        """Submissions that are still to be made."""
        self._stop: Callable[[], bool] | None = None
        self._checking = False
        self._started = False

    # Building

    @property
    def routes(self) -> dict[str, NodeId]:
        """Every name that a ``Send`` may use (node ids, and parties that clients speak for), with
        the node that it leads to."""
        return {name: host.id for name, host in self.network.hosts.items()}

    def add_node(
        self,
        id_: NodeId,
        factory: Callable[[], Node],
        *,
        kind: Kind,
        role: str = "",
        city: str = "",
        party: str = "",
        house: NodeId = "",
        keys: KeyRing | None = None,
        seat: bool = True,
        formats: Mapping[Area, Format] = FORMATS,
    ) -> None:
        """Adds a node. ``factory`` makes it anew at each start, and it is then sent ``Boot``.

        A validator has ``status() -> (view, active, executed, stable)``, a client the attribute
        ``outstanding``: its number of requests that aren't final; a light observer ``height``, up
        to which it is shown everything, and ``stopped``, why it goes no further. ``party`` routes
        what is sent to that name to a client (only REPLYs, if a validator has the name too);
        ``house`` is the validator beside which a client lives, so that partitions take it along.
        ``formats`` says what is on its disk. Raises ``SimulationError``.
        """
        assert not self._started, "nodes are added before the run"
        if id_ in self.network.hosts:
            raise SimulationError(f'two nodes are called "{id_}"')
        if len(self.hosts) >= INSTANCES:
            raise SimulationError(f"at most {INSTANCES - 1} nodes fit into a world")
        if kind == "validator" and len(self.validators) < len(self.hosts) - 1:
            raise SimulationError(f'validator "{id_}" comes after nodes of other kinds')
        host = Host(self, len(self.hosts), id_, kind, factory, formats)
        host.role, host.city, host.party, host.house = role, city, party, house
        host.keys = keys
        if not self.settings.network.latency.knows(city):
            raise SimulationError(f'node "{id_}": the latency matrix knows no city "{city}"')
        if kind == "client" and party:
            host.signs_as = party
        self.hosts.append(host)
        self.network.hosts[id_] = host
        if party in self.network.hosts and party != id_:
            self.network.desks[party] = id_
        elif party:
            self.network.hosts[party] = host
        if kind == "validator":
            self.validators.append(host)
            self.seats += seat

    def add_faults(self, faults: Sequence[Fault]) -> None:
        """The scenario's faults, in file order. Raises ``SimulationError`` for an unknown node."""
        for fault in faults:
            self.director.add(fault)

    def submit(
        self, at_us: int, node: NodeId, operation: bytes, cosigners: tuple[str, ...] = ()
    ) -> None:
        """Sends ``events.Submit`` to a client at ``at_us``. Raises ``KeyError`` for a stranger."""
        host = self.network.hosts[node]
        self.submissions_ahead += 1
        self.scheduler.push_own(at_us, CLIENT, self._submit, (host, operation, cosigners))

    def accused(self, now_us: int, found: Misbehaviour) -> None:
        """A validator reports misbehaviour: parties that watch for it hand it in."""
        for prosecutor in self.prosecutors:
            charge = prosecutor(now_us, found)
            if charge is not None:
                self.submit(*charge)

    def _submit(
        self, now_us: int, event_id: int, what: tuple[Host, bytes, tuple[str, ...]]
    ) -> None:
        host, operation, cosigners = what
        self.submissions_ahead -= 1
        host.submit(now_us, event_id, (operation, cosigners))

    # Running

    def go_ahead(self) -> None:
        """Before a run that nobody will stop between two events, or add faults to: CPUs may take
        the short way (``inbox``). The run is the same, unless more is recorded than milestones."""
        recorder = self.recorder
        if (
            self._started
            or self.plain
            or recorder.messages
            or recorder.work
            or not self.settings.cpu.verify_us
        ):
            return
        if len(self.validators) >= AHEAD_FROM and self.director.foreseen:
            for host in self.validators:
                host.inbox = Inbox(self, host)
            self.director.set_reach()

    def run(
        self,
        until_us: int,
        *,
        stop: Callable[[], bool] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Runs up to and including ``until_us``, or until ``stop()`` holds at a check.

        ``stop`` (usually ``world.settled``) is asked every 50 ms of virtual time, and only looks.
        ``progress`` is told every few thousand events, and can't change anything.
        """
        scheduler = self.scheduler
        self._start()
        self._stop = stop
        if stop is not None and not self._checking:
            self._check_later(scheduler.now_us)
        look = None if progress is None else lambda: progress(self.progress())
        scheduler.run(until_us, look)

    def reseed(self, name: str) -> None:
        """Between two ``run``: from here on the network, disks and liars have another chance,
        which ``name`` decides; what is submitted, which faults come when, and whom they hit, stays.
        """
        self.reseeded = f"/reseeded/{name}"
        self.draws.reseed(self.settings.seed, self.reseeded)
        self.director.reseed()

    def step(self) -> bool:
        """Runs the next event; False if that was only the question whether to stop, which goes
        on being asked as in the last ``run``."""
        self._start()
        return self.scheduler.step() != KERNEL

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for host in self.hosts[1:]:
                self.scheduler.push(0, FAULT, host.id_base, self._boot, host)

    def _check_later(self, now_us: int) -> None:
        self._checking = True
        at_us = (now_us // STOP_CHECK_US + 1) * STOP_CHECK_US
        self.scheduler.push_own(at_us, KERNEL, self._check)

    def _check(self, now_us: int, event_id: int, payload: None) -> None:
        self._checking = False
        if self._stop is None:
            return
        if self._stop():
            self.scheduler.finish(now_us, event_id, payload)
        self._check_later(now_us)

    def _boot(self, now_us: int, _event_id: int, host: Host) -> None:
        if not host.up and not self.director.holds_down(host):
            host.boot(now_us)

    # Reading

    @property
    def now_us(self) -> int:
        """Virtual time; exact whenever ``run`` isn't under way."""
        return self.scheduler.now_us

    def node(self, id_: NodeId) -> Node | None:
        """The running node, or None while it is down. Raises ``KeyError`` for an unknown id."""
        return self.network.hosts[id_].node

    def primary(self) -> Host:
        """The validator that leads the highest active view of the newest epoch that runs."""
        return standing.primary(self)

    def committee(self) -> Committee | None:
        """The newest that a running validator knows; None if none of them tells."""
        return standing.committee(self)

    def is_changing(self) -> bool:
        """Whether somewhere a change of the committee is ordered and not in force yet."""
        return standing.is_changing(self)

    def settled(self) -> bool:
        """No work is left: see ``standing``."""
        return standing.settled(self)

    def progress(self) -> Progress:
        """Where the run stands."""
        return standing.progress(self)

    def messages(self) -> MessageCounts:
        """What became of all messages so far."""
        return standing.messages(self)

    def close(self) -> None:
        """The run is over: what nodes did and no power cut can undo any more is told. (Only
        validators have disks that anything waits for.)"""
        for host in self.validators:
            host.tell_all(self.now_us)

    def discard(self) -> None:
        """Takes the world apart: it is one big cycle, whose memory would else come back only when
        the garbage collector has gone through all of it. Nothing can be asked of it afterwards."""
        self.scheduler.heap.clear()
        for host in self.hosts[1:]:
            host.discard()
        self.hosts.clear()
        self.validators.clear()
        self.network.discard()
        self.effects.clear()
        self.adversary = self.intruder = self.council = self._stop = None

    # For the parts

    def fsync_us(self, host: Host, mark: int) -> int:
        """How long the fsync takes that makes a host's first ``mark`` writes durable."""
        least_us = self.settings.disk.fsync_us
        if not least_us:
            return 0
        time_us = least_us + self.draws.below(b"fsync/%d/%d" % (host.instance, mark), least_us + 1)
        return time_us * host.fsync_factor_ppm // PPM

    def happened(self, now_us: int, event: str, host: Host) -> None:
        """Tells the director of an event that has neither view nor sequence."""
        self.director.happened(now_us, event, host, None, None)

    def trace_arrival(self, now_us: int, event_id: int, node: NodeId, message: Message) -> None:
        """Records a delivery."""
        view, sequence = message.slot()
        sender = self.hosts[event_id >> INSTANCE_SHIFT].id
        self.recorder.message(
            MessageMoved(
                now_us,
                node,
                "delivered",
                message.TYPE,
                sender,
                view,
                sequence,
                message.wire_size,
                "",
                event_id >> RECEIVER_SHIFT,
                message,
            )
        )


def _no_host() -> Any:
    """Holds the place of instance 0."""
    return None
