"""Writes a scenario as TOML that loads again as the same scenario.

Only the forms that scenarios use are needed (tables, arrays of tables, scalars), so this is
shorter than a dependency. Everything is written, defaults too: a run's file then says what
ran, whatever later versions assume.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import inspect

from scenarios.units import UNITS


def to_document(value: Any) -> Any:
    """A struct as plain data in the units of a file; fields that are None are left out."""
    if not isinstance(value, msgspec.Struct):
        return value
    info = inspect.type_info(type(value))
    assert isinstance(info, inspect.StructType)
    table: dict[str, Any] = {}
    if info.tag_field is not None:
        table[info.tag_field] = info.tag
    for field in info.fields:
        plain = _plain(field.type, getattr(value, field.name))
        if plain is not None:
            table[field.encode_name] = plain
    return table


def _plain(type_: inspect.Type, value: Any) -> Any:
    unit = _unit(type_, value)
    if unit is not None:
        return UNITS[unit].show(value)
    if isinstance(value, tuple | list):
        item = _item_type(type_)
        return [_plain(item, v) for v in value]
    if isinstance(value, dict):
        return {key: _plain(inspect.AnyType(), v) for key, v in value.items() if v is not None}
    return to_document(value)


def _unit(type_: inspect.Type, value: Any) -> str | None:
    """The unit in which a value of this type is written, if it has one."""
    if isinstance(type_, inspect.UnionType) and value is not None:
        units = {_unit(t, value) for t in type_.types} - {None}
        return units.pop() if len(units) == 1 and not isinstance(value, tuple) else None
    if isinstance(type_, inspect.Metadata):
        kept = int if isinstance(type_.type, inspect.IntType) else str
        return (type_.extra or {}).get("unit") if isinstance(value, kept) else None
    return None


def _item_type(type_: inspect.Type) -> inspect.Type:
    members = type_.types if isinstance(type_, inspect.UnionType) else (type_,)
    for member in members:
        if isinstance(member, inspect.VarTupleType | inspect.ListType):
            return member.item_type
    return inspect.AnyType()


def to_toml(document: dict[str, Any]) -> str:
    """TOML text of plain data. Raises ``TypeError`` for what TOML can't hold."""
    lines: list[str] = []
    _table(document, "", lines)
    return "\n".join(lines).strip() + "\n"


def _table(table: dict[str, Any], path: str, lines: list[str]) -> None:
    below = []
    for key, value in table.items():
        if isinstance(value, dict) or _is_tables(value):
            below.append((key, value))
        else:
            lines.append(f"{_key(key)} = {_inline(value)}")
    for key, value in below:
        name = f"{path}.{_key(key)}" if path else _key(key)
        for item in value if isinstance(value, list) else [value]:
            lines += ["", f"[[{name}]]" if isinstance(value, list) else f"[{name}]"]
            _table(item, name, lines)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _key(key: str) -> str:
    bare = key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key)
    return key if bare else _string(key)


_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"} | {
    '"': '\\"',
    "\\": "\\\\",
}


def _string(text: str) -> str:
    return '"' + "".join(_character(c) for c in text) + '"'


def _character(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    return f"\\u{ord(c):04x}" if ord(c) < 0x20 or ord(c) == 0x7F else c


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else text + ".0"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items()) + " }"
    raise TypeError(f"TOML has no form for {type(value).__name__}")
