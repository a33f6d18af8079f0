"""The simulated network: from a sender's card over a line to a receiver's queue.

A message leaves when the sender's card has put everything before it on the wire (bandwidth),
then takes the line's latency. Lines keep no order. What faults change is looked up when the
message is handed over; a line with no active fault costs one draw.
"""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Final

import msgspec

from chainsim.simulation import draws
from chainsim.simulation.draws import Draws, Key
from chainsim.simulation.latency import QUANTILES, SCALE_BITS, Line, Table, fixed_line
from chainsim.simulation.lines import CHANCE_BITS, LinkRule, Plan, Target, chance
from chainsim.simulation.mangling import Clogged, Mangler, corrupted, corrupted_by
from chainsim.simulation.scheduler import (
    COPIES,
    COUNTER_SHIFT,
    MESSAGE,
    RECEIVER_SHIFT,
    Scheduler,
)
from chainsim.simulation.settings import NetworkSettings
from chainsim.trace import MessageMoved, Recorder
from consensus.messages import Message, Reply
from consensus.types import NodeId
from scenarios.rng import PPM

if TYPE_CHECKING:
    from chainsim.simulation.host import Host

_CHANCE_MASK: Final = (1 << CHANCE_BITS) - 1
_INDEX_MASK: Final = QUANTILES - 1
_JITTER_SHIFT: Final = 12
_LOSS_SHIFT: Final = 24
_DUPLICATE_SHIFT: Final = 44
"""A draw's word: 12 bits latency, 12 bits jitter, 20 bits loss, 20 bits duplication."""

PLAN_LIMIT: Final = 256
"""Lists of receivers that one sender's lines are remembered for."""


Identity = tuple[int, int, Key, int, int]
"""(sender, receiver, key, era, occurrence): what a message's draws are keyed by."""


