"""The one room of randomness: named streams that a seed determines for ever.

A stream is ``random.Random`` seeded with an integer from SHA-256 of (seed, name), of which only
``getrandbits`` is used: the rest of that module isn't promised to be stable across versions
of Python. Golden vectors in the tests hold it still. Streams of different names are
independent: drawing more from one shifts no other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, MutableSequence, Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")

PPM = 1_000_000


def derive(seed: int, name: str, size: int = 32) -> bytes:
    """``size`` (at most 32) bytes of ``seed`` and ``name`` alone: for keys and salts."""
    if not 0 < size <= 32:
        raise ValueError("size goes from 1 to 32")
    return sha256(b"chainsim/derive/%d/%s" % (seed, name.encode())).digest()[:size]


def _source(seed: int, name: str) -> Callable[[int], int]:
    material = sha256(b"chainsim/stream/%d/%s" % (seed, name.encode())).digest()
    return random.Random(int.from_bytes(material, "big")).getrandbits


class Stream:
    """A stream of draws, all integers."""

    def __init__(self, seed: int, name: str) -> None:
        self._bits = _source(seed, name)

    def reseed(self, seed: int, name: str) -> None:
        """From now on it draws what a new stream of this name would draw."""
        self._bits = _source(seed, name)

    def bits(self, count: int) -> int:
        """``count`` random bits as an integer."""
        return self._bits(count)

    def below(self, limit: int) -> int:
        """Evenly one of 0 to ``limit - 1``. Raises ``ValueError`` unless ``limit`` > 0."""
        if limit <= 0:
            raise ValueError("limit must be above zero")
        width = (limit - 1).bit_length()
        if not width:
            return 0
        while True:  # rejection, as a remainder would favour small values
            value = self._bits(width)
            if value < limit:
                return value

    def between(self, low: int, high: int) -> int:
        """Evenly one of ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def chance(self, ppm: int) -> bool:
        """True with a probability of ``ppm`` parts per million."""
        return self.below(PPM) < ppm

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``. Raises ``ValueError`` if there is none."""
        return items[self.below(len(items))]

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Shuffles in place (Fisher and Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """``count`` different ones of ``items`` (all, if there are fewer), in random order."""
        pool = list(items)
        self.shuffle(pool)
        return pool[:count]
