"""The JSON Schema says what a file holds, not what the program keeps."""

from __future__ import annotations

import json
from typing import Any

from scenarios.faults import FAULTS
from scenarios.json_schema import json_schema
from scenarios.workload import WORKLOADS

SCHEMA = json_schema()
DEFS: dict[str, Any] = SCHEMA["$defs"]


def test_quantities_are_written_as_text_with_their_defaults() -> None:
    consensus = DEFS["Consensus"]["properties"]
    assert consensus["block_interval"]["type"] == "string"
    assert consensus["block_interval"]["default"] == "100ms"
    assert DEFS["Network"]["properties"]["jitter"] == {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.1,
    }
    assert DEFS["Days"]["properties"]["pkr_per_usd"]["type"] == "number"


def test_every_kind_is_there() -> None:
    assert sorted(DEFS["Fault"]["discriminator"]["mapping"]) == sorted(FAULTS)
    assert sorted(DEFS["Workload"]["discriminator"]["mapping"]) == sorted(WORKLOADS)
    for base in ("Fault", "Workload"):
        for member in DEFS[base]["anyOf"]:
            assert DEFS[member["$ref"].removeprefix("#/$defs/")]["required"][0] == "kind"


def test_nothing_of_the_program_shows_through() -> None:
    text = json.dumps(SCHEMA)
    assert "x-unit" not in text
    assert '"null"' not in text


def test_every_reference_leads_somewhere() -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                assert value["$ref"].removeprefix("#/$defs/") in DEFS
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(SCHEMA)


def test_a_number_of_validators_is_allowed() -> None:
    validators = DEFS["Scenario"]["properties"]["validators"]["anyOf"]
    assert {"type": "integer", "minimum": 1, "maximum": 1000} in validators
