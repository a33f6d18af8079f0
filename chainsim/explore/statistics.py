"""Two figures of sweeps that end at the first find: the median, and the interval of the rate.

The interval is Wilson's (1927; Newcombe 1998, method 3): it stays within 0 and 1 and holds its
level where finds are few, which is the usual case here. It is a line of arithmetic, so scipy,
which has it too, is not among the requirements; the standard library has the quantile. Sweeps end
at a find, so the trials are not fixed in advance; with five finds the interval is an
approximation, and is meant as one.
"""

from __future__ import annotations

from math import inf, sqrt
from statistics import NormalDist, median
from typing import Final

LEVEL: Final = 0.95
"""Of the interval."""


def wilson(finds: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """The interval for the chance of a find, given how many of the trials were one."""
    assert 0 <= finds <= trials
    if not trials:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = finds + z * z / 2
    reach = z * sqrt(finds * (trials - finds) / trials + z * z / 4)
    whole = trials + z * z
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def median_seeds(needed: list[int | None]) -> float | None:
    """The median of the seeds that sweeps needed, where None found nothing; None: it lies beyond
    what was swept."""
    if not needed:
        return None
    middle = median([inf if seeds is None else float(seeds) for seeds in needed])
    return None if middle == inf else middle
