"""What faults do to single messages on a line: hold them, lose some, find and damage them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from consensus.messages import Batch, Message
from scenarios.faults.primitives import Mangle, Priorities

Arrival = tuple[int, int, Any, Message]
"""(when it would be there, event id, the ``lines.Target``, what)"""


class Clogged:
    """What a clog holds back until it ends."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held: list[Arrival] = []


class Flapping(msgspec.Struct, frozen=True):
    """Down first, then up, from ``since_us`` on."""

    since_us: int
    down_us: int
    up_us: int

    def is_down(self, now_us: int) -> bool:
        """Whether the line is down at ``now_us``."""
        return (now_us - self.since_us) % (self.down_us + self.up_us) < self.down_us


class Ranks:
    """Who waits how long under ``priorities``; ``order`` holds instances, the first one first."""

    __slots__ = ("_changes", "_seen", "_step_us", "order")

    def __init__(self, action: Priorities, order: list[int]) -> None:
        self.order: Final = order
        self._step_us: Final = action.step_us
        self._changes: Final = frozenset(action.changes)
        self._seen = 0

    def wait_us(self, receiver: int) -> int:
        """How much longer the next message to ``receiver`` takes; counts it. At a change point
        the receiver is the last from this message on."""
        self._seen += 1
        if self._seen in self._changes:
            self.order.remove(receiver)
            self.order.append(receiver)
        return self.order.index(receiver) * self._step_us


class Mangler:
    """Finds the messages that a ``mangle`` means; counts for its ``nth``."""

    __slots__ = ("action", "chance", "seen")

    def __init__(self, action: Mangle, chance: int) -> None:
        self.action: Final = action
        self.chance: Final = chance
        """In units of the network's draws."""
        self.seen = 0

    def matches(self, message: Message) -> bool:
        """Whether everything but the probability fits; counts it if so."""
        action = self.action
        if action.types and message.TYPE not in action.types:
            return False
        view, sequence = message.slot()
        if action.view is not None and view != action.view:
            return False
        if action.sequence is not None and sequence != action.sequence:
            return False
        if action.field is not None and action.field not in message.__struct_fields__:
            return False
        self.seen += 1
        return action.nth is None or self.seen == action.nth


def corrupted(message: Message, field: str) -> Message:
    """A copy with one field damaged: a number one higher, a bit flipped in bytes, a letter
    replaced, the last item of a list gone, a batch a microsecond later."""
    value = _damaged(getattr(message, field))
    return msgspec.structs.replace(message, **{field: value})


def corrupted_by(message: Message, draw: int) -> Message:
    """A copy in which the field that ``draw`` picks is damaged."""
    fields = [name for name in message.__struct_fields__ if _can_be_damaged(message, name)]
    return corrupted(message, fields[draw % len(fields)])


def _can_be_damaged(message: msgspec.Struct, field: str) -> bool:
    value = getattr(message, field)
    return bool(value) or isinstance(value, int)


def _damaged(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"\x01"
    if isinstance(value, str):
        return value[:-1] + ("y" if value.endswith("x") else "x")
    if isinstance(value, tuple):
        return value[:-1]
    if isinstance(value, Batch):
        return Batch(value.time_us + 1, value.requests)
    if isinstance(value, msgspec.Struct):
        field = [name for name in value.__struct_fields__ if _can_be_damaged(value, name)][-1]
        return msgspec.structs.replace(value, **{field: _damaged(getattr(value, field))})
    return value
