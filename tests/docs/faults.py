"""What the page about scenarios says of each fault: an example of it, and who uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import inspect

from nodes.byzantine import BEHAVIOURS
from scenarios import loader
from scenarios.errors import ScenarioErrors
from scenarios.faults import FAULTS, Fault, NodeFault
from scenarios.faults.base import LineFault
from scenarios.faults.byzantine import NAMES, ByzantineFault
from scenarios.faults.client import ClientFault
from scenarios.schema import Scenario

ROOT: Final = Path(__file__).parents[2]

CAST: Final = """schema = 1
name = "example"
duration = "60s"

[genesis]
include = "market"

[[genesis.parties]]
id = "mallory"
role = "dealer"

[[genesis.accounts]]
id = "mallory/cash"
owner = "mallory"
balance = ["1000.00 PKR"]

[[observers]]
id = "auditor"
""" + "".join(
    f'[[validators]]\nid = "{id_}"\n' for id_ in ("mof", "sbp", "pvara", "exchange-a", "bank-a")
)
"""Whom the examples name."""

SAMPLES: Final[dict[str, str]] = {
    "rate": '"50/s"',
    "duration": '"100ms"',
    "signed-duration": '"400ms"',
    "factor": "20.0",
    "probability": "0.2",
    "bandwidth": '"1Mbit"',
}
"""By the unit of a field that must be given."""

CHOICES: Final[dict[str, str]] = {
    "add-validator": 'node = "auditor"',
    "revoke-licence": 'node = "exchange-a"',
    "drift": "rate = 1.02",
    "link": "loss = 0.2",
    "mangle": 'type = "commit"\ndrop = true',
    "partition": 'groups = [["mof", "sbp"], ["pvara", "bank-a"]]',
    "priorities": 'order = ["sbp", "mof"]',
    "power-loss": 'nodes = ["mof", "sbp"]',
    "proactive-recovery": 'every = "10s"',
    "byzantine": 'behaviour = "equivocate"',
    "restart": 'downtime = "2s"',
}
"""What an example says where the schema leaves the choice, or where this says more."""

BEST: Final = 4
"""Lines of an example, below ``[[faults]]``; one more where less would be no fault."""

_BASE: Final = {field.encode_name for field in inspect.type_info(Fault).fields}  # type: ignore[union-attr]


def example(kind: str) -> str:
    """A table ``[[faults]]`` of this kind, in at most four lines, that the loader takes."""
    lines = [f'kind = "{kind}"']
    given = {line.split(" = ")[0]: line for line in CHOICES.get(kind, "").splitlines()}
    struct = FAULTS[kind]
    if not {"node", "nodes", "from", "type", "order", "groups"} & set(given):
        lines += _whom(struct)
    lines += given.values()
    for field in _fields(struct):
        if field.required and field.encode_name not in given:
            lines.append(f"{field.encode_name} = {_sample(field.type)}")
    for further in ('at = "5s"', 'for = "2s"'):
        needed = not _loads(lines)
        if (needed or len(lines) < BEST) and _loads([*lines, further]):
            lines.append(further)
    return "\n".join(["[[faults]]", *lines])


def _whom(struct: type[Fault]) -> list[str]:
    if issubclass(struct, ClientFault):
        return ['node = "mallory"']
    if issubclass(struct, NodeFault):
        return ['node = "sbp"']
    return ['from = "sbp"'] if issubclass(struct, LineFault) else []


def _fields(struct: type[Fault]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _sample(type_: inspect.Type) -> str:
    unit = (type_.extra or {}).get("unit") if isinstance(type_, inspect.Metadata) else None
    assert unit in SAMPLES, f"what does an example say for {type_}? add it to CHOICES"
    return SAMPLES[unit]


def _loads(lines: list[str]) -> bool:
    try:
        loader.load_text(CAST + "[[faults]]\n" + "\n".join(lines) + "\n")
    except ScenarioErrors:
        return False
    return True


def examples() -> str:
    """All kinds, one after the other, in one block."""
    parts = []
    for kind, struct in FAULTS.items():
        fields = [f.encode_name for f in _fields(struct) if f.encode_name not in _BASE]
        known = [name for name in fields if name not in ("node", "nodes")]
        more = f"# Fields of its own: {', '.join(known)}.\n" if known else ""
        parts.append(f"{more}{example(kind)}\n")
    return "```toml\n" + "\n".join(parts) + "```\n"


# Who uses what

FOLDERS: Final = ("tests/simulation", "tests/unit/simulation", "tests/unit/nodes")
SHOWN: Final = 3
"""Scenarios and test files that a row names at most, of each: so that few changes touch it."""


def usage() -> str:
    """Each kind of fault and each behaviour, with the scenarios and tests that have it."""
    rows = [("fault", "shipped scenarios", "tests"), ("---",) * 3]
    for name in (*FAULTS, *NAMES):
        if name == "byzantine":
            continue
        shown = f"byzantine: `{name}`" if name in NAMES else f"`{name}`"
        rows.append((shown, _some(shipped_with(name)), _some(tested_in(name))))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _some(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def shipped_with(name: str) -> list[str]:
    """Shipped scenarios that have a kind of fault or a behaviour."""
    return [scenario.name for scenario in _library() if name in _names(scenario)]


@cache
def _library() -> tuple[Scenario, ...]:
    return tuple(loader.load(name) for name in loader.shipped())


def _names(scenario: Scenario) -> Iterator[str]:
    for fault in scenario.faults:
        tag: Any = type(fault).__struct_config__.tag
        yield fault.behaviour if isinstance(fault, ByzantineFault) else tag


def tested_in(name: str) -> list[str]:
    """Test files that inject it: as a table, by its struct, or through a helper of theirs."""
    made = rf'"(?:{re.escape(name)})(?:/[\w-]+)?"'
    pattern = rf"(?:kind|behaviour) = {made}|^ *{made}: |\w+\({made}|parametrize\(.*{made}"
    if name in FAULTS:
        pattern += rf"|\b{FAULTS[name].__name__}\("
    elif name in BEHAVIOURS:
        pattern += rf"|\b{BEHAVIOURS[name].__name__}\b"
    found = re.compile(pattern, re.MULTILINE)
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).glob("test_*.py"))]
    return [str(f.relative_to(ROOT)) for f in files if found.search(f.read_text("utf-8"))]
