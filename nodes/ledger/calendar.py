"""Business days: weekends and the genesis list of holidays, nothing computed at run time."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import Final

ONE_DAY: Final = timedelta(days=1)
SATURDAY: Final = 5
"""``date.weekday()`` of the first day of the weekend."""


def is_business_day(day: date, closed: AbstractSet[date]) -> bool:
    """True unless ``day`` is a Saturday, a Sunday or listed in ``closed``."""
    return day.weekday() < SATURDAY and day not in closed


def next_business_day(day: date, closed: AbstractSet[date]) -> date:
    """The first business day after ``day``."""
    day += ONE_DAY
    while not is_business_day(day, closed):
        day += ONE_DAY
    return day


def previous_business_day(day: date, closed: AbstractSet[date]) -> date:
    """The last business day before ``day``."""
    day -= ONE_DAY
    while not is_business_day(day, closed):
        day -= ONE_DAY
    return day


def business_days_before(day: date, count: int, closed: AbstractSet[date]) -> date:
    """The business day that lies ``count`` business days before ``day``."""
    for _ in range(count):
        day = previous_business_day(day, closed)
    return day


def add_months(day: date, months: int) -> date:
    """``day`` moved by whole months; a day that the month lacks becomes its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        if last <= day.day:
            try:
                return date(year, month + 1, last)
            except ValueError:
                continue
    raise AssertionError("unreachable: every month has 28 days")
