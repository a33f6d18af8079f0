"""Turns plain TOML data into structs, collecting every error instead of stopping at the first.

``msgspec.convert`` reports one error; a scenario's author wants all of them. So the walk over
the types is done here, on ``msgspec.inspect``'s description of the very structs, and each
field is converted on its own.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from scenarios.errors import ScenarioError, did_you_mean, join, kind_of, quoted
from scenarios.units import UNITS, UnitError
from scenarios.wording import CHOICES, wanted

Report = Callable[[str, str], None]
"""Takes a path and a message."""

Families = Mapping[type, Mapping[str, type]]
"""Base class of tagged tables -> its members by the value of the tag field."""


class _Failed:
    """Stands for a value that could not be converted (its errors are reported)."""

    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = _Failed()


def whole(value: Any) -> bool:
    """Whether nothing in ``value`` failed."""
    if isinstance(value, msgspec.Struct):
        return all(whole(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, tuple | list):
        return all(whole(item) for item in value)
    if isinstance(value, dict):
        return all(whole(item) for item in value.values())
    return value is not FAILED


T = TypeVar("T")


def entries(path: str, items: Any, cls: type[T]) -> Iterator[tuple[str, T]]:
    """(path, item) of those items of an array that could be read as ``cls``."""
    for index, item in enumerate(items if isinstance(items, tuple) else ()):
        if isinstance(item, cls):
            yield f"{path}[{index}]", item


class Converter:
    """Converts one document; ``errors`` grows as it goes.

    What it returns is good only if there are no errors; with errors it may hold ``FAILED`` in
    places, and serves to find further errors.
    """

    def __init__(self, families: Families) -> None:
        self.errors: list[ScenarioError] = []
        self._families = families

    def report(self, path: str, message: str) -> None:
        """Adds an error."""
        self.errors.append(ScenarioError(path, message))

    def struct(self, cls: type, value: Any, path: str = "") -> Any:
        """An instance of ``cls`` from a table, or ``FAILED``."""
        family = self._families.get(cls)
        if family is not None:
            return self._member(family, value, path)
        if not isinstance(value, dict):
            self.report(path, f"wanted a table, got {kind_of(value)}")
            return FAILED
        return self._fields(cls, value, path, skip="")

    def _member(self, family: Mapping[str, type], value: Any, path: str) -> Any:
        """A tagged table: ``kind`` says which of the family it is."""
        if not isinstance(value, dict):
            self.report(path, f"wanted a table with a kind, got {kind_of(value)}")
            return FAILED
        kind = value.get("kind")
        if kind is None:
            self.report(join(path, "kind"), f"missing; one of {', '.join(sorted(family))}")
            return FAILED
        if not isinstance(kind, str) or kind not in family:
            hint = did_you_mean(str(kind), family)
            known = "" if hint.startswith("; known") else f" (known: {', '.join(sorted(family))})"
            self.report(join(path, "kind"), f"unknown kind {quoted(kind)}{hint}{known}")
            return FAILED
        return self._fields(family[kind], value, path, skip="kind")

    def _fields(self, cls: type, table: dict[str, Any], path: str, skip: str) -> Any:
        """A struct from its fields. One that fails leaves its default, or ``FAILED``, behind,
        so that the rest can still be checked against other parts of the document."""
        errors_before = len(self.errors)
        known = {field.encode_name: field for field in _struct_type(cls).fields}
        for key in table:
            if key not in known and key != skip:
                self.report(join(path, key), f"unknown field{did_you_mean(key, known)}")
        values: dict[str, Any] = {}
        for key, field in known.items():
            if key in table:
                values[field.name] = self.value(field.type, table[key], join(path, key))
                if values[field.name] is FAILED and not field.required:
                    del values[field.name]
            elif field.required:
                self.report(join(path, key), f"missing; wanted {wanted(field.type)}")
                values[field.name] = FAILED
        try:
            return cls(**values)
        except (ValueError, TypeError, ArithmeticError) as error:
            if len(self.errors) == errors_before:
                self.report(path, str(error))
            return _unchecked(cls, values)

    def value(self, type_: inspect.Type, value: Any, path: str) -> Any:
        """``value`` as ``type_``, or ``FAILED``."""
        if isinstance(type_, inspect.Metadata):
            unit = (type_.extra or {}).get("unit")
            if unit is None:
                return self._described(type_, value, path)
            try:
                return UNITS[unit].parse(value)
            except UnitError as error:
                self.report(path, f"{error}, got {quoted(value)}")
                return FAILED
        if isinstance(type_, inspect.UnionType):
            return self._union(type_, value, path)
        if isinstance(type_, inspect.StructType):
            return self.struct(type_.cls, value, path)
        if isinstance(type_, inspect.VarTupleType | inspect.ListType):
            return self._array(type_.item_type, value, path)
        if isinstance(type_, inspect.DictType):
            return self._mapping(type_.value_type, value, path)
        problem = _scalar_problem(type_, value)
        if problem:
            self.report(path, problem)
            return FAILED
        return value

    def _described(self, type_: inspect.Metadata, value: Any, path: str) -> Any:
        """A value whose type explains itself: the explanation replaces a pattern."""
        words = (type_.extra_json_schema or {}).get("description")
        if words is None or not isinstance(value, str):
            return self.value(type_.type, value, path)
        if _scalar_problem(type_.type, value):
            self.report(path, f"wanted {words}, got {quoted(value)}")
            return FAILED
        return value

    def _array(self, item: inspect.Type, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            self.report(path, f"wanted an array, got {kind_of(value)}")
            return FAILED
        return tuple(self.value(item, v, f"{path}[{i}]") for i, v in enumerate(value))

    def _mapping(self, item: inspect.Type, value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            self.report(path, f"wanted a table, got {kind_of(value)}")
            return FAILED
        return {key: self.value(item, v, join(path, key)) for key, v in value.items()}

    def _union(self, type_: inspect.UnionType, value: Any, path: str) -> Any:
        members = [t for t in type_.types if not isinstance(t, inspect.NoneType)]
        if len(members) == 1:
            return self.value(members[0], value, path)
        tables = [t for t in members if isinstance(t, inspect.StructType)]
        if isinstance(value, dict) and len(tables) > 1:
            return self._member({str(t.tag): t.cls for t in tables}, value, path)
        fitting = [t for t in members if _fits(t, value)]
        if not fitting:
            self.report(path, f"wanted {wanted(type_)}, got {kind_of(value)}")
            return FAILED
        return self.value(fitting[0], value, path)


def _unchecked(cls: type, values: dict[str, Any]) -> Any:
    """An instance that its own ``__post_init__`` refuses: good for further checks only."""
    fields = {}
    for field in _struct_type(cls).fields:
        if field.required or field.name in values:
            fields[field.name] = values.get(field.name, FAILED)
    return _lenient(cls)(**fields)


@cache
def _lenient(cls: type) -> type:
    """A subclass without the checks among its fields."""
    return msgspec.defstruct(
        cls.__name__,
        [],
        bases=(cls,),
        namespace={"__post_init__": lambda self: None},
        frozen=True,
        kw_only=True,
    )


@cache
def _struct_type(cls: type) -> inspect.StructType:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return info


def _fits(type_: inspect.Type, value: Any) -> bool:
    """Whether a value has the outer form of a type."""
    if isinstance(type_, inspect.Metadata):
        return _fits(type_.type, value) or (type_.extra or {}).get("unit") is not None
    if isinstance(type_, inspect.StructType | inspect.DictType):
        return isinstance(value, dict)
    if isinstance(type_, inspect.VarTupleType | inspect.ListType):
        return isinstance(value, list)
    if isinstance(type_, inspect.StrType):
        return isinstance(value, str)
    if isinstance(type_, inspect.LiteralType):
        return isinstance(value, tuple({type(v) for v in type_.values}))
    return not _scalar_problem(type_, value)


def _scalar_problem(type_: inspect.Type, value: Any) -> str:
    """Why ``value`` isn't a ``type_``; empty if it is."""
    if isinstance(type_, inspect.AnyType):
        return ""
    if isinstance(type_, inspect.LiteralType):
        if value in type_.values and not isinstance(value, bool):
            return ""
        known = [str(v) for v in type_.values]
        hint = did_you_mean(value, known) if isinstance(value, str) else ""
        return f"wanted {wanted(type_)}, got {quoted(value)}{'' if '; known' in hint else hint}"
    if isinstance(type_, inspect.StrType):
        return _string_problem(type_, value)
    if isinstance(type_, inspect.IntType):
        return _integer_problem(type_, value)
    return "" if _fits_plain(type_, value) else f"wanted {wanted(type_)}, got {quoted(value)}"


