"""In one round of the protocol, tells some of the others something slightly wrong.

After Winter et al., "Randomized Testing of Byzantine Fault Tolerant Algorithms" (ByzzFuzz, OOPSLA
2023): most bugs need few wrong messages, and these close to right ones (small-scope mutations). A
round is a view and the types of messages of one phase in it. Nothing is drawn: a scenario says all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import msgspec

from consensus.effects import Effect
from consensus.encoding import digest_of
from consensus.messages import Message, PrePrepare
from consensus.types import NodeId
from nodes.byzantine.base import Behaviour, rewrite
from nodes.byzantine.equivocate import another


class MutateRound(Behaviour):
    """The messages of ``options.types`` that name ``options.view``, as ``options.receivers`` see
    them: one field changed, signed again in its own name."""

    STOPPED_BY: ClassVar[tuple[int, ...]] = (2, 3, 13, 15)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        return rewrite(effects, self._as_seen)

    def _as_seen(self, to: NodeId, message: Message) -> list[Message]:
        options = self.attacker.options
        if options.receivers and to not in options.receivers:
            return [message]
        if options.types and message.TYPE not in options.types:
            return [message]
        if options.view is not None and message.slot()[0] != options.view:
            return [message]
        if message.sender != self.attacker.id:
            return [message]
        if options.field == DROPPED:
            return []
        mutated = MUTATIONS[options.field](message, options.field, options.step)
        return [message if mutated is None else self.attacker.sign(mutated)]


def _number(message: Message, field: str, step: int) -> Message | None:
    if field not in message.__struct_fields__:
        return None
    return _with(message, field, max(0, getattr(message, field) + step))


def _digest(message: Message, field: str, _step: int) -> Message | None:
    """Something that nobody proposed, in votes and CHECKPOINTs; of a proposal see ``_batch``."""
    if field not in message.__struct_fields__ or isinstance(message, PrePrepare):
        return None
    return _with(message, field, digest_of("mutation", getattr(message, field)))


def _batch(message: Message, _field: str, _step: int) -> Message | None:
    """Another proposal of the same requests; of an empty batch there is none."""
    if not isinstance(message, PrePrepare) or message.batch is None:
        return None
    if not message.batch.requests:
        return None
    batch = another(message.batch)
    return msgspec.structs.replace(message, digest=batch.digest, batch=batch)


def _shorter(message: Message, field: str, _step: int) -> Message | None:
    """Without the last of several."""
    if field not in message.__struct_fields__ or not getattr(message, field):
        return None
    return _with(message, field, getattr(message, field)[:-1])


def _with(message: Message, field: str, value: Any) -> Message:
    return msgspec.structs.replace(message, **{field: value})


DROPPED: Final = "all"
"""In place of a field: the whole message is left out."""

MUTATIONS: Final[dict[str, Callable[[Message, str, int], Message | None]]] = {
    "view": _number,
    "sequence": _number,
    "stable": _number,
    "digest": _digest,
    "batch": _batch,
    "checkpoints": _shorter,
    "prepared": _shorter,
    "view_changes": _shorter,
    "pre_prepares": _shorter,
}
"""Field -> (message, field, step) -> the message with it changed; None: it has no such thing."""
MUTABLE: Final = (*MUTATIONS, DROPPED)
"""What ``options.field`` may be."""
