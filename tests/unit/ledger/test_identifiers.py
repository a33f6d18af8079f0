"""Check digits, against python-stdnum: LEI (ISO 17442) and ISIN (ISO 6166)."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st
from stdnum import isin as isin_oracle
from stdnum import lei as lei_oracle

from nodes.ledger.identifiers import valid_isin, valid_lei

ALPHABET = string.ascii_uppercase + string.digits
stems = st.text(ALPHABET, min_size=18, max_size=18)
countries = st.sampled_from(["PK", "US", "GB", "AE", "XS"])
bodies = st.text(ALPHABET, min_size=9, max_size=9)
digits = st.text(string.digits, min_size=2, max_size=2)


@given(stems, digits)
def test_lei(stem: str, check: str) -> None:
    assert valid_lei(stem + check) == lei_oracle.is_valid(stem + check)


@given(stems)
def test_a_lei_with_computed_digits_is_valid(stem: str) -> None:
    number = int("".join(str(int(c, 36)) for c in stem + "00"))
    good = f"{stem}{98 - number % 97:02d}"
    assert valid_lei(good)
    assert lei_oracle.is_valid(good)


@given(countries, bodies, st.sampled_from(string.digits))
def test_isin(country: str, body: str, check: str) -> None:
    assert valid_isin(country + body + check) == isin_oracle.is_valid(country + body + check)


@given(countries, bodies)
def test_an_isin_with_the_right_digit_is_valid(country: str, body: str) -> None:
    good = country + body + isin_oracle.calc_check_digit(country + body)
    assert valid_isin(good)


def test_what_is_no_code_at_all() -> None:
    for text in ("", "PK", "pk0000000000", "PK00000000000000", "12345678901A", "PKé000000005"):
        assert not valid_isin(text)
        assert not valid_lei(text)
