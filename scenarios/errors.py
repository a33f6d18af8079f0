"""What is wrong with a scenario, in words for whoever wrote it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

import msgspec

MOST_LISTED = 20
"""Names that an error lists when none is near."""


class ScenarioError(msgspec.Struct, frozen=True):
    """One mistake: its place (``faults[2].node``), what was wanted, and the line if known."""

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        line = f" (line {self.line})" if self.line is not None else ""
        return printable(f"{where}{self.message}{line}")


class ScenarioErrors(Exception):
    """A scenario can't be used; ``errors`` holds all that is wrong with it, in file order.

    ``source`` is the file or shipped name that was asked for.
    """

    def __init__(self, source: str, errors: Iterable[ScenarioError]) -> None:
        self.source = source
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """``'; did you mean "mof"?'`` with the nearest of ``known``, or the names if they are few."""
    names = sorted(set(known))
    near = get_close_matches(wrong.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{next(n for n in names if n.lower() == near[0])}"?'
    if 0 < len(names) <= MOST_LISTED:
        return f"; known: {', '.join(names)}"
    return ""


def unknown(path: str, what: str, name: str, known: Iterable[str]) -> ScenarioError:
    """``faults[2].node: unknown validator "mfo"; did you mean "mof"?``."""
    return ScenarioError(path, f"unknown {what} {quoted(name)}{did_you_mean(name, known)}")


def printable(text: str) -> str:
    """``text`` on one line: what a terminal might act on is escaped."""
    if text.isprintable():
        return text
    characters = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return "".join(characters)


_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def join(path: str, key: str) -> str:
    """``join("faults[2]", "node") == "faults[2].node"``; odd keys are quoted as in TOML."""
    name = key if _BARE.fullmatch(key) else quoted(key)
    return f"{path}.{name}" if path else name


def kind_of(value: Any) -> str:
    """What a TOML value is called when it is the wrong one."""
    for types, name in (
        (bool, "a boolean"),
        (int, "an integer"),
        (Decimal, "a number"),
        (str, "a string"),
        (datetime.datetime, "a date with time"),
        (datetime.date, "a date"),
        (dict, "a table"),
        (list, "an array"),
    ):
        if isinstance(value, types):
            return name
    return "that"


def quoted(value: Any) -> str:
    """A value as it may be shown in a message: short, and strings in quotes."""
    if isinstance(value, dict | list):
        return kind_of(value)
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…" + ('"' if isinstance(value, str) else "")
