"""When a series pays: coupon dates, the day on which each is paid, and whose holding counts.

The schedule runs backward from maturity, unadjusted. A coupon is paid on its date or, if that is
no business day, on the following one, the amount unchanged; entitled is who holds at the close
of the business day before the payment. Redemption is paid with the last coupon.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import msgspec

from nodes.ledger.calendar import is_business_day, next_business_day, previous_business_day
from nodes.ledger.instruments import instrument_of
from nodes.ledger.records import Series, Upcoming


class CouponDate(msgspec.Struct, frozen=True):
    """One coupon: its number from 1, its unadjusted date, and the two business days."""

    number: int
    unadjusted: date
    payment_date: date
    record_date: date


def payment_day(day: date, closed: frozenset[date]) -> date:
    """``day``, or the following business day."""
    return day if is_business_day(day, closed) else next_business_day(day, closed)


@lru_cache(maxsize=1 << 10)
def schedule(series: Series, closed: frozenset[date]) -> tuple[CouponDate, ...]:
    """All coupons of a series, the first one first; empty for bills."""
    found = []
    for number, day in enumerate(instrument_of(series).coupon_dates(series), 1):
        pays = payment_day(day, closed)
        found.append(CouponDate(number, day, pays, previous_business_day(pays, closed)))
    return tuple(found)


def upcoming(series: Series, closed: frozenset[date], first_payment: date) -> Upcoming | None:
    """The first coupon that is paid on ``first_payment`` or later; None if there is none."""
    for coupon in schedule(series, closed):
        if coupon.payment_date >= first_payment:
            return Upcoming(coupon.number, coupon.record_date)
    return None


def recorded_by(
    series: Series, closed: frozenset[date], number: int, today: date
) -> Iterator[CouponDate]:
    """Coupons from ``number`` on whose record date lies before ``today``."""
    for coupon in schedule(series, closed)[number - 1 :]:
        if coupon.record_date >= today:
            return
        yield coupon
