"""Clocks that are wrong: ``skew``, ``drift`` and ``jump``.

A node takes its proposals' block times from its clock, and counts its time-outs by it (PBFT
rule 8). Who is wrong by more than the drift bound counts as hostile (PBFT.md, fault budget).
"""

from __future__ import annotations

from typing import ClassVar

from consensus.protocol import CLOCK_DRIFT_US
from scenarios.faults.base import NodeFault
from scenarios.faults.primitives import Pace, Primitive, Step
from scenarios.units import PPM, Factor, SignedDuration


class Skew(NodeFault, frozen=True, kw_only=True, tag="skew"):
    """A clock that is set wrong, by the same amount all the time; timers run as ever.

    Without ``at`` and ``when`` it is so from the start. When it ends the clock is right again.
    """

    ALWAYS_BY_DEFAULT: ClassVar[bool] = True

    by: SignedDuration
    """How far it is ahead; with a minus: behind."""

    def check(self) -> None:
        if self.by == 0:
            raise ValueError("by must not be zero")

    def makes_hostile(self) -> bool:
        return abs(self.by) > CLOCK_DRIFT_US

    def primitives(self) -> tuple[Primitive, ...]:
        return (Step(nodes=self.selectors(), by_us=self.by, with_timers=False),)


class Drift(NodeFault, frozen=True, kw_only=True, tag="drift"):
    """A clock that runs too fast or too slow, and timers with it: its error grows.

    Without ``at`` and ``when`` it does so from the start. When it ends the clock is right again.
    """

    ALWAYS_BY_DEFAULT: ClassVar[bool] = True

    rate: Factor
    """1.0 is right; 1.02 gains 20 ms in a second, 0.5 goes half as fast."""

    def check(self) -> None:
        if not PPM // 100 <= self.rate <= PPM * 100 or self.rate == PPM:
            raise ValueError("rate must be between 0.01 and 100, and not 1")

    def makes_hostile(self) -> bool:
        length_us = self.length_us()
        if length_us is None and self.until is not None and self.when is None:
            length_us = self.until - (self.at or 0)
        return length_us is None or abs(self.rate - PPM) * length_us > CLOCK_DRIFT_US * PPM

    def primitives(self) -> tuple[Primitive, ...]:
        return (Pace(nodes=self.selectors(), rate_ppm=self.rate),)


class Jump(NodeFault, frozen=True, kw_only=True, tag="jump"):
    """A clock that is suddenly another, as after a suspended machine wakes up.

    Forward, timers that would have run out meanwhile fire at once; back, they run as ever. When
    it ends the clock jumps back to what is right.
    """

    by: SignedDuration
    """How far it jumps ahead; with a minus: back."""

    def check(self) -> None:
        if self.by == 0:
            raise ValueError("by must not be zero")

    def makes_hostile(self) -> bool:
        return abs(self.by) > CLOCK_DRIFT_US

    def primitives(self) -> tuple[Primitive, ...]:
        return (Step(nodes=self.selectors(), by_us=self.by, with_timers=True),)
