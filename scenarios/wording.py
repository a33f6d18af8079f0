"""Types in words: what a field of a scenario file wants."""

from __future__ import annotations

import re
from typing import Final

from msgspec import inspect

from scenarios.units import UNITS

CHOICES: Final = re.compile(r"\^\(([a-z0-9-]+(?:\|[a-z0-9-]+)+)\)\$")
"""Patterns that merely list words are shown as the list that they are."""

_SIMPLE: Final[dict[type, str]] = {
    inspect.BoolType: "true or false",
    inspect.DateType: "a date, like 2026-01-05",
    inspect.DecimalType: "a number",
    inspect.DictType: "a table",
    inspect.AnyType: "a value",
}


def wanted(type_: inspect.Type) -> str:
    """A type in words."""
    if isinstance(type_, inspect.Metadata):
        unit = (type_.extra or {}).get("unit")
        if unit is not None:
            return UNITS[unit].wanted
        described = (type_.extra_json_schema or {}).get("description")
        return described or wanted(type_.type)
    if isinstance(type_, inspect.UnionType):
        members = [t for t in type_.types if not isinstance(t, inspect.NoneType)]
        kinds = [str(t.tag) for t in members if isinstance(t, inspect.StructType) and t.tag]
        words = [wanted(t) for t in members if not isinstance(t, inspect.StructType) or not t.tag]
        words += [f"a table with a kind ({', '.join(kinds)})"] if kinds else []
        return " or ".join(dict.fromkeys(words))
    if isinstance(type_, inspect.LiteralType):
        names = [str(v) for v in type_.values]
        return f"one of {', '.join(names)}" if len(names) > 1 else names[0]
    if isinstance(type_, inspect.StructType):
        return "a table"
    if isinstance(type_, inspect.VarTupleType | inspect.ListType):
        return "an array"
    if isinstance(type_, inspect.IntType):
        return _wanted_integer(type_)
    if isinstance(type_, inspect.StrType):
        choices = CHOICES.fullmatch(type_.pattern or "")
        if choices:
            return "one of " + choices[1].replace("|", ", ")
        return f"a string like {type_.pattern}" if type_.pattern else "a string"
    return _SIMPLE[type(type_)]


def _wanted_integer(type_: inspect.IntType) -> str:
    low = type_.ge if type_.ge is not None else (None if type_.gt is None else type_.gt + 1)
    high = type_.le if type_.le is not None else (None if type_.lt is None else type_.lt - 1)
    if low is not None and high is not None:
        return f"a whole number from {low} to {high}"
    if low is not None:
        return f"a whole number of {low} or more"
    return "a whole number"
