"""Quantities that people write in scenario files, as exact integers. No float comes near them.

Each unit type is an ``int`` (or ``str``) to the type checker, and carries in ``msgspec.Meta``
the name of the ``Unit`` that reads it from a file and writes it back. The loader looks that
name up in ``UNITS``; the JSON Schema shows what is written, not what is kept.

==============  ===================================  =============================
type            written as                           kept as
==============  ===================================  =============================
Duration        "120s" "100ms" "60us" "2m" "1h"      microseconds, 0 or more
SignedDuration  the same, or with a leading minus    microseconds
Rate            "50/s" "10/m" "0.5/h"                events per hour
Bandwidth       "100Mbit" "1Gbit" "64kbit"           bits per second
Probability     0.05                                 parts per million, 0 to 10**6
Factor          2.5                                  parts per million, 0 or more
Money           "1000000.00 PKR"                     the same text in canonical form
==============  ===================================  =============================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Annotated, Any, Final

import msgspec

PPM: Final = 1_000_000
"""Parts per million in one."""

CURRENCIES: Final[dict[str, int]] = {"PKR": 2, "USD": 2, "AED": 2}
"""Decimal places of each currency; anything else is an asset counted in whole minor units."""

_LARGEST: Final = 10**18
"""Quantities above this are slips of the keyboard, and would overflow 64 bits downstream."""

_NUMBER: Final = r"(-?[0-9]{1,30}(?:\.[0-9]{1,30})?)"
_DURATION_US: Final = {"us": 1, "ms": 1000, "s": PPM, "m": 60 * PPM, "h": 3600 * PPM}
_PER_HOUR: Final = {"s": 3600, "m": 60, "h": 1}
_BITS: Final = {"bit": 1, "kbit": 10**3, "Mbit": 10**6, "Gbit": 10**9}
_DURATION: Final = re.compile(_NUMBER + r"\s*(us|ms|s|m|h)")
_RATE: Final = re.compile(_NUMBER + r"\s*/\s*(s|m|h)")
_BANDWIDTH: Final = re.compile(_NUMBER + r"\s*(bit|kbit|Mbit|Gbit)")
_MONEY: Final = re.compile(_NUMBER + r"\s+([A-Za-z0-9][A-Za-z0-9._-]{0,63})")


class UnitError(ValueError):
    """A value that isn't a quantity of the unit wanted; the message says what was wanted."""


class Unit(msgspec.Struct, frozen=True):
    """How a quantity is read from a file, written back, and described to people."""

    wanted: str
    parse: Callable[[Any], Any]
    show: Callable[[Any], Any]


class Amount(msgspec.Struct, frozen=True):
    """``minor`` minor units (paisa, cents; whole units of a series) of ``asset``."""

    minor: int
    asset: str


_EXACT: Final = Context(prec=100, traps=[Inexact, InvalidOperation, Overflow])
"""Multiplies without rounding, or raises."""


def _whole(number: Decimal, scale: int, finest: str) -> int:
    if abs(number) > _LARGEST:
        raise UnitError("too large to be meant")
    try:
        return int(_EXACT.to_integral_exact(_EXACT.multiply(number, Decimal(scale))))
    except Inexact as error:
        raise UnitError(f"finer than {finest}, which is as fine as it gets") from error


def _match(pattern: re.Pattern[str], value: Any, wanted: str) -> tuple[Decimal, str]:
    if not isinstance(value, str):
        raise UnitError(f"wanted {wanted}, as a string")
    found = pattern.fullmatch(value.strip())
    if found is None:
        raise UnitError(f"wanted {wanted}")
    return Decimal(found[1]), found[2]


_DURATION_WANTED: Final = 'a duration with its unit, like "2s", "100ms", "60us", "2m" or "1h"'


def parse_signed_duration(value: Any) -> int:
    """Microseconds of ``"-1.5s"``. Raises ``UnitError``."""
    number, unit = _match(_DURATION, value, _DURATION_WANTED)
    return _whole(number, _DURATION_US[unit], "a microsecond")


def parse_duration(value: Any) -> int:
    """Microseconds of ``"120s"``, ``"1.5ms"``; never negative. Raises ``UnitError``."""
    result = parse_signed_duration(value)
    if result < 0:
        raise UnitError(f"wanted {_DURATION_WANTED}, not a negative one")
    return result


def show_duration(value_us: int) -> str:
    """The shortest exact text: ``show_duration(1_500_000) == "1500ms"``."""
    for unit in ("h", "m", "s", "ms"):
        # 90 s is friendlier than 1.5 m, and 120 s is what people write; hours and minutes
        # appear only when round and long.
        size = _DURATION_US[unit]
        if value_us and value_us % size == 0 and (unit in ("s", "ms") or value_us >= 10 * size):
            return f"{value_us // size}{unit}"
    return f"{value_us}us" if value_us else "0s"


_RATE_WANTED: Final = 'a rate, like "50/s" or "10/m"'


def parse_rate(value: Any) -> int:
    """Events per hour of ``"50/s"``; above zero. Raises ``UnitError``."""
    number, unit = _match(_RATE, value, _RATE_WANTED)
    result = _whole(number, _PER_HOUR[unit], "one an hour")
    if result <= 0:
        raise UnitError(f"wanted {_RATE_WANTED}, above zero")
    return result


