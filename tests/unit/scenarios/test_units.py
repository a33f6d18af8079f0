"""Quantities: exact, and refused in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.units import (
    UNITS,
    Amount,
    UnitError,
    parse_amount,
    parse_bandwidth,
    parse_duration,
    parse_factor,
    parse_probability,
    parse_rate,
    parse_signed_duration,
    show_amount,
    show_bandwidth,
    show_duration,
    show_ppm,
    show_rate,
)

ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,40})? ?(us|ms|s|m|h|/s|bit|Mbit| PKR)", fullmatch=True),
    st.integers(),
    st.decimals(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=2),
)


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("120s", 120_000_000), ("100ms", 100_000), ("60us", 60), ("2m", 120_000_000),
     ("1h", 3_600_000_000), ("1.5ms", 1500), ("0s", 0), (" 2 s ", 2_000_000)],
)  # fmt: skip
def test_durations(text: str, microseconds: int) -> None:
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize(
    "value",
    ["2", "2 sec", "s", "", "1e3s", "0.5us", "-1s", "1s2ms", "2S", 2, None, "٣s", "9" * 25 + "s"],
)
def test_not_durations(value: object) -> None:
    with pytest.raises(UnitError):
        parse_duration(value)


def test_signed_durations() -> None:
    assert parse_signed_duration("-1.5s") == -1_500_000
    assert UNITS["signed-duration"].show(-1_500_000) == "-1500ms"


def test_rates_are_whole_events_an_hour() -> None:
    assert parse_rate("50/s") == 180_000
    assert parse_rate("10/m") == 600
    assert parse_rate("0.5/m") == 30
    for wrong in ("0/s", "-1/s", "0.0001/h", "50", "50/d"):
        with pytest.raises(UnitError):
            parse_rate(wrong)


def test_bandwidths() -> None:
    assert parse_bandwidth("100Mbit") == 100_000_000
    assert parse_bandwidth("0.5kbit") == 500
    for wrong in ("100MB", "0bit", "100"):
        with pytest.raises(UnitError):
            parse_bandwidth(wrong)


def test_probabilities_and_factors_are_exact() -> None:
    assert parse_probability(Decimal("0.1")) == 100_000
    assert parse_probability(1) == 1_000_000
    assert parse_factor(Decimal("2.5")) == 2_500_000
    for wrong in (Decimal("1.000001"), Decimal("-0.1"), Decimal("NaN"), Decimal("0.0000001"), True):
        with pytest.raises(UnitError):
            parse_probability(wrong)
    long = Decimal("0." + "1" * 200)
    with pytest.raises(UnitError):
        parse_factor(long)


def test_money_knows_its_minor_unit() -> None:
    assert parse_amount("1000000.00 PKR") == Amount(100_000_000, "PKR")
    assert parse_amount("1 PKR") == Amount(100, "PKR")
    assert parse_amount("5 PIB-3Y-20AUG2023") == Amount(5, "PIB-3Y-20AUG2023")
    assert show_amount(Amount(-5, "PKR")) == "-0.05 PKR"
    for wrong in ("1.005 PKR", "1.5 PIB", "-1.00 PKR", "1,000.00 PKR", "1.00", "PKR"):
        with pytest.raises(UnitError):
            parse_amount(wrong)


@given(st.integers(min_value=0, max_value=10**17))
def test_what_is_shown_reads_back(number: int) -> None:
    assert parse_duration(show_duration(number)) == number
    assert parse_factor(show_ppm(number)) == number
    assert parse_amount(show_amount(Amount(number, "PKR"))) == Amount(number, "PKR")
    assert parse_rate(show_rate(number + 1)) == number + 1
    assert parse_bandwidth(show_bandwidth(number + 1)) == number + 1


@given(ANYTHING, st.sampled_from(sorted(UNITS)))
def test_anything_is_a_quantity_or_a_unit_error(value: Any, unit: str) -> None:
    try:
        kept = UNITS[unit].parse(value)
    except UnitError:
        return
    else:
        assert isinstance(kept, int | str)
        assert UNITS[unit].parse(UNITS[unit].show(kept)) == kept
