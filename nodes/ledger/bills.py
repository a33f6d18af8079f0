"""Treasury bills (MTB): 84, 182 or 364 days, ACT/365, no coupon.

P = 100 / (1 + y d/365); y = (100/P - 1) 365/d. Not the bank-discount formula.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

from nodes.ledger.pricing import CONTEXT, HUNDRED
from nodes.ledger.records import Series

DAYS_IN_YEAR: Final = 365
DENOMINATION: Final = 500_000
"""PKR 5,000 in paisa."""
TENORS: Final = (84, 182, 364)
UNIFORM_PRICE: Final = False
"""Auctions are at multiple prices: everybody pays its own."""


def coupon_dates(series: Series) -> tuple[date, ...]:
    """A bill pays nothing before it is redeemed."""
    return ()


def coupon_e4(series: Series, number: int) -> Fraction:
    """A bill has no coupon to ask for."""
    raise ValueError(f"{series.id} has no coupon {number}")


def problems(series: Series) -> Iterator[str]:
    """What is wrong with these terms."""
    if (series.maturity_date - series.issue_date).days not in TENORS:
        yield "maturity_date: a bill runs 84, 182 or 364 days"
    if series.denomination != DENOMINATION:
        yield f"denomination: of a bill it is {DENOMINATION}"
    if series.coupon_e4:
        yield "coupon_e4: a bill has none"


def accrued_e4(series: Series, settlement: date) -> Fraction:
    """Always zero."""
    return Fraction(0)


def _days(series: Series, settlement: date) -> int:
    if not series.issue_date <= settlement < series.maturity_date:
        raise ValueError(f"{series.id} can't settle on {settlement}")
    return (series.maturity_date - settlement).days


def clean_price(series: Series, settlement: date, yield_pct: Decimal) -> Decimal:
    """Price per 100 at a simple yield in percent, in 50 digits."""
    days = _days(series, settlement)
    with localcontext(CONTEXT):
        return HUNDRED / (1 + yield_pct * days / (HUNDRED * DAYS_IN_YEAR))


def yield_of(series: Series, settlement: date, price: Decimal) -> Decimal:
    """Simple yield in percent at a price per 100; 50 digits."""
    days = _days(series, settlement)
    if price <= 0:
        raise ValueError(f"no yield gives a price of {price}")
    with localcontext(CONTEXT):
        return (HUNDRED / price - 1) * DAYS_IN_YEAR / days * HUNDRED
