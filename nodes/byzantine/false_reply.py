"""Tells clients at once that what they asked for was done, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from consensus.effects import Effect, Send
from consensus.encoding import encode
from consensus.events import Event, Receive
from consensus.messages import PrePrepare, Reply, Request
from consensus.types import NodeId
from nodes.byzantine.base import Attacker, Behaviour
from nodes.ledger.codes import OK
from nodes.ledger.execution import Result

KEPT: Final = 4_096
"""Requests that it remembers having answered."""


class FalseReply(Behaviour):
    """Answers each request (of ``clients`` and the types in ``transactions``; left out: all) the
    moment that it hears of it, from the client or in a proposal: OK, in the first place of the
    first block, in a view far ahead. It gives no other answer.

    All who behave so say the same. A client believes f+1 equal answers (rule 31), and of their
    views the lowest: f liars are too few, f+1 are enough.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (31,)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._told: dict[tuple[NodeId, int], None] = {}
        self._lies: list[Effect] = []
        self._view = 0

    def inbound(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Receive):
            message = event.message
            if isinstance(message, Request):
                self._answer(message)
            elif isinstance(message, PrePrepare) and message.batch is not None:
                self._view = max(self._view, message.view)
                for request in message.batch.requests:
                    self._answer(request)
        return (event,)

    def _answer(self, request: Request) -> None:
        me = self.attacker
        key = (request.sender, request.number)
        if key in self._told or not me.concerns(request):
            return
        while len(self._told) >= KEPT:
            del self._told[next(iter(self._told))]
        self._told[key] = None
        result = encode(Result(OK, 1, 0, ""))
        fields = (self._view + me.committee.n, request.sender, request.number, result)
        lie = me.sign(Reply(me.chain, me.committee.epoch, me.id, *fields))
        self._lies.append(Send(request.sender, lie))

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        lies, self._lies = self._lies, []
        return [*lies, *(effect for effect in effects if not self._is_true_answer(effect))]

    def _is_true_answer(self, effect: Effect) -> bool:
        if not isinstance(effect, Send) or not isinstance(effect.message, Reply):
            return False
        return (effect.message.client, effect.message.number) in self._told