def show_rate(per_hour: int) -> str:
    """The inverse of ``parse_rate``."""
    for unit in ("s", "m"):
        if per_hour % _PER_HOUR[unit] == 0:
            return f"{per_hour // _PER_HOUR[unit]}/{unit}"
    return f"{per_hour}/h"


_BANDWIDTH_WANTED: Final = 'a bandwidth, like "100Mbit", "64kbit" or "1Gbit" (per second)'


def parse_bandwidth(value: Any) -> int:
    """Bits per second of ``"100Mbit"``; above zero. Raises ``UnitError``."""
    number, unit = _match(_BANDWIDTH, value, _BANDWIDTH_WANTED)
    result = _whole(number, _BITS[unit], "a bit per second")
    if result <= 0:
        raise UnitError(f"wanted {_BANDWIDTH_WANTED}, above zero")
    return result


def show_bandwidth(bits: int) -> str:
    """The inverse of ``parse_bandwidth``."""
    for unit in ("Gbit", "Mbit", "kbit"):
        if bits % _BITS[unit] == 0:
            return f"{bits // _BITS[unit]}{unit}"
    return f"{bits}bit"


def _number(value: Any, wanted: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise UnitError(f"wanted {wanted}")
    number = Decimal(value)
    if not number.is_finite():
        raise UnitError(f"wanted {wanted}")
    return number


_PROBABILITY_WANTED: Final = "a probability from 0 to 1, like 0.05"
_FACTOR_WANTED: Final = "a number of 0 or more, like 2.5"


def parse_probability(value: Any) -> int:
    """Parts per million of a number from 0 to 1. Raises ``UnitError``."""
    number = _number(value, _PROBABILITY_WANTED)
    if not 0 <= number <= 1:
        raise UnitError(f"wanted {_PROBABILITY_WANTED}")
    return _whole(number, PPM, "one in a million")


def parse_factor(value: Any) -> int:
    """Parts per million of a number of 0 or more. Raises ``UnitError``."""
    number = _number(value, _FACTOR_WANTED)
    if number < 0:
        raise UnitError(f"wanted {_FACTOR_WANTED}")
    return _whole(number, PPM, "a millionth")


def show_ppm(ppm: int) -> Decimal:
    """The number that ``parse_probability`` and ``parse_factor`` read as ``ppm``."""
    text = f"{ppm // PPM}.{ppm % PPM:06d}".rstrip("0")
    return Decimal(text + "0" if text.endswith(".") else text)


_MONEY_WANTED: Final = 'an amount with its currency or series, like "1000000.00 PKR"'


def parse_amount(value: Any) -> Amount:
    """The amount of ``"1000000.00 PKR"``; never negative. Raises ``UnitError``."""
    number, asset = _match(_MONEY, value, _MONEY_WANTED)
    if number < 0:
        raise UnitError(f"wanted {_MONEY_WANTED}, not a negative one")
    places = CURRENCIES.get(asset, 0)
    finest = f"its {places} decimal places" if places else "a whole unit"
    return Amount(_whole(number, 10**places, finest), asset)


def show_amount(amount: Amount) -> str:
    """``"1000000.00 PKR"``: the inverse of ``parse_amount``."""
    places = CURRENCIES.get(amount.asset, 0)
    if not places:
        return f"{amount.minor} {amount.asset}"
    sign = "-" if amount.minor < 0 else ""
    units, minor = divmod(abs(amount.minor), 10**places)
    return f"{sign}{units}.{minor:0{places}d} {amount.asset}"


def _canonical_money(value: Any) -> str:
    return show_amount(parse_amount(value))


UNITS: Final[dict[str, Unit]] = {
    "duration": Unit(_DURATION_WANTED, parse_duration, show_duration),
    "signed-duration": Unit(
        _DURATION_WANTED,
        parse_signed_duration,
        lambda us: "-" + show_duration(-us) if us < 0 else show_duration(us),
    ),
    "rate": Unit(_RATE_WANTED, parse_rate, show_rate),
    "bandwidth": Unit(_BANDWIDTH_WANTED, parse_bandwidth, show_bandwidth),
    "probability": Unit(_PROBABILITY_WANTED, parse_probability, show_ppm),
    "factor": Unit(_FACTOR_WANTED, parse_factor, show_ppm),
    "money": Unit(_MONEY_WANTED, _canonical_money, str),
}
"""By the name that a type's ``Meta.extra["unit"]`` holds."""


def _text(unit: str, pattern: re.Pattern[str], example: str) -> msgspec.Meta:
    schema = {"x-unit": "string", "pattern": f"^{pattern.pattern}$", "examples": [example]}
    return msgspec.Meta(extra={"unit": unit}, extra_json_schema=schema)


def _numeric(unit: str, **bounds: Any) -> msgspec.Meta:
    return msgspec.Meta(extra={"unit": unit}, extra_json_schema={"x-unit": "number", **bounds})


# "x-unit" is what a file holds; ``scenarios.json_schema`` puts it in the place of "type".
Duration = Annotated[int, _text("duration", _DURATION, "2s")]
SignedDuration = Annotated[int, _text("signed-duration", _DURATION, "-2s")]
Rate = Annotated[int, _text("rate", _RATE, "50/s")]
Bandwidth = Annotated[int, _text("bandwidth", _BANDWIDTH, "100Mbit")]
Probability = Annotated[int, _numeric("probability", minimum=0, maximum=1)]
Factor = Annotated[int, _numeric("factor", minimum=0)]
Money = Annotated[str, _text("money", _MONEY, "1000000.00 PKR")]
