"""Metal as an instrument: unit 0.001 fine ounce, no coupon, no maturity, no yield.

What is done with it is in ``commodity``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from nodes.ledger.pricing import ceiling
from nodes.ledger.records import OPEN_ENDED, Series

UNITS_PER_OUNCE: Final = 1_000
DENOMINATION: Final = 1
UNIFORM_PRICE: Final = False


def coupon_dates(series: Series) -> tuple[date, ...]:
    """Metal pays nothing."""
    return ()


def coupon_e4(series: Series, number: int) -> Fraction:
    """Metal has no coupon to ask for."""
    raise ValueError(f"{series.id} has no coupon {number}")


def problems(series: Series) -> Iterator[str]:
    """What is wrong with these terms."""
    if series.maturity_date != OPEN_ENDED:
        yield f"maturity_date: metal has none (leave it out, or write {OPEN_ENDED})"
    if series.denomination != DENOMINATION:
        yield f"denomination: of a commodity it is {DENOMINATION}, 0.001 fine ounce"
    if series.coupon_e4:
        yield "coupon_e4: metal pays none"
    if not series.metal:
        yield "metal: which one?"


def accrued_e4(series: Series, settlement: date) -> Fraction:
    """Always zero."""
    return Fraction(0)


def clean_price(series: Series, settlement: date, yield_pct: Decimal) -> Decimal:
    """Metal has no yield."""
    raise ValueError(f"{series.id} has no yield")


def yield_of(series: Series, settlement: date, price: Decimal) -> Decimal:
    """Metal has no yield."""
    raise ValueError(f"{series.id} has no yield")


def value_cents(units: int, price_e4: int, rate_e4: int) -> int:
    """USD cents of a quantity, rounded up: PKR per ounce and PKR per USD, both in 10^-4."""
    return ceiling(Fraction(100 * units * price_e4, UNITS_PER_OUNCE * rate_e4))
