"""``--set PATH=VALUE``: changes a raw document before it is checked.

A path is made of names and indexes: ``network.loss``, ``faults[0].at``. VALUE is read as TOML
(``5``, ``true``, ``["a"]``, ``"text"``), and where it isn't TOML it is a string (``3s``).
What a path leads to needn't be in the file: whether the schema knows it is checked afterwards
with everything else.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from scenarios.errors import ScenarioError, kind_of

_STEP: Final = re.compile(r"(?:^|\.)([A-Za-z0-9_-]+)|\[([0-9]{1,9})\]")

Step = str | int


def parse_path(path: str) -> tuple[Step, ...] | None:
    """``"faults[0].at"`` as ``("faults", 0, "at")``; None if it isn't a path."""
    steps: list[Step] = []
    position = 0
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None:
            return None
        steps.append(found[1] if found[1] is not None else int(found[2]))
        position = found.end()
    return tuple(steps) if steps and isinstance(steps[0], str) else None


def parse_value(text: str) -> Any:
    """VALUE as TOML, else as the string that it is."""
    try:
        document = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, RecursionError):
        return text
    return document["value"] if len(document) == 1 else text


def apply(document: dict[str, Any], overrides: Iterable[str]) -> list[ScenarioError]:
    """Changes ``document`` in place, in order; returns what could not be done."""
    errors = []
    for override in overrides:
        path, equals, text = override.partition("=")
        steps = parse_path(path.strip())
        if not equals or steps is None:
            message = f'wanted PATH=VALUE, like "faults[0].at=3s", got "{override}"'
            errors.append(ScenarioError("--set", message))
            continue
        problem = _set(document, steps, parse_value(text.strip()))
        if problem:
            errors.append(ScenarioError(path.strip(), f"{problem} (--set {override})"))
    return errors


def _set(document: dict[str, Any], steps: tuple[Step, ...], value: Any) -> str:
    """Walks to the last step but one, making tables that aren't there; returns the problem."""
    here: Any = document
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        problem = _step_problem(here, step)
        if problem:
            return problem
        if following is None:
            here[step] = value
        elif isinstance(here, dict) and step not in here:
            if isinstance(following, int):
                return f"there is no {step}[{following}]: the file has no {step}"
            here[step] = {}
            here = here[step]
        else:
            here = here[step]
    return ""


def _step_problem(here: Any, step: Step) -> str:
    if isinstance(step, int):
        if not isinstance(here, list):
            return f"[{step}] needs an array, but that is {kind_of(here)}"
        if step >= len(here):
            has = f"0 to {len(here) - 1}" if here else "none at all"
            return f"there is no [{step}]: the file has {has}"
    elif not isinstance(here, dict):
        return f"{step} needs a table, but that is {kind_of(here)}"
    return ""
