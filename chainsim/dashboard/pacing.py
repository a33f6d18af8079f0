"""Virtual time against the wall clock. Integers only; the wall clock is told, never read."""

from __future__ import annotations

from typing import Final

SPEEDS: Final[tuple[int | None, ...]] = (
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, None,
)  # fmt: skip
"""Thousandths of virtual seconds per second of wall time; None: as fast as can be."""
NORMAL: Final = 1_000
PATIENCE_NS: Final = 500_000_000
"""How far the simulation may fall behind before it is no longer expected to catch up."""


class BadSpeed(Exception):
    """The message says what was wanted."""


def parse_speed(text: str) -> int | None:
    """``2``, ``0.1``, ``10x`` or ``max`` in thousandths; None for max. Raises ``BadSpeed``."""
    if text.strip().lower() == "max":
        return None
    plain = text.strip().lower().removeprefix("x").removesuffix("x")
    whole, dot, part = plain.partition(".")
    digits = (whole or "0") + part.ljust(3, "0")[:3]
    good = (whole or part) and digits.isdecimal() and digits.isascii() and len(part) <= 3
    if not good or (dot and not part) or not 0 < int(digits) <= 10**9:
        raise BadSpeed(f'wanted a number of virtual seconds per second, or max; got "{text}"')
    return int(digits)


def show_speed(speed: int | None) -> str:
    """``x1``, ``x0.05``, ``max``."""
    if speed is None:
        return "max"
    whole, part = divmod(speed, 1_000)
    return f"x{whole}" + (f".{part:03d}".rstrip("0") if part else "")


class Pace:
    """Says how far virtual time should be."""

    def __init__(self, speed: int | None) -> None:
        self.speed = speed
        self._wall_ns = 0
        self._virtual_us = 0

    def start(self, now_ns: int, now_us: int) -> None:
        """From here on."""
        self._wall_ns, self._virtual_us = now_ns, now_us

    def target_us(self, now_ns: int) -> int | None:
        """Where virtual time should be now; None: as far as can be."""
        if self.speed is None:
            return None
        return self._virtual_us + (now_ns - self._wall_ns) * self.speed // 1_000_000

    def reached(self, now_ns: int, now_us: int) -> None:
        """The simulation got to ``now_us``. What it can't make good is forgiven."""
        target_us = self.target_us(now_ns)
        if target_us is None or self.speed is None:
            return
        if (target_us - now_us) * 1_000_000 // self.speed > PATIENCE_NS:
            self.start(now_ns, now_us)

    def step(self, direction: int) -> None:
        """The next higher (1) or lower (-1) speed of ``SPEEDS``."""
        known = [speed for speed in SPEEDS if speed is not None]
        if self.speed is None:
            self.speed = known[-1] if direction < 0 else None
        elif direction > 0:
            self.speed = next((speed for speed in known if speed > self.speed), None)
        else:
            self.speed = next((s for s in reversed(known) if s < self.speed), known[0])