def _fits_plain(type_: inspect.Type, value: Any) -> bool:
    if isinstance(type_, inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(type_, inspect.DateType):
        return isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    assert isinstance(type_, inspect.DecimalType), f"no scenario field has type {type_}"
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return number and Decimal(value).is_finite()


def _string_problem(type_: inspect.StrType, value: Any) -> str:
    if not isinstance(value, str):
        return f"wanted a string, got {kind_of(value)}"
    if type_.max_length is not None and len(value) > type_.max_length:
        return f"wanted at most {type_.max_length} characters, got {len(value)}"
    if type_.min_length is not None and len(value) < type_.min_length:
        return f"wanted at least {type_.min_length} characters"
    # fullmatch on the pattern between its anchors: "$" alone would let a newline through.
    if type_.pattern is not None and not re.fullmatch(type_.pattern.strip("^$"), value):
        choices = CHOICES.fullmatch(type_.pattern)
        hint = did_you_mean(value, choices[1].split("|")) if choices else ""
        hint = "" if "; known" in hint else hint
        return f"wanted {wanted(type_)}, got {quoted(value)}{hint}"
    return ""


def _integer_problem(type_: inspect.IntType, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"wanted {wanted(type_)}, got {quoted(value)}"
    low = value < type_.ge if type_.ge is not None else False
    low = low or (type_.gt is not None and value <= type_.gt)
    high = value > type_.le if type_.le is not None else False
    high = high or (type_.lt is not None and value >= type_.lt)
    return f"wanted {wanted(type_)}, got {quoted(value)}" if low or high else ""
