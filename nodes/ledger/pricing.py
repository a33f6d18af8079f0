"""Exact money, and yields for display.

The ledger takes prices, never yields. What it pays is an exact rational, rounded once, half
up, to whole minor units. Yields are derived from prices in ``decimal`` with 50 digits, by
bracketing; the one place where a yield leads back to a price is the non-competitive bid, and
that price is rounded to 10^-4 by everybody alike. No float anywhere.

Units: a price is per 100 of face in 10^-4; a coupon is annual, in percent, in 10^-4; a yield
is in percent, as ``Decimal``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from typing import Final

PRECISION: Final = 50
CONTEXT: Final = Context(prec=PRECISION)
UNIT_E4: Final = 10_000
"""Prices, percentages and rates count units of 10^-4."""
PER_100_E4: Final = 100 * UNIT_E4
"""A price of 100.0000."""

HUNDRED: Final = Decimal(100)
TOLERANCE: Final = Decimal(1).scaleb(-40)
"""A bracket narrower than this (in percent) is a yield."""
MAX_STEPS: Final = 400
LOWEST_YIELD: Final = Decimal(-99)
HIGHEST_YIELD: Final = Decimal(100_000)


def round_half_up(value: Fraction) -> int:
    """The nearest integer; of two equally near the one further from zero."""
    doubled = 2 * abs(value.numerator) + value.denominator
    nearest = doubled // (2 * value.denominator)
    return nearest if value >= 0 else -nearest


def ceiling(value: Fraction) -> int:
    """The least integer not below ``value``."""
    return -((-value.numerator) // value.denominator)


def share_of_face(face: int, price_e4: Fraction | int) -> Fraction:
    """Minor units, unrounded, that ``face`` is worth at a price per 100."""
    return Fraction(face) * price_e4 * Fraction(1, PER_100_E4)


def locked_value_cents(face_paisa: int, rate_e4: int) -> int:
    """USD cents of a face value at PKR per USD in 10^-4, rounded up."""
    return ceiling(Fraction(face_paisa * UNIT_E4, rate_e4))


def decimal_of(value: Fraction) -> Decimal:
    """``value`` in 50 digits."""
    return CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def to_e4(value: Decimal) -> int:
    """``value`` in units of 10^-4, half up."""
    return int(value.scaleb(4, CONTEXT).to_integral_value(ROUND_HALF_UP))


def present_value(flows: Sequence[Decimal], growth: Decimal, remaining: Decimal) -> Decimal:
    """Value of ``flows`` (one a period, the first after ``remaining`` of a period).

    ``growth`` is one plus the yield of a period. Rounds in the context of the caller.
    """
    value = flows[-1]
    for flow in reversed(flows[:-1]):
        value = flow + value / growth
    # ln and exp are correctly rounded in every decimal implementation; power need not be.
    return value * (-remaining * growth.ln()).exp()


def solve_yield(price_at: Callable[[Decimal], Decimal], target: Decimal) -> Decimal:
    """The yield (percent) at which the decreasing function ``price_at`` gives ``target``.

    Illinois variant of regula falsi: the root stays bracketed, the stale end is halved.
    Raises ``ValueError`` if no yield between -99 % and 100,000 % has that price.
    """
    with localcontext(CONTEXT):
        low, high = LOWEST_YIELD, HIGHEST_YIELD
        low, high = _narrow(price_at, target, low, high)
        above, below = price_at(low) - target, price_at(high) - target
        side = 0
        for _ in range(MAX_STEPS):
            if high - low <= TOLERANCE or above == below:
                break
            guess = (low * below - high * above) / (below - above)
            error = price_at(guess) - target
            if error == 0:
                return guess
            if error > 0:
                low, above = guess, error
                below = below / 2 if side == 1 else below
                side = 1
            else:
                high, below = guess, error
                above = above / 2 if side == -1 else above
                side = -1
        return (low + high) / 2


def _narrow(
    price_at: Callable[[Decimal], Decimal], target: Decimal, low: Decimal, high: Decimal
) -> tuple[Decimal, Decimal]:
    """A bracket one percentage point wide: far ends make false position crawl."""
    if not price_at(low) >= target >= price_at(high):
        raise ValueError(f"no yield gives a price of {target}")
    while high - low > 1:
        middle = (low + high) / 2
        if price_at(middle) >= target:
            low = middle
        else:
            high = middle
    return low, high
