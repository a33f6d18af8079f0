"""Pakistan Investment Bonds, fixed rate: semi-annual coupons, ACT/ACT (ICMA).

Per 100 of face, settled on s, t days into a coupon period of E days, coupon c a year, n
coupons to come: accrued = 100 (c/2)(t/E); with v = 1/(1+y/2) and w = (E-t)/E,
dirty = sum over k<n of (100 c/2) v^(w+k) + 100 v^(w+n-1); clean = dirty - accrued.
The schedule runs backward from maturity, unadjusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Final

from nodes.ledger.calendar import add_months
from nodes.ledger.pricing import CONTEXT, HUNDRED, UNIT_E4, decimal_of, present_value, solve_yield
from nodes.ledger.records import Series

FREQUENCY: Final = 2
MONTHS: Final = 12 // FREQUENCY
DENOMINATION: Final = 10_000_000
"""PKR 100,000 in paisa."""
TENORS: Final = (3, 5, 10, 20)
MAX_COUPON_E4: Final = 1_000_000
UNIFORM_PRICE: Final = False
"""Auctions are at multiple prices: everybody pays its own."""


def coupon_dates(series: Series) -> tuple[date, ...]:
    """Unadjusted coupon dates after issue, ascending; the last is the maturity."""
    dates = []
    day, count = series.maturity_date, 0
    while day > series.issue_date:
        dates.append(day)
        count += 1
        day = add_months(series.maturity_date, -MONTHS * count)
    return tuple(reversed(dates))


def coupon_e4(series: Series, number: int) -> Fraction:
    """Half the annual coupon, every time."""
    return Fraction(series.coupon_e4, FREQUENCY)


def problems(series: Series) -> Iterator[str]:
    """What is wrong with these terms."""
    if series.maturity_date not in {add_months(series.issue_date, 12 * y) for y in TENORS}:
        yield "maturity_date: a PIB runs 3, 5, 10 or 20 years"
    elif add_months(series.maturity_date, -MONTHS * len(coupon_dates(series))) != (
        series.issue_date
    ):
        yield "issue_date: not on the coupon schedule"
    if series.denomination != DENOMINATION:
        yield f"denomination: of a PIB it is {DENOMINATION}"
    if not 0 < series.coupon_e4 <= MAX_COUPON_E4:
        yield f"coupon_e4: must be above 0 and at most {MAX_COUPON_E4}"


class Position:
    """Where a settlement date lies in a half-yearly schedule; days are actual.

    Raises ``ValueError`` for a date on which the series can't settle.
    """

    __slots__ = ("coupons", "elapsed", "period")

    def __init__(self, series: Series, settlement: date) -> None:
        if not series.issue_date <= settlement < series.maturity_date:
            raise ValueError(f"{series.id} can't settle on {settlement}")
        dates = coupon_dates(series)
        following = next(i for i, day in enumerate(dates) if day > settlement)
        previous = dates[following - 1] if following else series.issue_date
        self.coupons = len(dates) - following
        self.elapsed = (settlement - previous).days
        self.period = (dates[following] - previous).days

    @property
    def remaining(self) -> Decimal:
        """The share of the running period that is left."""
        return Decimal(self.period - self.elapsed) / self.period


def accrued_e4(series: Series, settlement: date) -> Fraction:
    """Accrued interest per 100 of face, in 10^-4, unrounded."""
    position = Position(series, settlement)
    return Fraction(series.coupon_e4 * position.elapsed, FREQUENCY * position.period)


def clean_price(series: Series, settlement: date, yield_pct: Decimal) -> Decimal:
    """Clean price per 100 at a yield in percent, in 50 digits."""
    position = Position(series, settlement)
    accrued = decimal_of(accrued_e4(series, settlement) / UNIT_E4)
    with localcontext(CONTEXT):
        return _dirty(series, position, yield_pct) - accrued


def _dirty(series: Series, position: Position, yield_pct: Decimal) -> Decimal:
    coupon = Decimal(series.coupon_e4) / (FREQUENCY * UNIT_E4)
    growth = 1 + yield_pct / (FREQUENCY * HUNDRED)
    flows = [coupon] * (position.coupons - 1) + [coupon + HUNDRED]
    return present_value(flows, growth, position.remaining)


@lru_cache(maxsize=1 << 12)
def yield_of(series: Series, settlement: date, price: Decimal) -> Decimal:
    """Yield in percent, compounded semi-annually, at a clean price per 100; 50 digits.

    Remembered: the validators of one process all ask for the same.
    """
    position = Position(series, settlement)
    dirty = CONTEXT.add(price, decimal_of(accrued_e4(series, settlement) / UNIT_E4))
    return solve_yield(lambda guess: _dirty(series, position, guess), dirty)
