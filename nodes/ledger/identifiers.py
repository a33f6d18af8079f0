"""Check digits of the identifiers that the ledger takes: LEI of parties, ISIN of securities."""

from __future__ import annotations

from typing import Final

LEI_LENGTH: Final = 20
ISIN_LENGTH: Final = 12


def valid_lei(lei: str) -> bool:
    """ISO 17442: 18 letters or digits and two check digits, ISO 7064 MOD 97-10."""
    return _is_code(lei, LEI_LENGTH) and lei[-2:].isdigit() and int(_digits(lei)) % 97 == 1


def valid_isin(isin: str) -> bool:
    """ISO 6166: two letters, nine letters or digits and a check digit (Luhn over the digits)."""
    if not _is_code(isin, ISIN_LENGTH) or not isin[:2].isalpha() or not isin[-1].isdigit():
        return False
    total = 0
    for place, digit in enumerate(reversed(_digits(isin))):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10 == 0


def _is_code(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isalnum() and text == text.upper()


def _digits(code: str) -> str:
    """Letters as two digits, A = 10 to Z = 35."""
    return "".join(str(int(character, 36)) for character in code)