class Flight(msgspec.Struct):
    """One message on its way over a line with faults, as the rules leave it."""

    message: Message
    cause: str = ""
    """Why it is lost; empty if it isn't."""
    clog: Clogged | None = None
    """What holds it back."""
    mangler: Mangler | None = None
    """The one that acts on it."""


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
        self._loss = chance(settings.loss_ppm)
        self._duplicate = chance(settings.duplicate_ppm)
        self._reorder = chance(settings.reorder_ppm)
        model = settings.latency
        self._model_jitters = model.spreads and settings.jitter_ppm > 0
        self._table: Table = fixed_line(0, 0).table if not model.spreads else model.delays_us
        self._careful = bool(self._loss or self._duplicate or self._reorder or self._model_jitters)
        self._ns_per_kbyte = 0
        if settings.bandwidth_bps:
            self._ns_per_kbyte = 8_000_000_000_000 // settings.bandwidth_bps
        self._line_free_ns: dict[tuple[int, int], int] = {}
        self.clogs: list[Clogged] = []
        """Those that hold messages back."""
        self.sent: dict[type[Message], int] = {}
        self.dropped: dict[tuple[type[Message], str], int] = {}
        self.duplicated: dict[type[Message], int] = {}
        self._numbers: dict[type[Message], int] = {}

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
        if self._careful or sender.rules or self._recorder.messages:
            for target in plan.targets:
                self._one(
                    now_us,
                    sender,
                    target,
                    message,
                    words[target.instance - 1],
                    event_id,
                    key,
                    occurrence,
                )
            return
        heap = self._heap
        table = self._table
        per_message_ns = self._wire_ns(message)
        free_ns = max(sender.card_free_ns, now_us * 1000)
        for word, arrive, packed, base_us, spread_us in plan.fast:
            free_ns += per_message_ns
            draw = table[words[word] & _INDEX_MASK]
            at_us = (free_ns + 999) // 1000 + base_us + (spread_us * draw >> SCALE_BITS)
            heappush(heap, (at_us, MESSAGE, event_id | packed, arrive, message))
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
        target = sender.targets.get(to)
        if target is None:
            host = self.hosts.get(to)
            if host is None:
                self.drop(now_us, sender.id, to, message, "unknown")
                return
            target = sender.targets[to] = self._target(sender, host)
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
        draw = target.table[word & _INDEX_MASK]
        at_us = (free_ns + 999) // 1000 + target.base_us + (target.spread_us * draw >> SCALE_BITS)
        heappush(self._heap, (at_us, MESSAGE, event_id | target.packed, target.arrive, message))

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
            heappush(
                self._heap, (now_us, MESSAGE, event_id | target.packed, target.arrive, message)
            )
            return
        leaves_ns = max(sender.card_free_ns, now_us * 1000) + self._wire_ns(message)
        sender.card_free_ns = leaves_ns
        rules = sender.rules.get(target.instance)
        line: Target | Line = target
        table = target.table
        if rules is None and not self._careful:
            at_us = (leaves_ns + 999) // 1000 + self._latency_us(line, table, word)
            heappush(self._heap, (at_us, MESSAGE, event_id | target.packed, target.arrive, message))
            return
        duplicate, reorder = self._duplicate, self._reorder
        identity = sender.instance, target.instance, key, sender.occurrences.era(key), occurrence
        flight = None
        if rules:
            flight = self._under(rules, identity, message, now_us)
            if flight.cause:
                event_id |= target.packed
                self.drop(now_us, sender.id, target.host.id, message, flight.cause, event_id)
                return
            line, table = self._line_under(rules, target)
            leaves_ns = self._line_leaves_ns(rules, sender, target, message, leaves_ns)
            duplicate = next((r.duplicate for r in rules if r.duplicate is not None), duplicate)
            reorder = next((r.reorder for r in rules if r.reorder is not None), reorder)
        if word >> _LOSS_SHIFT & _CHANCE_MASK < self._loss:
            event_id |= target.packed
            self.drop(now_us, sender.id, target.host.id, message, "loss", event_id)
            return
        leaves_us = (leaves_ns + 999) // 1000
        times_us = [leaves_us + self._latency_us(line, table, word)]
        copies = word >> _DUPLICATE_SHIFT < duplicate
        if copies or reorder:
            again = self._draws.words(*identity, 2, draws.AGAIN)
            if again[0] >> _LOSS_SHIFT & _CHANCE_MASK < reorder:
                times_us[0] += self._latency_us(line, table, again[0])
            if copies:
                times_us.append(leaves_us + self._latency_us(line, table, again[1]))
        if flight is not None and flight.mangler is not None:
            self._retime(flight.mangler, identity, times_us, leaves_us, line, table)
        if len(times_us) > 1:
            extra = len(times_us) - 1
            self.duplicated[type(message)] = self.duplicated.get(type(message), 0) + extra
        event_id |= target.packed
        if flight is not None:
            message = flight.message
            if flight.clog is not None:
                for copy, at_us in enumerate(times_us):
                    flight.clog.held.append((at_us, event_id | copy, target.arrive, message))
                return
        for copy, at_us in enumerate(times_us):
            heappush(self._heap, (at_us, MESSAGE, event_id | copy, target.arrive, message))

    def release(self, now_us: int, clog: Clogged) -> None:
        """A clog ends: all that it held arrives now, or in its own time if that is later."""
        self.clogs.remove(clog)
        for at_us, event_id, arrive, message in clog.held:
            heappush(self._heap, (max(at_us, now_us), MESSAGE, event_id, arrive, message))

    def discard(self) -> None:
        """Forgets all hosts: see ``World.discard``."""
        self.hosts.clear()
        self.clogs.clear()

    # What rules do to a line

    def _under(
        self, rules: tuple[LinkRule, ...], identity: Identity, message: Message, now_us: int
    ) -> Flight:
        """What the rules of its line do to a message, in their order, up to the first that
        loses or holds it."""
        flight = Flight(message)
        for rule in rules:
            if rule.cut or (rule.loss and self._happens(rule.loss, rule, identity)):
                flight.cause = rule.cause
            elif rule.flapping is not None:
                flight.cause = rule.cause if rule.flapping.is_down(now_us) else ""
            elif rule.corrupt and self._happens(rule.corrupt, rule, identity):
                draw = self._draws.words(*identity, 2, rule.salt)[1]
                flight.message = corrupted_by(flight.message, draw)
            elif rule.mangler is not None and flight.mangler is None:
                self._mangle(rule, rule.mangler, identity, flight)
            elif rule.clog is not None:
                flight.clog = rule.clog
            if flight.cause or flight.clog is not None:
                break
        return flight

    def _happens(self, chance_: int, rule: LinkRule, identity: Identity) -> bool:
        word = self._draws.words(*identity, 1, rule.salt)[0]
        return word >> _LOSS_SHIFT & _CHANCE_MASK < chance_

    def _mangle(self, rule: LinkRule, mangler: Mangler, identity: Identity, flight: Flight) -> None:
        if not mangler.matches(flight.message):
            return
        if not self._happens(mangler.chance, rule, identity):
            return
        flight.mangler = mangler
        if mangler.action.drop:
            flight.cause = rule.cause
        elif mangler.action.field is not None:
            flight.message = corrupted(flight.message, mangler.action.field)

    def _retime(
        self,
        mangler: Mangler,
        identity: Identity,
        times_us: list[int],
        leaves_us: int,
        line: Target | Line,
        table: Table,
    ) -> None:
        """Delays what a ``mangle`` delays, and adds the copies that it makes."""
        action = mangler.action
        if action.delay_us:
            times_us[:] = [at_us + action.delay_us for at_us in times_us]
        if action.copies:
            words = self._draws.words(*identity, 2 + action.copies, draws.AGAIN)[2:]
            times_us += [leaves_us + self._latency_us(line, table, word) for word in words]
        if action.replay_us is not None:
            times_us.append(times_us[0] + action.replay_us)
        assert len(times_us) <= COPIES, "the copies of a message have four bits of an event id"

    def _line_under(
        self, rules: tuple[LinkRule, ...], target: Target
    ) -> tuple[Target | Line, Table]:
        for rule in rules:
            if rule.latency_us is not None:
                line = fixed_line(rule.latency_us, self._settings.jitter_ppm)
                return line, line.table
        return target, target.table

    def _line_leaves_ns(
        self,
        rules: tuple[LinkRule, ...],
        sender: Host,
        target: Target,
        message: Message,
        leaves_ns: int,
    ) -> int:
        """When the last bit is on a line of its own bandwidth."""
        for rule in rules:
            if rule.bandwidth_bps is not None:
                ends = (sender.instance, target.instance)
                start_ns = max(leaves_ns, self._line_free_ns.get(ends, 0))
                leaves_ns = start_ns + message.wire_size * 8_000_000_000 // rule.bandwidth_bps
                self._line_free_ns[ends] = leaves_ns
                break
        return leaves_ns

    def _latency_us(self, line: Target | Line, table: Table, word: int) -> int:
        delay_us = line.base_us + (line.spread_us * table[word & _INDEX_MASK] >> SCALE_BITS)
        if self._model_jitters and isinstance(line, Target):
            spread_us = delay_us * self._settings.jitter_ppm // PPM
            draw = fixed_line(0, 0).table[word >> _JITTER_SHIFT & _INDEX_MASK]
            delay_us += spread_us * draw >> SCALE_BITS
        return delay_us

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
            known = [self.hosts[name] for name in to if name in self.hosts]
            targets = tuple(self._target(sender, host) for host in known)
            plan = Plan(
                targets=targets,
                fast=tuple(
                    (t.instance - 1, t.arrive, t.packed, t.base_us, t.spread_us) for t in targets
                ),
                width=max((t.instance for t in targets), default=1),
                apart=len({t.instance for t in targets}) < len(to) or sender in known,
            )
            if len(sender.plans) >= PLAN_LIMIT:
                sender.plans.clear()
            sender.plans[to] = plan
        sender.last_to, sender.last_plan = to, plan
        return plan

    def _target(self, sender: Host, host: Host) -> Target:
        settings = self._settings
        line = settings.latency.line(sender.city, host.city, settings.jitter_ppm)
        arrive = host.arrive_traced if self._recorder.messages else host.arrive
        packed = host.instance << RECEIVER_SHIFT
        return Target(host, host.instance, arrive, packed, line.base_us, line.spread_us, line.table)

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
