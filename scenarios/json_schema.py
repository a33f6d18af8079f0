"""The JSON Schema of a scenario file, so that editors complete and underline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import inspect

from scenarios.faults import FAULTS, Fault
from scenarios.schema import Scenario
from scenarios.units import UNITS
from scenarios.workload import WORKLOADS, Workload

_BASES: Final[dict[type, Iterable[type]]] = {
    Fault: tuple(FAULTS.values()),
    Workload: tuple(WORKLOADS.values()),
}
_REF: Final = "#/$defs/{name}"


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of what ``scenarios.loader`` reads."""
    members = [cls for family in _BASES.values() for cls in family]
    refs, definitions = msgspec.json.schema_components([Scenario, *members], ref_template=_REF)
    for base, family in _BASES.items():
        tags = {str(inspect.type_info(cls).tag): cls.__name__ for cls in family}  # type: ignore[attr-defined]
        definitions[base.__name__] = {
            "anyOf": [{"$ref": _REF.format(name=name)} for name in tags.values()],
            "discriminator": {
                "propertyName": "kind",
                "mapping": {tag: _REF.format(name=name) for tag, name in tags.items()},
            },
        }
    for cls in _structs([Scenario, *members]):
        _write_defaults(cls, definitions[cls.__name__])
    _allow_shorthands(definitions["Scenario"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "chainsim scenario",
        "$ref": refs[0]["$ref"],
        "$defs": {name: _as_written(definitions[name]) for name in sorted(definitions)},
    }


def _as_written(schema: Any) -> Any:
    """The types that a file holds, where they differ from those that are kept; no nulls."""
    if isinstance(schema, list):
        return [_as_written(item) for item in schema if item != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    result = {key: _as_written(value) for key, value in schema.items()}
    if "x-unit" in result:
        result["type"] = result.pop("x-unit")
    if result.get("format") == "decimal":
        del result["format"]
        result["type"] = "number"
    if len(result.get("anyOf", ())) == 1:
        result |= result.pop("anyOf")[0]
    return result


def _structs(roots: Iterable[type]) -> list[type]:
    """Every struct that the roots are made of."""
    found: dict[type, None] = {}

    def walk(type_: Any) -> None:
        if isinstance(type_, inspect.StructType) and type_.cls not in (*found, *_BASES):
            found[type_.cls] = None
            for field in type_.fields:
                walk(field.type)
        for name in ("type", "item_type", "value_type"):
            if hasattr(type_, name):
                walk(getattr(type_, name))
        for member in getattr(type_, "types", ()):
            walk(member)

    for root in roots:
        walk(inspect.type_info(root))
    return list(found)


def _write_defaults(cls: type, definition: dict[str, Any]) -> None:
    """Defaults as they are written: "2s", not 2000000; those of None say nothing."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        schema = definition["properties"][field.encode_name]
        if schema.get("default", "") is None:
            del schema["default"]
        unit = field.type.extra.get("unit") if _has_extra(field.type) else None  # type: ignore[attr-defined]
        if unit is not None and "default" in schema:
            shown = UNITS[unit].show(field.default)
            # JSON has no decimals: whoever reads a schema can take a binary fraction.
            schema["default"] = shown if isinstance(shown, str) else float(shown)


def _has_extra(type_: inspect.Type) -> bool:
    return isinstance(type_, inspect.Metadata) and type_.extra is not None


def _allow_shorthands(scenario: dict[str, Any]) -> None:
    """What the loader expands before it checks."""
    number = {"type": "integer", "minimum": 1, "maximum": 1000}
    properties = scenario["properties"]
    properties["validators"] = {"anyOf": [properties["validators"], number]}
