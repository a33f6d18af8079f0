"""The messages that the space-time diagram draws: all of a small run, a sample of a large one.

A sample of single messages would show votes that nobody seems to answer. So a large run keeps
whole slots, one in every so many, and everything that was sent near the moments that matter (a
fault begins or ends, a view change). How many there will be is known from the summary.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from chainsim.trace import MessageMoved
from consensus.messages import Message, Request

BUDGET: Final = 36_000
"""Messages drawn at most: about 30 bytes each in the page, and what a browser redraws at ease."""

NEAR_US: Final = 400_000
"""What is sent so long after a moment that matters is near it."""

BEFORE_US: Final = 20_000
"""And so long before one that is known ahead."""

DIGITS: Final = 16
"""Hexadecimal digits shown of a digest, key or signature."""

LISTED: Final = 12
"""Items shown of a list; of a batch, requests."""

DEPTH: Final = 4
"""Levels of a message that are shown; what is deeper is summed up."""


class Flight(msgspec.Struct):
    """One message on its way to one receiver."""

    type: str
    sender: str
    receiver: str
    sent_us: int
    content: int
    """Index into ``MessageLog.contents``."""
    ended_us: int = -1
    """When it arrived or was lost; -1 while it is under way."""
    lost: str = ""
    """Why it never arrived."""
    copies: tuple[int, ...] = ()
    """When further copies of it arrived."""


class Thinning(msgspec.Struct, frozen=True):
    """What was left out."""

    sent: int
    drawn: int
    every: int
    """One slot in so many is drawn whole."""

    def __str__(self) -> str:
        if self.drawn == self.sent:
            return f"All {self.sent:,} messages are drawn."
        return (
            f"Thinned: {self.drawn:,} of {self.sent:,} messages are drawn, so that the page stays "
            f"small: one slot in {self.every:,} (with requests, replies and status alike), and "
            f"what was sent just before or within {NEAR_US // 1000} ms after a fault changed or a "
            f"view change began, as far as the limit of {BUDGET:,} allows. Every figure and every "
            "other chart counts all of them."
        )


class MessageLog:
    """Listens to ``MessageMoved``; keeps what is to be drawn."""

    def __init__(self, expected: int, moments_us: Iterable[int], budget: int = BUDGET) -> None:
        """``expected``: messages in all; ``moments_us``: those that are known ahead."""
        self.flights: dict[int, Flight] = {}
        """By their number, in the order in which they were sent."""
        self.contents: list[dict[str, Any]] = []
        """What was said, once for all its receivers."""
        self.sent = 0
        self._budget = budget
        self._every = 1 if expected <= budget else -(-2 * expected // budget)
        self._near = budget // 2
        """How many near moments are kept beyond the sampled ones."""
        self._moments = sorted({max(0, at_us - BEFORE_US) for at_us in moments_us})
        self._last_moment = -NEAR_US
        self._indices: dict[tuple[str, bytes, int], int] = {}
        self._unslotted: dict[str, int] = {}

    @property
    def thinning(self) -> Thinning:
        """What was left out so far."""
        return Thinning(self.sent, len(self.flights), self._every)

    def moment(self, at_us: int) -> None:
        """Something that matters happens now."""
        self._last_moment = at_us

    def on_message(self, record: MessageMoved) -> None:
        """Takes one record, in trace order."""
        if record.what == "sent":
            self.sent += 1
            if self._wanted(record):
                self.flights[record.flight] = Flight(
                    record.type, record.node, record.peer, record.at_us, self._content(record)
                )
            return
        flight = self.flights.get(record.flight)
        if flight is None:
            return
        if flight.ended_us >= 0:
            flight.copies += (record.at_us,)
            return
        flight.ended_us = record.at_us
        if record.what == "dropped":
            flight.lost = record.cause

    def _wanted(self, record: MessageMoved) -> bool:
        if self._every == 1:
            return True
        if len(self.flights) >= self._budget:
            return False
        if self._sampled(record):
            return True
        if self._near and self._is_near(record.at_us):
            self._near -= 1
            return True
        return False

    def _sampled(self, record: MessageMoved) -> bool:
        number = record.sequence
        if not number:  # a status, a view change: counted instead
            number = self._unslotted[record.type] = self._unslotted.get(record.type, 0) + 1
        return number % self._every == 1

    def _is_near(self, at_us: int) -> bool:
        if at_us - self._last_moment < NEAR_US:
            return True
        ahead = bisect_right(self._moments, at_us)
        return bool(ahead) and at_us - self._moments[ahead - 1] < BEFORE_US + NEAR_US

    def _content(self, record: MessageMoved) -> int:
        message = record.message
        assert message is not None, "a listener is given what moved"
        key = (record.type, message.digest_bytes, record.size)
        index = self._indices.get(key)
        if index is None:
            index = self._indices[key] = len(self.contents)
            fields = {"type": record.type, "view": record.view, "sequence": record.sequence}
            self.contents.append({**fields, "bytes": record.size, "content": shown(message)})
        return index


def shown(value: Any, depth: int = 0) -> Any:
    """A message, or a part of one, as JSON for people: digests cut short, lists too."""
    if isinstance(value, bytes):
        digits = value.hex()
        return digits if len(digits) <= DIGITS else digits[:DIGITS] + "…"
    if isinstance(value, msgspec.Struct):
        return _struct(value, depth)
    if isinstance(value, Mapping):
        return {str(key): shown(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return _list(value, depth)
    if isinstance(value, int) and abs(value) > 1 << 53:
        return str(value)  # a browser's numbers end there
    return value


def _list(values: list[Any] | tuple[Any, ...], depth: int) -> Any:
    if depth >= DEPTH and values:
        return f"{len(values)} items"
    items = [shown(item, depth + 1) for item in values[:LISTED]]
    left = len(values) - LISTED
    return [*items, f"… and {left:,} more"] if left > 0 else items


def _struct(value: msgspec.Struct, depth: int) -> Any:
    if depth >= 2 and isinstance(value, Message) and not isinstance(value, Request):
        view, sequence = value.slot()
        return f"{value.TYPE} by {value.sender}, view {view}, sequence {sequence}"
    fields = {}
    for name in value.__struct_fields__:
        if name == "chain":  # the same in every message
            continue
        field = getattr(value, name)
        if name == "operation" and isinstance(value, Request):
            fields[name] = _operation(field)
        else:
            fields[name] = shown(field, depth + 1)
    return fields


def _operation(operation: bytes) -> Any:
    """What a client wants; as digits if it isn't MessagePack (a hostile one's)."""
    try:
        return shown(msgspec.msgpack.decode(operation), 1)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, ValueError, RecursionError):
        return shown(operation)
