"""Quantities as people read them, rounded; what is exact is written by ``scenarios.units``."""

from __future__ import annotations


def seconds(us: int) -> str:
    """A duration for people: ``812 us``, ``41.3 ms``, ``2.5 s``, ``120 s``; rounded half up."""
    if us < 1000:
        return f"{us} us"
    if us < 1_000_000:
        return f"{_tenths(us, 1000)} ms"
    if us < 100_000_000:
        return f"{_tenths(us, 1_000_000, places=2)} s"
    return f"{(us + 500_000) // 1_000_000} s"


def _tenths(us: int, unit: int, places: int = 1) -> str:
    scale = 10**places
    whole, part = divmod((us * scale + unit // 2) // unit, scale)
    return f"{whole}.{part:0{places}d}".rstrip("0").rstrip(".")


def per_second(per_hour: int) -> str:
    """A rate for people: ``19.8/s``; below one a second ``12/m``."""
    if per_hour < 3600:
        return f"{(per_hour + 30) // 60}/m"
    return f"{_tenths(per_hour, 3600)}/s"


def percent(part: int, whole: int) -> str:
    """``62 %``, or ``21 times`` from three times on; "-" of nothing."""
    if not whole:
        return "-"
    if part >= 3 * whole:
        return f"{(part + whole // 2) // whole:,} times"
    return f"{(100 * part + whole // 2) // whole} %"
