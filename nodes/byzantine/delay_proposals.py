"""As the primary, sits on each proposal until just before it would be deposed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from consensus.effects import Broadcast, Effect, Send
from consensus.events import Boot, Event
from consensus.messages import NewView, PrePrepare
from nodes.byzantine.base import Attacker, Behaviour


class DelayProposals(Behaviour):
    """Every PRE-PREPARE and NEW-VIEW of its own goes out ``delay`` late (left out: three quarters
    of the request time-out, which leaves a quarter for the votes), in the order in which they
    were made.

    Nothing that it says is wrong, and it is never deposed: what the protocol promises is that a
    client waits no longer than its time-outs (rule 18), and that who sits on them for longer is.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (18, 20)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        most_us = attacker.parameters.request_timeout_us * 3 // 4
        self._delay_us = attacker.options.delay_us or most_us
        self._kept: deque[tuple[int, Send | Broadcast]] = deque()
        """What waits, with when it is due."""

    def inbound(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Boot):
            self._kept.clear()  # as whatever else a crash finds unsent
        return (event,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        done = [effect for effect in effects if not self._is_kept(now_us, effect)]
        if len(done) == len(effects):
            return [*self._due(now_us), *done]
        return [*done, *self._due(now_us), *self._next(now_us)]

    def woken(self, now_us: int) -> list[Effect]:
        return [*self._due(now_us), *self._next(now_us)]

    def _is_kept(self, now_us: int, effect: Effect) -> bool:
        if not isinstance(effect, Send | Broadcast):
            return False
        message = effect.message
        mine = isinstance(message, PrePrepare | NewView) and message.sender == self.attacker.id
        if mine:
            self._kept.append((now_us + self._delay_us, effect))
        return mine

    def _due(self, now_us: int) -> Iterable[Effect]:
        while self._kept and self._kept[0][0] <= now_us:
            yield self._kept.popleft()[1]

    def _next(self, now_us: int) -> Iterable[Effect]:
        if self._kept:
            yield self.alarm(self._kept[0][0] - now_us)
