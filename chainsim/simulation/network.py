"""The simulated network: from a sender's card over a line to a receiver's queue.

A message leaves when the sender's card has put everything before it on the wire (bandwidth),
then takes the line's latency. Lines keep no order. What faults change is looked up when the
message is handed over; a line with no active fault costs one draw.
"""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from chainsim.simulation import draws
from chainsim.simulation.draws import Draws, Key
from chainsim.simulation.latency import SCALE_BITS, Table, fixed_line
from chainsim.simulation.lines import Plan, Target
from chainsim.simulation.passage import INDEX_MASK, Passage
from chainsim.simulation.scheduler import COUNTER_SHIFT, MESSAGE, RECEIVER_SHIFT, Scheduler
from chainsim.simulation.settings import NetworkSettings
from chainsim.trace import MessageMoved, Recorder
from consensus.messages import Message, Reply
from consensus.types import NodeId

if TYPE_CHECKING:
    from chainsim.simulation.host import Host

PLAN_LIMIT: Final = 256
"""Lists of receivers that one sender's lines are remembered for."""


class Network:
    """Moves messages between hosts by pushing their arrivals."""

    def __init__(
        self, scheduler: Scheduler, settings: NetworkSettings, draws_: Draws, recorder: Recorder
    ) -> None:
        self._heap = scheduler.heap
        self._settings = settings
        self._draws = draws_
        self._recorder = recorder
        self.hosts: dict[str, Host] = {}
        """By every name a ``Send`` may use: node ids and routed parties."""
        self.desks: dict[str, NodeId] = {}
        """The clients of parties whose name is a validator's: where REPLYs to them go."""
        self.passage = Passage(scheduler.heap, settings, draws_, self.drop)
        self._careful = self.passage.everywhere
        model = settings.latency
        self._table: Table = fixed_line(0, 0).table if not model.spreads else model.delays_us
        self._ns_per_kbyte = 0
        if settings.bandwidth_bps:
            self._ns_per_kbyte = 8_000_000_000_000 // settings.bandwidth_bps
        self.sent: dict[type[Message], int] = {}
        self.dropped: dict[tuple[type[Message], str], int] = {}
        self._numbers: dict[type[Message], int] = {}
        self._least_us: dict[str, int] = {}
        """By city of the receiver."""

    # Sending

    def broadcast(
        self, now_us: int, sender: Host, to: tuple[NodeId, ...], message: Message
    ) -> None:
        """Hands ``message`` to the sender's card once for each of ``to``."""
        plan = sender.last_plan if to is sender.last_to else self._plan(sender, to)
        kind = type(message)
        self.sent[kind] = self.sent.get(kind, 0) + len(to)
        key = self._key(kind, message)
        occurrence = sender.occurrences.broadcast(key, to)
        if occurrence < 0 or plan.apart:
            self._broadcast_apart(now_us, sender, to, message, key)
            return
        words = self._draws.words(
            sender.instance,
            draws.EVERYBODY,
            key,
            sender.occurrences.era(key),
            occurrence,
            plan.width,
        )
        sender.counter += 1
        event_id = sender.id_base | sender.counter << COUNTER_SHIFT
        if self._careful or sender.rules or self._recorder.messages or plan.mixed:
            for host in plan.hosts:
                target = self._target(sender, host)
                word = words[host.word]
                self._one(now_us, sender, target, message, word, event_id, key, occurrence)
            return
        heap = self._heap
        table = self._table
        per_message_ns = self._wire_ns(message)
        free_ns = max(sender.card_free_ns, now_us * 1000)
        ahead = plan.ahead
        for word, sink, packed, base_us, spread_us in plan.fast:
            free_ns += per_message_ns
            draw = table[words[word] & INDEX_MASK]
            at_us = (free_ns + 999) // 1000 + base_us + (spread_us * draw >> SCALE_BITS)
            if ahead:
                heappush(sink.arrivals, (at_us, event_id | packed, message))
                if at_us < sink.due_us:
                    sink.mind(at_us, event_id | packed)
            else:
                heappush(heap, (at_us, MESSAGE, event_id | packed, sink, message))
        sender.card_free_ns = free_ns

    def unicast(self, now_us: int, sender: Host, to: NodeId, message: Message) -> None:
        """Hands ``message`` to the sender's card for one receiver.

        A REPLY goes to a party; that of a party which is a validator too, to its desk.
        """
        kind = type(message)
        if kind is Reply:
            to = self.desks.get(to, to)
        self.sent[kind] = self.sent.get(kind, 0) + 1
        self._unicast(now_us, sender, to, message, self._key(kind, message))

    def _unicast(self, now_us: int, sender: Host, to: NodeId, message: Message, key: Key) -> None:
        host = self.hosts.get(to)
        if host is None:
            self.drop(now_us, sender.id, to, message, "unknown")
            return
        target = self._target(sender, host)
        occurrence = sender.occurrences.unicast(key, to)
        word = self._draws.words(
            sender.instance, target.instance, key, sender.occurrences.era(key), occurrence
        )[0]
        sender.counter += 1
        event_id = sender.id_base | sender.counter << COUNTER_SHIFT
        if self._careful or sender.rules or self._recorder.messages or target.host is sender:
            self._one(now_us, sender, target, message, word, event_id, key, occurrence)
            return
        free_ns = max(sender.card_free_ns, now_us * 1000) + self._wire_ns(message)
        sender.card_free_ns = free_ns
        draw = target.table[word & INDEX_MASK]
        at_us = (free_ns + 999) // 1000 + target.base_us + (target.spread_us * draw >> SCALE_BITS)
        self.passage.arrives(at_us, event_id | target.packed, target, message)

    def _broadcast_apart(
        self, now_us: int, sender: Host, to: tuple[NodeId, ...], message: Message, key: Key
    ) -> None:
        for name in to:
            self._unicast(now_us, sender, name, message, key)

    def _one(
        self,
        now_us: int,
        sender: Host,
        target: Target,
        message: Message,
        word: int,
        event_id: int,
        key: Key,
        occurrence: int,
    ) -> None:
        """One message over one line, with all that can happen to it."""
        recorder = self._recorder
        if recorder.messages:
            flight_id = (event_id | target.packed) >> RECEIVER_SHIFT
            self._moved(now_us, sender.id, "sent", target.host.id, message, "", flight_id)
        if target.host is sender:  # a loop back never reaches the card
            self.passage.arrives(now_us, event_id | target.packed, target, message)
            return
        leaves_ns = max(sender.card_free_ns, now_us * 1000) + self._wire_ns(message)
        sender.card_free_ns = leaves_ns
        if self._careful or target.instance in sender.rules:
            era = sender.occurrences.era(key)
            identity = sender.instance, target.instance, key, era, occurrence
            self.passage.carry(now_us, sender, target, message, word, event_id, identity, leaves_ns)
            return
        draw = target.table[word & INDEX_MASK]
        at_us = (leaves_ns + 999) // 1000 + target.base_us + (target.spread_us * draw >> SCALE_BITS)
        self.passage.arrives(at_us, event_id | target.packed, target, message)

    def least_us(self, host: Host) -> int:
        """What a message to ``host`` takes at least, from anywhere, over a line without faults."""
        found = self._least_us.get(host.city)
        if found is None:
            cities = {other.city: None for other in self.hosts.values()}
            lines = [self._settings.latency.line(city, host.city) for city in cities]
            found = self._least_us[host.city] = min(
                line.base_us + (line.spread_us * min(line.table) >> SCALE_BITS) for line in lines
            )
        return found

    def discard(self) -> None:
        """Forgets all hosts: see ``World.discard``."""
        self.hosts.clear()
        del self.passage

    # Lines and receivers

    def _wire_ns(self, message: Message) -> int:
        """How long the card is busy with one copy."""
        if not self._ns_per_kbyte:
            return 0
        return message.wire_size * self._ns_per_kbyte // 1000

    def _key(self, kind: type[Message], message: Message) -> Key:
        number = self._numbers.get(kind)
        if number is None:
            number = self._numbers[kind] = draws.type_number(kind)
        author = message.client if kind is Reply else message.sender  # type: ignore[attr-defined]
        peer = self.hosts.get(author)
        view, sequence = message.slot()
        return number, peer.instance if peer is not None else 0, message.epoch, view, sequence

    def _plan(self, sender: Host, to: tuple[NodeId, ...]) -> Plan:
        plan = sender.plans.get(to)
        if plan is None:
            known = tuple(self.hosts[name] for name in to if name in self.hosts)
            plan = Plan(
                hosts=known,
                fast=tuple(self._fast(sender, host) for host in known),
                width=max((host.instance for host in known), default=1),
                ahead=all(host.inbox is not None for host in known),
                mixed=len({host.inbox is None for host in known}) > 1,
                apart=len({host.instance for host in known}) < len(to) or sender in known,
            )
            if len(sender.plans) >= PLAN_LIMIT:
                sender.plans.clear()
            sender.plans[to] = plan
        sender.last_to, sender.last_plan = to, plan
        return plan

    def _fast(self, sender: Host, host: Host) -> tuple[int, Any, int, int, int]:
        settings = self._settings
        line = settings.latency.line(sender.city, host.city, settings.jitter_ppm)
        sink = host.inbox or host.arrive
        return host.word, sink, host.packed, line.base_us, line.spread_us

    def _target(self, sender: Host, host: Host) -> Target:
        target = sender.targets.get(host.instance)
        if target is None:
            settings = self._settings
            line = settings.latency.line(sender.city, host.city, settings.jitter_ppm)
            arrive = host.arrive_traced if self._recorder.messages else host.arrive
            target = sender.targets[host.instance] = Target(
                host,
                host.instance,
                arrive,
                host.inbox,
                host.packed,
                line.base_us,
                line.spread_us,
                line.table,
            )
        return target

    # Bookkeeping

    def drop(
        self, now_us: int, sender: str, to: str, message: Message, cause: str, event_id: int = 0
    ) -> None:
        """Counts a message that gets no further; ``event_id`` is that of its arrival."""
        what = (type(message), cause)
        self.dropped[what] = self.dropped.get(what, 0) + 1
        if self._recorder.messages:
            flight_id = event_id >> RECEIVER_SHIFT
            self._moved(now_us, sender, "dropped", to, message, cause, flight_id)

    def _moved(
        self,
        now_us: int,
        node: str,
        what: str,
        peer: str,
        message: Message,
        cause: str,
        flight_id: int,
    ) -> None:
        view, sequence = message.slot()
        self._recorder.message(
            MessageMoved(
                now_us,
                node,
                what,
                message.TYPE,
                peer,
                view,
                sequence,
                message.wire_size,
                cause,
                flight_id,
                message,
            )
        )
