"""Reads scenario files: from a path or by shipped name, all errors at once.

The stages: parse the TOML (numbers as ``Decimal``), apply ``--set`` overrides, expand
shorthands, convert every field on its own, then check that the parts fit together. The first
stage that finds errors reports all that it found, with what later stages can still say.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from scenarios import overrides as setting
from scenarios.convert import FAILED, Converter, Families
from scenarios.data_files import shipped, shipped_text
from scenarios.errors import ScenarioError, ScenarioErrors, did_you_mean, quoted
from scenarios.faults import FAULTS, Fault
from scenarios.fitting import problems
from scenarios.locate import key_lines, line_of
from scenarios.schema import SCHEMA_VERSION, Scenario
from scenarios.workload import WORKLOADS, Workload
from scenarios.write import to_document, to_toml

__all__ = [
    "ScenarioError",
    "ScenarioErrors",
    "load",
    "load_text",
    "resolved_toml",
    "shipped",
    "shipped_text",
]

MOST_BYTES: Final = 8_000_000
"""A larger file is not a scenario."""

MOST_VALIDATORS: Final = 1000

FAMILIES: Final[Families] = {Fault: FAULTS, Workload: WORKLOADS}

_TOML_LINE: Final = re.compile(r"^(.*) \(at line ([0-9]+), column ([0-9]+)\)$", re.DOTALL)


def load(argument: str, overrides: Iterable[str] = (), seed: int | None = None) -> Scenario:
    """The scenario that ``argument`` names: a file if it has a "/" or ends in ".toml".

    ``overrides`` are ``PATH=VALUE`` texts, the last wins; ``seed`` comes after them. Raises
    ``ScenarioErrors``, and nothing else, for whatever is wrong.
    """
    return load_text(_read(argument), argument, overrides, seed)


def load_text(
    text: str, source: str = "text", overrides: Iterable[str] = (), seed: int | None = None
) -> Scenario:
    """Like ``load``, from TOML text; ``source`` is what errors call it."""
    document = _parse(text, source)
    settings = [*overrides, *([f"seed={seed}"] if seed is not None else [])]
    _expand(document)
    errors: list[ScenarioError] = []
    for override in settings:
        errors += setting.apply(document, [override])
        _expand(document)
    converter = Converter(FAMILIES)
    scenario = converter.struct(Scenario, document)
    errors += converter.errors
    if isinstance(scenario, Scenario):
        errors += problems(scenario)
    errors = [_shorthand(error, document) for error in errors]
    if errors:
        raise ScenarioErrors(source, _with_lines(errors, text, settings))
    assert scenario is not FAILED
    return scenario  # type: ignore[no-any-return]


def resolved_toml(scenario: Scenario) -> str:
    """TOML with every default written out; it loads as an equal scenario."""
    document: dict[str, Any] = to_document(scenario)
    return to_toml(document)


def _read(argument: str) -> str:
    if "/" not in argument and not argument.endswith(".toml"):
        if argument in shipped():
            return shipped_text(argument)
        hint = did_you_mean(argument, shipped())
        file = "; a file's name has a / or ends in .toml"
        _fail(argument, f'no shipped scenario is called "{argument}"{hint}{file}')
    try:
        data = Path(argument).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _fail(argument, f"can't read the file: {reason}")
    if len(data) > MOST_BYTES:
        _fail(argument, f"{len(data)} bytes is too large for a scenario (at most {MOST_BYTES})")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        _fail(argument, "not UTF-8 text, which TOML must be", line)


def _fail(source: str, message: str, line: int | None = None) -> NoReturn:
    raise ScenarioErrors(source, [ScenarioError("", message, line)])


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        # TOML allows CRLF; a lone CR is an error that tomllib reports.
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.match(str(error))
        if found is None:  # "at end of document"
            _fail(source, f"not valid TOML: {error}", text.count("\n") + 1)
        else:
            where = f"not valid TOML: {found[1]} (column {found[3]})"
            _fail(source, where, int(found[2]))
    except RecursionError:
        _fail(source, "not valid TOML: nested too deeply")
    except (ValueError, ArithmeticError) as error:
        # Dates that no calendar has, integers of thousands of digits.
        _fail(source, f"not valid TOML: {error}")


def _expand(document: dict[str, Any]) -> None:
    """``validators = 7`` means v0 to v6."""
    count = document.get("validators")
    if isinstance(count, int) and not isinstance(count, bool) and 0 < count <= MOST_VALIDATORS:
        document["validators"] = [{"id": f"v{index}"} for index in range(count)]


def _shorthand(error: ScenarioError, document: dict[str, Any]) -> ScenarioError:
    """Says what else a field takes that has a shorthand."""
    if error.path != "validators" or isinstance(document.get("validators"), list | None):
        return error
    message = f"wanted [[validators]], or how many from 1 to {MOST_VALIDATORS}"
    return ScenarioError(error.path, f"{message}, got {quoted(document['validators'])}")


def _with_lines(errors: list[ScenarioError], text: str, settings: list[str]) -> list[ScenarioError]:
    """The errors in file order, each once, with the lines of what the file says."""
    lines = key_lines(text)
    changed = [setting.partition("=")[0].strip() for setting in settings]
    located = []
    for error in dict.fromkeys(errors):
        from_file = not any(_touches(error.path, path) for path in changed)
        line = line_of(error.path, lines) if from_file and error.line is None else error.line
        located.append(msgspec.structs.replace(error, line=line))
    return sorted(located, key=lambda error: error.line or 0)


def _touches(path: str, changed: str) -> bool:
    """Whether an error's path lies at or under what an override set."""
    return path == changed or path.startswith((changed + ".", changed + "["))


assert SCHEMA_VERSION == 1, "a new schema version needs a way to read the old one"
