"""Network draws: keyed by a message's identity, never by its content or by what came before.

Identity: sender, receiver, type, peer (the author; of a reply the client), epoch, view, sequence
or request number, and occurrence: how often that line carried such a message already. One
XOF (SHAKE-128) over the identity serves all receivers of a broadcast, each reading its own
eight bytes, so adding or removing one fault shifts no other draw.

Occurrences are forgotten at stable checkpoints, to bound memory. A forgotten identity that comes
again counts from zero in a new *era*, so that its draws are fresh: a message that was once
lost must not be lost for ever.
"""

from __future__ import annotations

import struct
from functools import cache
from hashlib import shake_128
from typing import Any, Final
from zlib import crc32

from consensus.messages import MESSAGE_TYPES, Message, Reply, Request
from consensus.types import Sequence, View
from scenarios.rng import derive

Key = tuple[int, int, int, int, int]
"""(type, peer, epoch, view, sequence or number)"""

WORD_BITS: Final = 64
EVERYBODY: Final = 0
"""In place of a receiver's instance: one draw serves all of them."""
FIRST: Final = 0
"""Purpose of a draw: latency, jitter, loss and duplication of the message itself."""
AGAIN: Final = 1
"""Purpose of a draw: reordering, and the latency of a second copy. Faults have salts above."""

_NUMBERED: Final = (Request, Reply)
"""Types that carry a request number where others have a sequence."""
_MASK: Final = (1 << WORD_BITS) - 1
_PACK: Final = struct.Struct("<HHIIQQQQIQ").pack


@cache
def type_number(kind: type[Message]) -> int:
    """The type's number in draws; types that the protocol doesn't know get one by name."""
    if kind in MESSAGE_TYPES:
        return MESSAGE_TYPES.index(kind)
    return 1 << 16 | crc32(kind.TYPE.encode()) >> 16


@cache
def _unpacker(count: int) -> Any:
    return struct.Struct(f"<{count}Q").unpack


class Draws:
    """The draws of one run."""

    __slots__ = ("_prefix",)

    def __init__(self, seed: int) -> None:
        self._prefix = derive(seed, "network", 16)

    def reseed(self, seed: int, name: str) -> None:
        """From now on every draw is another one, which ``name`` decides."""
        self._prefix = derive(seed, f"network{name}", 16)

    def words(
        self,
        sender: int,
        receiver: int,
        key: Key,
        era: int,
        occurrence: int,
        count: int = 1,
        purpose: int = FIRST,
    ) -> tuple[int, ...]:
        """``count`` words of 64 bits for one message from instance ``sender``."""
        kind, peer, epoch, view, number = key
        try:
            identity = _PACK(
                sender, receiver, kind, peer, epoch, view, number, era, occurrence, purpose
            )
        except struct.error:  # only a liar counts beyond 64 bits
            numbers = (epoch & _MASK, view & _MASK, number & _MASK, era & _MASK)
            identity = _PACK(sender, receiver, kind, peer, *numbers, occurrence, purpose)
        result: tuple[int, ...] = _unpacker(count)(
            shake_128(self._prefix + identity).digest(8 * count)
        )
        return result

    def below(self, name: bytes, limit: int) -> int:
        """0 to ``limit - 1`` by name, for the rare draw that isn't a message's."""
        digest = shake_128(self._prefix + b"/" + name).digest(16)
        return int.from_bytes(digest, "little") % limit


class Occurrences:
    """How often one sender sent each identity to each receiver.

    A broadcast that goes to the same receivers as the first one of its identity counts once for
    all of them; anything else counts by receiver.
    """

    __slots__ = ("_apart", "_marks", "_stable", "_together", "_view")

    def __init__(self) -> None:
        self._together: dict[Key, list[Any]] = {}
        """Key -> [receivers, count]."""
        self._apart: dict[Key, dict[str, int]] = {}
        """Key -> receiver -> count beyond those together."""
        self._stable: Sequence = 0
        self._view: View = 0
        self._marks: dict[tuple[int, int], int] = {}
        """(numbered type, peer) -> highest forgotten request number."""

    def __len__(self) -> int:
        return len(self._together) + len(self._apart)

    def broadcast(self, key: Key, to: tuple[str, ...]) -> int:
        """The occurrence that all receivers share, counted; -1 if they share none."""
        entry = self._together.get(key)
        if entry is None:
            if key in self._apart:
                return -1
            self._together[key] = [to, 1]
            return 0
        if entry[0] != to or key in self._apart:
            return -1
        count: int = entry[1]
        entry[1] = count + 1
        return count

    def unicast(self, key: Key, to: str) -> int:
        """The occurrence on the line to ``to``, counted."""
        apart = self._apart.get(key)
        if apart is None:
            apart = self._apart[key] = {}
        count = apart.get(to, 0)
        apart[to] = count + 1
        entry = self._together.get(key)
        if entry is not None and to in entry[0]:
            count += entry[1]
        return count

    def era(self, key: Key) -> int:
        """0 as long as nothing of this identity can have been forgotten."""
        kind, peer, _, view, number = key
        if kind < len(_IS_NUMBERED) and _IS_NUMBERED[kind]:
            return self._stable if number <= self._marks.get((kind, peer), -1) else 0
        if number:
            return self._stable if number <= self._stable else 0
        return self._stable if view < self._view else 0

    def stable(self, sequence: Sequence) -> None:
        """A checkpoint is stable: forget what lies at or below it, and all requests so far."""
        if sequence <= self._stable:
            return
        self._stable = sequence
        self._together = {k: v for k, v in self._together.items() if self._keeps(k)}
        self._apart = {k: v for k, v in self._apart.items() if self._keeps(k)}

    def _keeps(self, key: Key) -> bool:
        kind, peer, _, view, number = key
        if kind < len(_IS_NUMBERED) and _IS_NUMBERED[kind]:
            mark = (kind, peer)
            self._marks[mark] = max(number, self._marks.get(mark, -1))
            return False
        return number > self._stable or (number == 0 and view >= self._view)

    def entered(self, view: View) -> None:
        """A new view is active: what names an older view alone is forgotten at next stability."""
        self._view = max(self._view, view)


_IS_NUMBERED: Final = tuple(kind in _NUMBERED for kind in MESSAGE_TYPES)
