"""Prices, yields, accrued interest and schedules against QuantLib, an oracle we didn't write.

Hypothesis draws the terms; agreement is to 1e-6. QuantLib computes in floats, so it says nothing
of ties and rounding: those are tested by hand below it.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
import QuantLib as ql  # noqa: N813 - the name its own documentation uses
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.ledger import bills, bonds, pricing, sukuk
from nodes.ledger.calendar import add_months
from nodes.ledger.instruments import term_problems
from nodes.ledger.records import Series
from nodes.ledger.schedule import schedule
from tests.unit.ledger.support import BILL, PIB, SETTLEMENT_DAY

EXACT = 1e-6
EXAMPLES = int(os.environ.get("ORACLE_TERMS", "100"))
"""Random terms per instrument; ``make acceptance AREA=ledger`` asks for 1,000."""

days = st.dates(date(2001, 1, 1), date(2060, 12, 31))


def quantlib_date(day: date) -> ql.Date:
    return ql.Date(day.day, day.month, day.year)


@st.composite
def bond_terms(draw: st.DrawFn) -> tuple[Series, date]:
    years = draw(st.sampled_from(bonds.TENORS))
    issue = draw(days)
    series = replace(
        PIB,
        issue_date=issue,
        maturity_date=add_months(issue, 12 * years),
        coupon_e4=draw(st.integers(1_000, 250_000)),
    )
    assume(not term_problems(series))
    length = (series.maturity_date - issue).days
    return series, issue + timedelta(draw(st.integers(0, length - 1)))


def quantlib_bond(series: Series) -> ql.FixedRateBond:
    dates = ql.Schedule(
        quantlib_date(series.issue_date),
        quantlib_date(series.maturity_date),
        ql.Period(ql.Semiannual),
        ql.NullCalendar(),
        ql.Unadjusted,
        ql.Unadjusted,
        ql.DateGeneration.Backward,
        False,
    )
    day_count = ql.ActualActual(ql.ActualActual.ISMA, dates)
    return ql.FixedRateBond(0, 100.0, dates, [series.coupon_e4 / 1e6], day_count)


@settings(max_examples=EXAMPLES)
@given(bond_terms(), st.integers(1, 300_000))
def test_bonds_against_quantlib(terms: tuple[Series, date], yield_e4: int) -> None:
    series, settlement = terms
    oracle, on = quantlib_bond(series), quantlib_date(settlement)
    dates = [quantlib_date(day) for day in bonds.coupon_dates(series)]
    assert dates == [flow.date() for flow in oracle.cashflows()][:-1]
    accrued = bonds.accrued_e4(series, settlement)
    assert float(accrued) / 1e4 == pytest.approx(oracle.accruedAmount(on), abs=EXACT)
    yield_pct = Decimal(yield_e4).scaleb(-4)
    price = bonds.clean_price(series, settlement, yield_pct)
    expected = oracle.cleanPrice(
        float(yield_pct) / 100, oracle.dayCounter(), ql.Compounded, ql.Semiannual, on
    )
    assert float(price) == pytest.approx(expected, abs=EXACT)
    back = bonds.yield_of(series, settlement, price)
    assert abs(back - yield_pct) < Decimal("1e-30")
    oracle_yield = oracle.bondYield(
        ql.BondPrice(float(price), ql.BondPrice.Clean),
        oracle.dayCounter(), ql.Compounded, ql.Semiannual, on, 1e-12, 1000,
    )  # fmt: skip
    assert float(back) == pytest.approx(oracle_yield * 100, abs=EXACT)


@st.composite
def sukuk_terms(draw: st.DrawFn) -> tuple[Series, date]:
    issue = draw(days)
    series = replace(
        PIB,
        instrument="sukuk",
        underlying="m-2",
        issue_date=issue,
        maturity_date=add_months(issue, 12 * draw(st.sampled_from(sukuk.TENORS))),
        coupon_e4=draw(st.integers(1_000, 250_000)),
    )
    assume(not term_problems(series))
    length = (series.maturity_date - issue).days
    return series, issue + timedelta(draw(st.integers(0, length - 1)))


@settings(max_examples=EXAMPLES)
@given(sukuk_terms(), st.integers(1, 300_000))
def test_sukuk_against_quantlib(terms: tuple[Series, date], yield_e4: int) -> None:
    """Rentals by ACT/365, discounted over half-years: two day counts in one bond."""
    series, settlement = terms
    bond, on = quantlib_bond(series), quantlib_date(settlement)
    half_years = bond.dayCounter()
    oracle = ql.FixedRateBond(
        0,
        100.0,
        ql.Schedule(
            quantlib_date(series.issue_date), quantlib_date(series.maturity_date),
            ql.Period(ql.Semiannual), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted,
            ql.DateGeneration.Backward, False,
        ),
        [series.coupon_e4 / 1e6],
        ql.Actual365Fixed(),
    )  # fmt: skip
    rentals = [flow.amount() for flow in oracle.cashflows()][:-1]
    ours = [float(sukuk.coupon_e4(series, n)) / 1e4 for n in range(1, len(rentals) + 1)]
    assert ours == pytest.approx(rentals, abs=EXACT)
    accrued = sukuk.accrued_e4(series, settlement)
    assert float(accrued) / 1e4 == pytest.approx(oracle.accruedAmount(on), abs=EXACT)
    yield_pct = Decimal(yield_e4).scaleb(-4)
    price = sukuk.clean_price(series, settlement, yield_pct)
    rate = ql.InterestRate(float(yield_pct) / 100, half_years, ql.Compounded, ql.Semiannual)
    dirty = ql.CashFlows.npv(oracle.cashflows(), rate, False, on, on)
    assert float(price) == pytest.approx(dirty - oracle.accruedAmount(on), abs=EXACT)
    back = sukuk.yield_of(series, settlement, price)
    assert abs(back - yield_pct) < Decimal("1e-30")
    oracle_yield = ql.CashFlows.yieldRate(
        oracle.cashflows(),
        dirty,
        half_years,
        ql.Compounded,
        ql.Semiannual,
        False,
        on,
        on,
        1e-12,
        1000,
    )
    assert float(back) == pytest.approx(oracle_yield * 100, abs=EXACT)


@settings(max_examples=EXAMPLES)
@given(days, st.sampled_from(bills.TENORS), st.data(), st.integers(1, 300_000))
def test_bills_against_quantlib(
    issue: date, tenor: int, data: st.DataObject, yield_e4: int
) -> None:
    series = replace(BILL, issue_date=issue, maturity_date=issue + timedelta(tenor))
    assert not term_problems(series)
    settlement = issue + timedelta(data.draw(st.integers(0, tenor - 1)))
    yield_pct = Decimal(yield_e4).scaleb(-4)
    price = bills.clean_price(series, settlement, yield_pct)
    rate = ql.InterestRate(float(yield_pct) / 100, ql.Actual365Fixed(), ql.Simple, ql.Annual)
    start, end = quantlib_date(settlement), quantlib_date(series.maturity_date)
    assert float(price) == pytest.approx(100 * rate.discountFactor(start, end), abs=EXACT)
    implied = ql.InterestRate.impliedRate(
        100 / float(price), ql.Actual365Fixed(), ql.Simple, ql.Annual, start, end
    )
    back = bills.yield_of(series, settlement, price)
    assert float(back) == pytest.approx(implied.rate() * 100, abs=EXACT)
    assert bills.accrued_e4(series, settlement) == 0


@settings(max_examples=EXAMPLES)
@given(bond_terms(), st.lists(st.integers(0, 20 * 366), max_size=40))
def test_payment_and_record_days_against_quantlib(
    terms: tuple[Series, date], holidays: list[int]
) -> None:
    """A coupon is paid on its date or the following business day, whoever held the day before."""
    series, _ = terms
    closed = frozenset(series.issue_date + timedelta(days) for days in holidays)
    calendar = ql.BespokeCalendar("weekends and holidays")
    for weekday in (ql.Saturday, ql.Sunday):
        calendar.addWeekend(weekday)
    for day in closed:
        calendar.addHoliday(quantlib_date(day))
    for coupon in schedule(series, closed):
        pays = calendar.adjust(quantlib_date(coupon.unadjusted), ql.Following)
        assert quantlib_date(coupon.payment_date) == pays
        assert quantlib_date(coupon.record_date) == calendar.advance(pays, -1, ql.Days)


def test_the_51st_auctions_accrued_interest() -> None:
    """12 of 181 days of half of 7 %."""
    accrued = bonds.accrued_e4(PIB, SETTLEMENT_DAY)
    assert accrued == Fraction(35_000 * 12, 181)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (Fraction(1, 2), 1), (Fraction(-1, 2), -1), (Fraction(3, 2), 2), (Fraction(5, 2), 3),
        (Fraction(49, 100), 0), (Fraction(51, 100), 1), (Fraction(-49, 100), 0), (Fraction(7), 7),
    ],
)  # fmt: skip
def test_round_half_up(value: Fraction, rounded: int) -> None:
    assert pricing.round_half_up(value) == rounded


def test_odd_bill_units_tie() -> None:
    """PKR 5,000 at 95.6713 is 4,783.565 rupees: half a paisa, which goes up."""
    assert pricing.share_of_face(500_000, 956_713) == Fraction(956_713, 2)
    assert pricing.round_half_up(pricing.share_of_face(500_000, 956_713)) == 478_357


@given(st.fractions(min_value=0, max_value=10**12))
def test_ceiling(value: Fraction) -> None:
    whole = pricing.ceiling(value)
    assert whole - 1 < value <= whole


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2023, 8, 31), -6, date(2023, 2, 28)),
        (date(2024, 8, 30), -6, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2023, 1, 31), 3, date(2023, 4, 30)),
        (date(2023, 1, 15), -1, date(2022, 12, 15)),
        (date(2023, 12, 15), 1, date(2024, 1, 15)),
    ],
)
def test_add_months(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


def test_prices_that_no_yield_gives() -> None:
    last_day = PIB.maturity_date - timedelta(1)
    for price in (Decimal("0.0001"), Decimal(1), Decimal(200)):
        with pytest.raises(ValueError, match="no yield"):
            bonds.yield_of(PIB, last_day, price)
    with pytest.raises(ValueError, match="no yield"):
        bills.yield_of(BILL, BILL.issue_date, Decimal(0))
    for module, series in ((bonds, PIB), (bills, BILL)):
        with pytest.raises(ValueError, match="can't settle"):
            module.yield_of(series, series.maturity_date, Decimal(99))


@pytest.mark.parametrize(
    ("series", "changes"),
    [
        (PIB, {"maturity_date": date(2024, 8, 20)}),
        (PIB, {"maturity_date": PIB.issue_date}),
        (PIB, {"denomination": 1}),
        (PIB, {"coupon_e4": 0}),
        (PIB, {"coupon_e4": 1_000_001}),
        (PIB, {"issue_date": date(9990, 1, 1), "maturity_date": date(9993, 1, 1)}),
        (PIB, {"issue_date": date(2020, 2, 29), "maturity_date": date(2023, 2, 28)}),
        (BILL, {"maturity_date": date(2022, 1, 14)}),
        (BILL, {"denomination": 1}),
        (BILL, {"coupon_e4": 1}),
    ],
)
def test_wrong_terms(series: Series, changes: dict[str, object]) -> None:
    assert term_problems(series) == []
    assert term_problems(replace(series, **changes)) != []
