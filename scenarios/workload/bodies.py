"""Transaction bodies as people write them: "1000000.00 PKR", 95.0711, "30s", dates, hex.

The ledger's own structs say what is wanted: an amount in minor units takes money, a field that
ends in ``_e4`` takes a decimal number under its name without the ending (``price = 95.0711``),
one that ends in ``_us`` takes a time of the run (``deadline = "30s"``).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from nodes.ledger import codes
from nodes.ledger.transactions import BODIES, Body, Money, body_of
from scenarios.errors import did_you_mean, join, kind_of, quoted
from scenarios.keys import Keys
from scenarios.units import UnitError, parse_amount, parse_duration

CODES: Final = tuple(
    sorted(name for name, value in vars(codes).items() if isinstance(value, str) and name == value)
)
"""Receipt codes that the ledger knows."""

_E4: Final = "_e4"
_US: Final = "_us"
_KEY_FIELDS: Final = {"PARTY_REGISTER": ("id", "public_key")}
"""Types in which a public key may be left out: it is the key of the party named here."""

Report = Callable[[str, str], None]


class _Wrong(Exception):
    """A value can't be what its field wants; the message says why."""


def read_body(type_name: str, fields: dict[str, Any], keys: Keys, report: Report) -> Body | None:
    """The body that ``fields`` describe; None after reporting (path, message) of what is wrong."""
    if type_name not in BODIES:
        report("tx", f"unknown transaction {quoted(type_name)}{did_you_mean(type_name, BODIES)}")
        return None
    found: list[str] = []

    def collect(path: str, message: str) -> None:
        found.append(path)
        report(path, message)

    plain = _struct(BODIES[type_name], fields, "body", collect)
    named = _KEY_FIELDS.get(type_name)
    if named is not None and named[1] not in plain and isinstance(plain.get(named[0]), str):
        plain[named[1]] = keys.party(plain[named[0]]).public_key
    if found:
        return None
    try:
        return body_of(type_name, plain)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        report("body" + where.rstrip("`"), message[:1].lower() + message[1:])
        return None


def _struct(cls: type, fields: Any, path: str, report: Report) -> dict[str, Any]:
    if not isinstance(fields, dict):
        report(path, f"wanted a table, got {kind_of(fields)}")
        return {}
    known, short = _fields_of(cls)
    plain: dict[str, Any] = {}
    for key, value in fields.items():
        name = key if key in known else short.get(key)
        if name is None:
            report(join(path, key), f"unknown field{did_you_mean(key, short)}")
            continue
        try:
            plain[name] = _value(known[name].type, name, value, join(path, key), report)
        except (_Wrong, UnitError) as error:
            report(join(path, key), f"{error}, got {quoted(value)}")
    given = {short.get(key, key) for key in fields}
    for name, field in known.items():
        if field.required and name not in given and name != "public_key":
            report(join(path, name.removesuffix(_E4).removesuffix(_US)), "missing")
    return plain


@cache
def _fields_of(cls: type) -> tuple[dict[str, inspect.Field], dict[str, str]]:
    """Fields by their name in the ledger; those names by what people write."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    known = {field.encode_name: field for field in info.fields}
    return known, {name.removesuffix(_E4).removesuffix(_US): name for name in known}


def _value(type_: inspect.Type, name: str, value: Any, path: str, report: Report) -> Any:
    """``value`` in the form that ``msgspec.convert`` takes; what needs no change passes."""
    core = _core(type_)
    if isinstance(core, inspect.StructType):
        if core.cls is Money and isinstance(value, str):
            amount = parse_amount(value)
            return {"asset": amount.asset, "amount": amount.minor}
        return _struct(core.cls, value, path, report)
    if isinstance(core, inspect.VarTupleType) and isinstance(value, list):
        items = enumerate(value)
        return [_value(core.item_type, name, v, f"{path}[{i}]", report) for i, v in items]
    if isinstance(core, inspect.BytesType):
        return _bytes(value)
    if isinstance(core, inspect.IntType):
        return _integer(name, value)
    if isinstance(core, inspect.StrType) and not isinstance(value, str):
        raise _Wrong("wanted a string")
    if isinstance(core, inspect.BoolType) and not isinstance(value, bool):
        raise _Wrong("wanted true or false")
    if isinstance(core, inspect.DateType) and type(value) is not datetime.date:
        raise _Wrong("wanted a date without a time, like 2026-01-05")
    return value


def _core(type_: inspect.Type) -> inspect.Type:
    while isinstance(type_, inspect.Metadata | inspect.UnionType):
        if isinstance(type_, inspect.Metadata):
            type_ = type_.type
        else:
            type_ = next(t for t in type_.types if not isinstance(t, inspect.NoneType))
    return type_


def _integer(name: str, value: Any) -> Any:
    if name.endswith(_E4) and isinstance(value, str | int | Decimal) and value is not True:
        return ten_thousandths(value)
    if isinstance(value, str):
        return parse_duration(value) if name.endswith(_US) else parse_amount(value).minor
    if isinstance(value, Decimal):
        raise _Wrong('wanted a whole number, or an amount like "1000000.00 PKR"')
    return value


def ten_thousandths(value: str | int | Decimal) -> int:
    """``95.0711`` as 950711. Raises ``UnitError`` for more than four decimals or no number."""
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise UnitError("wanted a number") from error
    if not number.is_finite() or abs(number) > 10**12:
        raise UnitError("wanted a number of sensible size")
    scaled = number.scaleb(4)
    if scaled != scaled.to_integral_value():
        raise UnitError("wanted at most four decimals")
    return int(scaled)


def _bytes(value: Any) -> bytes:
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError) as error:
        raise _Wrong("wanted bytes in hexadecimal") from error
