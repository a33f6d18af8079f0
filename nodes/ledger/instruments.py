"""The table of instruments: what a series of each kind must look like, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, Protocol

from nodes.ledger import bills, bonds, metals, sukuk
from nodes.ledger.identifiers import valid_isin
from nodes.ledger.records import Series


class Instrument(Protocol):
    """What an instrument's module offers."""

    UNIFORM_PRICE: bool
    """Whether everybody pays an auction's cut-off price; else each bid pays its own."""

    def coupon_dates(self, series: Series) -> tuple[date, ...]:
        """Unadjusted coupon dates after issue, ascending."""
        ...

    def coupon_e4(self, series: Series, number: int) -> Fraction:
        """What coupon ``number`` (from 1) pays per 100 of face, 10^-4, unrounded."""
        ...

    def problems(self, series: Series) -> Iterator[str]:
        """What is wrong with terms whose dates are in order."""
        ...

    def accrued_e4(self, series: Series, settlement: date) -> Fraction:
        """Accrued interest per 100 of face, 10^-4, unrounded."""
        ...

    def clean_price(self, series: Series, settlement: date, yield_pct: Decimal) -> Decimal:
        """Clean price per 100 at a yield in percent."""
        ...

    def yield_of(self, series: Series, settlement: date, price: Decimal) -> Decimal:
        """Yield in percent at a clean price. ``ValueError`` if no yield gives it."""
        ...


EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 2200
"""Terms outside these years are a mistake; inside them date arithmetic can't overflow."""

CURRENCY: Final = "PKR"
"""Of all securities: the programme values them in USD at the rate for it."""

INSTRUMENTS: Final[dict[str, Instrument]] = {
    "pib": bonds,
    "mtb": bills,
    "sukuk": sukuk,
    "commodity": metals,
}
"""By ``Series.instrument``."""


def instrument_of(series: Series) -> Instrument:
    """The rules of this series' instrument."""
    return INSTRUMENTS[series.instrument]


def rule_problems(series: Series) -> list[str]:
    """What is wrong with the compliance modules of ``series``."""
    rules = series.rules
    found = [
        f"rules.{name}: must not be negative"
        for name in ("max_balance", "supply_limit", "window_days", "window_limit")
        if getattr(rules, name) < 0
    ]
    if bool(rules.window_days) != bool(rules.window_limit):
        found.append("rules.window_days: goes with window_limit")
    return found


def term_problems(series: Series) -> list[str]:
    """Everything that is wrong with the terms of ``series``; empty if nothing is."""
    for field, day in (("issue_date", series.issue_date), ("maturity_date", series.maturity_date)):
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            return [f"{field}: the year must be from {EARLIEST_YEAR} to {LATEST_YEAR}"]
    if series.issue_date >= series.maturity_date:
        return ["maturity_date: must be after issue_date"]
    found = list(instrument_of(series).problems(series))
    if series.isin and not valid_isin(series.isin):
        found.append("isin: the check digit is wrong")
    found += rule_problems(series)
    if series.underlying and series.instrument != "sukuk":
        found.append("underlying: only a sukuk has one")
    if series.metal and series.instrument != "commodity":
        found.append("metal: only a commodity has one")
    if series.currency != CURRENCY:
        found.append(f"currency: securities are in {CURRENCY}")
    return found
