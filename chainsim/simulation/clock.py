"""A node's local clock: what it reads, and how long its timers run.

Most are right, and then a host has none at all. One that some fault put wrong differs from
virtual time by steps (``skew``, ``jump``) and by running too fast or too slow (``drift``).
"""

from __future__ import annotations

from typing import Final

import msgspec

from scenarios.rng import PPM

SLOWEST_PPM: Final = PPM // 1000
"""However many faults slow a clock down, its timers run out some time."""


class Pace(msgspec.Struct, frozen=True):
    """Since ``since_us`` a clock goes on by ``rate_ppm`` millionths of the time that passes."""

    since_us: int
    rate_ppm: int


class Clock:
    """Turns virtual time into what a node reads, and its delays into virtual ones."""

    def __init__(self, ahead_us: int = 0, paces: tuple[Pace, ...] = ()) -> None:
        """``ahead_us``: by how much it is wrong apart from its paces, whose errors add up."""
        self._ahead_us: Final = ahead_us
        self._paces: Final = paces
        drift_ppm = sum(pace.rate_ppm - PPM for pace in paces)
        self.rate_ppm: Final = max(SLOWEST_PPM, PPM + drift_ppm)
        """Local time that passes in a second, in microseconds."""

    def read(self, now_us: int) -> int:
        """The local reading at virtual time ``now_us``; before the epoch it is negative."""
        reading_us = now_us + self._ahead_us
        for pace in self._paces:
            reading_us += (now_us - pace.since_us) * (pace.rate_ppm - PPM) // PPM
        return reading_us

    def delay(self, now_us: int, local_us: int) -> int:
        """How long ``local_us`` of local time takes from ``now_us``, in virtual time."""
        return -(-local_us * PPM // self.rate_ppm)

    def elapses(self, virtual_us: int) -> int:
        """How much local time goes by in ``virtual_us``."""
        return virtual_us * self.rate_ppm // PPM


RIGHT: Final = Clock()
"""Shows virtual time."""
