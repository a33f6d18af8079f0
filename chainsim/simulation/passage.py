"""A message's way over a line on which something can go wrong: loss, delay, copies, damage.

The network's own chances apply to all lines; a line's rules are what active faults do to it. Every
draw is keyed by the identity of the message and by the fault (``draws``), so that no fault shifts
what another one draws.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappush
from typing import TYPE_CHECKING, Final

import msgspec

from chainsim.simulation import draws
from chainsim.simulation.draws import Draws, Key
from chainsim.simulation.latency import QUANTILES, SCALE_BITS, Line, Table, fixed_line
from chainsim.simulation.lines import CHANCE_BITS, LinkRule, Target, chance
from chainsim.simulation.mangling import Clogged, Mangler, corrupted, corrupted_by
from chainsim.simulation.scheduler import COPIES, MESSAGE, Entry
from chainsim.simulation.settings import NetworkSettings
from consensus.messages import Message
from scenarios.rng import PPM

if TYPE_CHECKING:
    from chainsim.simulation.place import Place

_CHANCE_MASK: Final = (1 << CHANCE_BITS) - 1
INDEX_MASK: Final = QUANTILES - 1
_JITTER_SHIFT: Final = 12
_LOSS_SHIFT: Final = 24
_DUPLICATE_SHIFT: Final = 44
"""A draw's word: 12 bits latency, 12 bits jitter, 20 bits loss, 20 bits duplication."""

Identity = tuple[int, int, Key, int, int]
"""(sender, receiver, key, era, occurrence): what a message's draws are keyed by."""

Drop = Callable[[int, str, str, Message, str, int], None]
"""Takes (now_us, sender, receiver, message, cause, event id) of what gets no further."""


class Flight(msgspec.Struct):
    """One message on its way over a line with faults, as the rules leave it."""

    message: Message
    cause: str = ""
    """Why it is lost; empty if it isn't."""
    clog: Clogged | None = None
    """What holds it back."""
    mangler: Mangler | None = None
    """The one that acts on it."""
    late_us: int = 0
    """How much longer it takes than its line does."""


class Passage:
    """Carries messages over lines, one by one."""

    def __init__(
        self, heap: list[Entry], settings: NetworkSettings, draws_: Draws, drop: Drop
    ) -> None:
        self._heap: Final = heap
        self._settings: Final = settings
        self._draws: Final = draws_
        self._drop: Final = drop
        self._loss: Final = chance(settings.loss_ppm)
        self._duplicate: Final = chance(settings.duplicate_ppm)
        self._reorder: Final = chance(settings.reorder_ppm)
        self._model_jitters: Final = settings.latency.spreads and settings.jitter_ppm > 0
        self.everywhere: Final = bool(
            self._loss or self._duplicate or self._reorder or self._model_jitters
        )
        """Whether every line needs this much care, not only those with rules."""
        self._line_free_ns: dict[tuple[int, int], int] = {}
        self.clogs: list[Clogged] = []
        """Those that hold messages back."""
        self.duplicated: dict[type[Message], int] = {}

    def carry(
        self,
        now_us: int,
        sender: Place,
        target: Target,
        message: Message,
        word: int,
        event_id: int,
        identity: Identity,
        leaves_ns: int,
    ) -> None:
        """One message over one line, with all that can happen to it; ``word`` is its draw."""
        line: Target | Line = target
        table = target.table
        duplicate, reorder = self._duplicate, self._reorder
        event_id |= target.packed
        rules = sender.rules.get(target.instance)
        flight = None
        if rules:
            flight = self._under(rules, identity, message, now_us)
            if flight.cause:
                self._drop(now_us, sender.id, target.host.id, message, flight.cause, event_id)
                return
            line, table = self._line_under(rules, target)
            leaves_ns = self._line_leaves_ns(rules, sender, target, message, leaves_ns)
            duplicate = next((r.duplicate for r in rules if r.duplicate is not None), duplicate)
            reorder = next((r.reorder for r in rules if r.reorder is not None), reorder)
        if word >> _LOSS_SHIFT & _CHANCE_MASK < self._loss:
            self._drop(now_us, sender.id, target.host.id, message, "loss", event_id)
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
        if flight is not None:
            if flight.late_us:
                times_us = [at_us + flight.late_us for at_us in times_us]
            if flight.mangler is not None:
                self._retime(flight.mangler, identity, times_us, leaves_us, line, table)
        self._push(times_us, event_id, target, message, flight)

    def _push(
        self,
        times_us: list[int],
        event_id: int,
        target: Target,
        message: Message,
        flight: Flight | None,
    ) -> None:
        """Has every copy arrive, or a clog hold them all."""
        if len(times_us) > 1:
            extra = len(times_us) - 1
            self.duplicated[type(message)] = self.duplicated.get(type(message), 0) + extra
        if flight is not None:
            message = flight.message
            if flight.clog is not None:
                for copy, at_us in enumerate(times_us):
                    flight.clog.held.append((at_us, event_id | copy, target, message))
                return
        for copy, at_us in enumerate(times_us):
            self.arrives(at_us, event_id | copy, target, message)

    def arrives(self, at_us: int, event_id: int, target: Target, message: Message) -> None:
        """Has a message arrive at its receiver."""
        if target.inbox is None:
            heappush(self._heap, (at_us, MESSAGE, event_id, target.arrive, message))
        else:
            target.inbox.add(at_us, event_id, message)

    def release(self, now_us: int, clog: Clogged) -> None:
        """A clog ends: all that it held arrives now, or in its own time if that is later."""
        self.clogs.remove(clog)
        for at_us, event_id, target, message in clog.held:
            self.arrives(max(at_us, now_us), event_id, target, message)

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
            elif rule.ranks is not None:
                flight.late_us += rule.ranks.wait_us(identity[1])
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
        sender: Place,
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
        delay_us = line.base_us + (line.spread_us * table[word & INDEX_MASK] >> SCALE_BITS)
        if self._model_jitters and isinstance(line, Target):
            spread_us = delay_us * self._settings.jitter_ppm // PPM
            draw = fixed_line(0, 0).table[word >> _JITTER_SHIFT & INDEX_MASK]
            delay_us += spread_us * draw >> SCALE_BITS
        return delay_us
