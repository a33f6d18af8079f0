"""The machine that a node runs on: its process, its CPU with the queues before it, its timers.

Life of an event: it arrives; an idle CPU takes it at once, a busy one later; ``handle`` runs, and
what it cost (``Compute``) keeps the CPU busy; then the effects are released, in order (see
``outbox``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from chainsim.simulation.clock import Clock
from chainsim.simulation.cpu import CLIENTS, CONSENSUS, OWN, Ingress, Item, cost_of, work_done
from chainsim.simulation.disk import Survival
from chainsim.simulation.inbox import NEVER_US, OF_CLIENTS, Inbox
from chainsim.simulation.outbox import Outbox, Table, Teller
from chainsim.simulation.place import Kind, Place
from chainsim.simulation.scheduler import COUNTER_SHIFT, DISK, INSTANCE_SHIFT, MESSAGE, Entry
from chainsim.simulation.timers import Timers
from chainsim.trace import NodeChanged, Reached
from consensus import effects as do
from consensus.effects import Area, TimerKey
from consensus.events import Boot, Event, Receive, Submit, TimerFired
from consensus.messages import Message
from consensus.types import NodeId
from nodes.durable import FORMATS, Format
from nodes.node import Node
from scenarios.rng import PPM

if TYPE_CHECKING:
    from chainsim.simulation.world import World


class Host(Place):
    """One place in the world; the node in it comes and goes."""

    # fmt: off
    __slots__ = (
        "_cpu", "_left_us", "_outbox", "_world", "begun_us", "busy_until_us", "clock", "count",
        "disk_watched", "factor_ppm", "factory", "fsync_factor_ppm", "handler", "inbox",
        "incarnation", "ingress", "kept", "node", "paused", "released", "timers", "verify_us",
        "wake_id", "work_watched",
    )
    # fmt: on

    def __init__(
        self,
        world: World,
        instance: int,
        id_: NodeId,
        kind: Kind,
        factory: Callable[[], Node],
        formats: Mapping[Area, Format] = FORMATS,
    ) -> None:
        super().__init__(instance, id_, kind, formats)
        self._world: Final = world
        self._cpu: Final = world.settings.cpu
        self.factory: Final = factory
        self.incarnation = 0
        """Changes at each start and each end of the process."""
        self.node: Node | None = None
        self.clock: Clock | None = None
        """None: right."""
        self.ingress: Final = Ingress()
        self.busy_until_us = NEVER_US
        self.factor_ppm = PPM
        """How long CPU work takes, of its usual time."""
        self.fsync_factor_ppm = PPM
        """How long an fsync takes, of its usual time."""
        self.disk_watched = False
        """Whether a fault waits for what the disk does next."""
        self.work_watched = False
        """Whether somebody wants to know what the CPU does."""
        self.paused = False
        """The process is alive, but stands still."""
        self.kept: dict[str, int] = {}
        """The most that its process kept for later, by table, in the lives that are over."""
        self._left_us = 0
        """CPU work that was left when it was paused."""
        self.inbox: Inbox | None = None
        """The short way to its CPU; None: messages go the plain one."""
        self.verify_us: Final = self._cpu.verify_us
        """What it costs to check a signature."""
        self.begun_us = 0
        """When the work began whose effects wait."""
        self.handler: Callable[[Event], list[do.Effect]] = _nobody
        """Takes the events of the running node."""
        self.count: Callable[[Message, int], int] = _more
        """The running node's short way for votes (``Validator.count``)."""
        self.released: list[do.Effect] | None = None
        """Effects of the work that the CPU is busy with."""
        self.wake_id = 0
        self.timers: Final = Timers(self)
        table: Table = {do.SetTimer: self._set_timer, do.CancelTimer: self._cancel_timer}
        self._outbox: Final = Outbox(world, self, table)

    @property
    def up(self) -> bool:
        """Whether a process runs here."""
        return self.node is not None

    @property
    def armed(self) -> dict[TimerKey, int]:
        """Timers that run, with the ids of their events."""
        return self.timers.ids

    # The process

    def boot(self, now_us: int) -> None:
        """A process starts and finds what the disk holds."""
        assert self.node is None, f"{self.id} runs already"
        if self.inbox is not None:
            self.inbox.lose(now_us)
        record = self._world.recorder.record
        self.incarnation += 1
        contents = self.disk.open()
        if contents.forgotten and not self._lost_its_key():
            self.disk.format()  # it is new again
            contents = self.disk.open()
        record(NodeChanged(now_us, self.id, "up"))
        if contents.repaired:
            record(Reached(now_us, self.id, "disk-repaired", 0, 0, b"", contents.repaired))
        if contents.forgotten:
            cause = f"{contents.forgotten}: amnesia, so its key may never vote again (rule 25)"
            record(Reached(now_us, self.id, "halted", 0, 0, b"", cause))
            record(NodeChanged(now_us, self.id, "down"))
            return
        if self.keys is not None:
            self.keys.stored()
        self.node = self.factory()
        self.work_watched = self._world.recorder.work
        self.obey(self._world.director.handler(self), ())
        self.busy_until_us = now_us
        self._work(now_us, Boot(self.local(now_us), contents.log, contents.blocks))
        if self.inbox is not None:
            self.inbox.rouse()
        self._world.director.booted(now_us, self)

    def _lost_its_key(self) -> bool:
        """Whether the disk that is lost held the only key that it may vote with."""
        return self.kind == "validator" and (self.keys is None or not self.keys.survives_amnesia())

    def kill(self, now_us: int, survival: Survival) -> None:
        """The process dies; of the disk there remains what ``survival`` says."""
        assert self.node is not None, f"{self.id} is down already"
        self.incarnation += 1
        self.kept = self.kept_most()
        self.node = None
        self.handler, self.count = _nobody, _more
        self.busy_until_us = NEVER_US
        self.paused = False
        self.released = None
        self.wake_id = 0
        self.timers.clear()
        self._outbox.died(now_us, self.disk.crash(survival))
        for action, event_id, payload in self.ingress.clear():
            if action is Receive:
                self.lose(now_us, event_id, payload, "down")
        if self.inbox is not None:
            self.inbox.lose(now_us)
        self._world.recorder.record(NodeChanged(now_us, self.id, "down"))

    def kept_most(self) -> dict[str, int]:
        """The most that its process ever kept for later, by table: a crash hides no flood."""
        held = getattr(self.node, "held", None)
        now: dict[str, int] = held() if held is not None else {}
        return {
            name: max(now.get(name, 0), self.kept.get(name, 0)) for name in {**self.kept, **now}
        }

    def pause(self, now_us: int) -> None:
        """The process stands still: what comes waits, what it was doing is not done."""
        assert self.node is not None
        assert not self.paused
        self.paused = True
        self._left_us = max(0, self.busy_until_us - now_us)
        self.busy_until_us = NEVER_US
        self.wake_id = 0
        self._world.recorder.record(NodeChanged(now_us, self.id, "paused"))

    def resume(self, now_us: int) -> None:
        """It goes on where it was."""
        assert self.node is not None
        assert self.paused
        self.paused = False
        self.busy_until_us = now_us + self._left_us
        self._world.recorder.record(NodeChanged(now_us, self.id, "resumed"))
        self._wake_at(self.busy_until_us)
        self._outbox.release(now_us)

    def discard(self) -> None:
        """Lets go of everything: see ``World.discard``."""
        self.node = None
        self.handler, self.count = _nobody, _more
        self._outbox.discard()
        self.timers.discard()
        if self.inbox is not None:
            self.inbox.discard()
        self.forget_lines()

    def obey(self, handle: Callable[[Event], list[do.Effect]], forget: Iterable[TimerKey]) -> None:
        """From now on somebody else handles the events of the running node; the timers
        ``forget`` were of whoever did so far."""
        self.handler = handle
        assert self.node is not None
        plainly = self._world.plain or self.work_watched or handle != self.node.handle
        self.count = _more if plainly else getattr(self.node, "count", _more)
        for key in forget:
            self.timers.forget(key)

    def prompt(self, now_us: int, key: TimerKey) -> None:
        """Has the running node's timer ``key`` fire now, after what is under way."""
        self.timers.set(now_us, key, 0)

    def set_clock(self, now_us: int, clock: Clock | None, unnoticed_us: int = 0) -> None:
        """From now on the node goes by another clock (None: a right one). Its timers keep the
        local time that they have left, less ``unnoticed_us`` that went by all at once."""
        before, self.clock = self.clock, clock
        self.timers.follow(now_us, before, unnoticed_us)

    def events(self) -> list[Entry]:
        """All that is still to happen, anywhere, in no order."""
        return self._world.scheduler.heap

    # Events

    def arrive(self, now_us: int, event_id: int, message: Message) -> None:
        """A message is here."""
        if self.busy_until_us > now_us:
            self._queue_message(now_us, event_id, message)
            return
        clock = self.clock
        local_us = now_us if clock is None else clock.read(now_us)
        checks = self.count(message, local_us)
        if checks >= 0:
            self._spend(now_us, checks)
            return
        effects = self.handler(Receive(local_us, message))
        if effects:
            self._finish(now_us, effects)

    def arrive_traced(self, now_us: int, event_id: int, message: Message) -> None:
        """Like ``arrive``, with a record of it."""
        if self.node is not None:
            self._world.trace_arrival(now_us, event_id, self.id, message)
        self.arrive(now_us, event_id, message)

    def submit(self, now_us: int, event_id: int, event: tuple[bytes, tuple[str, ...]]) -> None:
        """The node's user wants something done; nobody hears while the process is down."""
        if self.busy_until_us <= now_us:
            self._work(now_us, Submit(self.local(now_us), *event))
        elif self.node is not None:
            self._queue_own((Submit, event_id, event))

    def _set_timer(self, now_us: int, effect: do.SetTimer) -> None:
        self.timers.set(now_us, effect.key, effect.delay_us)

    def _cancel_timer(self, _now_us: int, effect: do.CancelTimer) -> None:
        self.timers.forget(effect.key)

    def timer_expires(self, now_us: int, event_id: int, key: TimerKey) -> None:
        """As an action: the event of a timer."""
        if not self.timers.runs(key, event_id):
            return
        if self.busy_until_us > now_us:
            self._queue_own((TimerFired, event_id, key))
        else:
            self._fire(now_us, key)

    def _fire(self, now_us: int, key: TimerKey) -> None:
        self.timers.forget(key)
        incarnation = self.incarnation
        self.tell(now_us, self._world.witness.timer_expired, key)
        self._world.happened(now_us, "timer-fired", self)
        if self.incarnation == incarnation:
            self._work(now_us, TimerFired(self.local(now_us), key))

    def _queue_message(self, now_us: int, event_id: int, message: Message) -> None:
        if self.node is None:
            self.lose(now_us, event_id, message, "down")
            return
        class_ = CLIENTS if type(message) in OF_CLIENTS else CONSENSUS
        if not self.ingress.push(class_, event_id >> INSTANCE_SHIFT, (Receive, event_id, message)):
            self.lose(now_us, event_id, message, "overflow")
        elif not self.wake_id and not self.paused:
            self._wake_at(self.busy_until_us)

    def _queue_own(self, item: Item) -> None:
        self.ingress.push(OWN, self.instance, item)
        if not self.wake_id and not self.paused:
            self._wake_at(self.busy_until_us)

    def lose(self, now_us: int, event_id: int, message: Message, cause: str) -> None:
        """A message that came this far gets no further."""
        world = self._world
        sender = world.hosts[event_id >> INSTANCE_SHIFT].id
        world.network.drop(now_us, sender, self.id, message, cause, event_id)

    # The CPU

    def local(self, now_us: int) -> int:
        """What the node's clock reads."""
        return now_us if self.clock is None else self.clock.read(now_us)

    def _work(self, now_us: int, event: Event) -> None:
        effects = self.handler(event)
        if effects:
            self._finish(now_us, effects)

    def _finish(self, now_us: int, effects: list[do.Effect]) -> None:
        """The work is charged; its effects are released when the CPU is done with it."""
        cost_us = self.cost_us(effects)
        if not cost_us:
            self._outbox.apply(now_us, effects)
            return
        self.busy_until_us = now_us + cost_us
        if self.work_watched:
            self._world.recorder.worked(work_done(now_us, self.id, cost_us, effects))
        if len(effects) > 1:
            self.released = effects
            self.begun_us = now_us
            self._wake_at(self.busy_until_us)
        elif self.ingress.waiting:
            self._wake_at(self.busy_until_us)

    def cost_us(self, effects: list[do.Effect]) -> int:
        """How long the CPU is busy with what led to ``effects``."""
        cost_us = cost_of(effects, self._cpu)
        if cost_us and self.factor_ppm != PPM:
            cost_us = cost_us * self.factor_ppm // PPM
        return cost_us

    def apply(self, now_us: int, effects: list[do.Effect]) -> None:
        """Has effects take place now."""
        self._outbox.apply(now_us, effects)

    def tell(self, now_us: int, teller: Teller, what: Any) -> None:
        """Has ``teller`` write ``what`` down as soon as no power cut can undo it."""
        self._outbox.tell(now_us, teller, what)

    def tell_all(self, now_us: int) -> None:
        """The run is over, and no power cut comes any more."""
        self._outbox.tell_all(now_us)

    def release_at(self, begun_us: int, effects: list[do.Effect], arrival: int) -> None:
        """Has the effects of work that begins at ``begun_us`` take place when the CPU is done
        with it; ``arrival``: the id of the arrival whose event that is, 0 of none."""
        self.released = effects
        self.begun_us = begun_us
        if arrival:
            self.wake_id = arrival
            assert self.inbox is not None
            self._world.scheduler.push(self.busy_until_us, MESSAGE, arrival, self.inbox.on_due)
        else:
            self._wake_at(self.busy_until_us)

    def synced_later(self, now_us: int) -> None:
        """An fsync has started; what began later than that (ahead of its time) is done later, if
        both are done at the same time."""
        if self.released and self.begun_us > now_us:
            self._wake_at(self.busy_until_us)

    def take_own(self, now_us: int) -> None:
        """The CPU takes what its own machine told it first."""
        action, event_id, payload = self.ingress.pop()
        self._take_own(now_us, action, event_id, payload)

    def _spend(self, now_us: int, verifications: int) -> None:
        """Like ``_finish``, of work that leaves no effect but its cost."""
        cost_us = verifications * self._cpu.verify_us
        if cost_us:
            if self.factor_ppm != PPM:
                cost_us = cost_us * self.factor_ppm // PPM
            self.busy_until_us = now_us + cost_us
            if self.ingress.waiting:
                self._wake_at(self.busy_until_us)

    def _wake_at(self, at_us: int) -> None:
        self.wake_id = self.push(at_us, DISK, self.wake)

    def wake(self, now_us: int, event_id: int, _payload: None) -> None:
        """The CPU is done with something."""
        if event_id != self.wake_id:
            return
        self.wake_id = 0
        effects = self.released
        if effects is not None:
            self.released = None
            self._outbox.apply(now_us, effects)
        if self.inbox is not None:
            self.inbox.advance(now_us)
            return
        while self.ingress.waiting and self.busy_until_us <= now_us:
            action, event_id, payload = self.ingress.pop()
            if action is Receive:
                local_us = self.local(now_us)
                checks = self.count(payload, local_us)
                if checks >= 0:
                    self._spend(now_us, checks)
                    continue
                effects = self.handler(Receive(local_us, payload))
                if effects:
                    self._finish(now_us, effects)
            else:
                self._take_own(now_us, action, event_id, payload)

    def _take_own(self, now_us: int, action: Any, event_id: int, payload: Any) -> None:
        if action is Submit:
            self._work(now_us, Submit(self.local(now_us), *payload))
        elif self.timers.runs(payload, event_id):
            self._fire(now_us, payload)

    def push(
        self,
        at_us: int,
        priority: int,
        action: Callable[[int, int, Any], None],
        payload: Any = None,
    ) -> int:
        """Adds an event that this instance caused; its id."""
        self.counter += 1
        event_id = self.id_base | self.counter << COUNTER_SHIFT
        heappush(self._world.scheduler.heap, (at_us, priority, event_id, action, payload))
        return event_id


def _more(_message: Message, _now_us: int) -> int:
    """There is no short way."""
    return -1


def _nobody(_event: Event) -> list[do.Effect]:
    raise AssertionError("a dead process was given an event")
