"""Government Ijara sukuk, fixed rental: half-yearly rentals, ACT/365, backed by a federal asset.

Per 100 of face the rental of a period of d days is 100 c d/365 at the rental rate c; accrued rental
is the same over the days elapsed. With y compounded semi-annually and w the share of the running
period that is left (actual days), dirty = sum of rental k v^(w+k) + 100 v^(w+n-1), v = 1/(1+y/2).

Auctions are at a uniform price. A new issue is bid in rental rate, sold at par, and pays the
cut-off rate; a reopened one is bid in price. What is outstanding never exceeds the value of the
one asset that backs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Final

from nodes.ledger.bonds import FREQUENCY, MAX_COUPON_E4, MONTHS, Position, coupon_dates
from nodes.ledger.calendar import add_months
from nodes.ledger.pricing import (
    CONTEXT,
    HUNDRED,
    UNIT_E4,
    decimal_of,
    present_value,
    solve_yield,
)
from nodes.ledger.records import Series

__all__ = [
    "UNIFORM_PRICE",
    "accrued_e4",
    "clean_price",
    "coupon_dates",
    "coupon_e4",
    "problems",
    "yield_of",
]

DAYS_IN_YEAR: Final = 365
DENOMINATION: Final = 10_000_000
"""PKR 100,000 in paisa."""
TENORS: Final = (3, 5)
UNIFORM_PRICE: Final = True


def problems(series: Series) -> Iterator[str]:
    """What is wrong with these terms. A rental rate of 0 is one that an auction will set."""
    if series.maturity_date not in {add_months(series.issue_date, 12 * y) for y in TENORS}:
        yield "maturity_date: a sukuk runs 3 or 5 years"
    elif add_months(series.maturity_date, -MONTHS * len(coupon_dates(series))) != (
        series.issue_date
    ):
        yield "issue_date: not on the rental schedule"
    if series.denomination != DENOMINATION:
        yield f"denomination: of a sukuk it is {DENOMINATION}"
    if not 0 <= series.coupon_e4 <= MAX_COUPON_E4:
        yield f"coupon_e4: must be from 0 to {MAX_COUPON_E4}"
    if not series.underlying:
        yield "underlying: a sukuk is backed by an asset"


def coupon_e4(series: Series, number: int) -> Fraction:
    """The rental of period ``number``, by its days."""
    dates = (series.issue_date, *coupon_dates(series))
    return _rental_e4(series, (dates[number] - dates[number - 1]).days)


def _rental_e4(series: Series, days: int) -> Fraction:
    return Fraction(series.coupon_e4 * days, DAYS_IN_YEAR)


def accrued_e4(series: Series, settlement: date) -> Fraction:
    """Rental accrued since the period began, per 100 of face, in 10^-4, unrounded."""
    return _rental_e4(series, Position(series, settlement).elapsed)


def clean_price(series: Series, settlement: date, yield_pct: Decimal) -> Decimal:
    """Clean price per 100 at a yield in percent, in 50 digits."""
    accrued = decimal_of(accrued_e4(series, settlement) / UNIT_E4)
    with localcontext(CONTEXT):
        return _dirty(series, Position(series, settlement), yield_pct) - accrued


def _dirty(series: Series, position: Position, yield_pct: Decimal) -> Decimal:
    last = len(coupon_dates(series))
    numbers = range(last - position.coupons + 1, last + 1)
    flows = [decimal_of(coupon_e4(series, number) / UNIT_E4) for number in numbers]
    flows[-1] += HUNDRED
    growth = 1 + yield_pct / (FREQUENCY * HUNDRED)
    return present_value(flows, growth, position.remaining)


@lru_cache(maxsize=1 << 12)
def yield_of(series: Series, settlement: date, price: Decimal) -> Decimal:
    """Yield in percent, compounded semi-annually, at a clean price per 100; 50 digits."""
    position = Position(series, settlement)
    dirty = CONTEXT.add(price, decimal_of(accrued_e4(series, settlement) / UNIT_E4))
    return solve_yield(lambda guess: _dirty(series, position, guess), dirty)
