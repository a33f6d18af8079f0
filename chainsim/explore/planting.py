"""Planted bugs: where they are found, and how one is put into the code of this process.

A mutant is a context manager that swaps functions in memory and puts them back; no file is
edited. Mutants live outside the packages (``tests.mutants`` by default), in a module with a table
``MUTANTS: dict[int, Mutant]``, and are named by module and number so that workers can apply them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Final

import msgspec

MODULE: Final = "tests.mutants"
TABLE: Final = "MUTANTS"
BASE: Final = "explore-base"
"""The scenario in which a bug is looked for unless its row names another."""


class NoMutants(Exception):
    """The module can't be loaded or holds no mutants; the message says which and why."""


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One planted bug of MUTANTS.md."""

    number: int
    name: str
    breaks: str
    """What it should break, in the words of MUTANTS.md."""
    apply: Callable[[], AbstractContextManager[None]] | None = None
    """Swaps the code; None: not applicable yet."""
    base: str = BASE
    """The shipped scenario that exploring starts from."""
    note: str = ""
    """Why it isn't applicable, or what else was switched off so that it can show."""
    unseen: str = ""
    """Why exploring doesn't find it, where that is known."""


class Planted(msgspec.Struct, frozen=True):
    """Names a mutant, for workers in other processes."""

    module: str
    number: int


def load(module: str = MODULE) -> dict[int, Mutant]:
    """The mutants of a module, in order of their numbers. Raises ``NoMutants``."""
    try:
        table = getattr(import_module(module), TABLE, None)
    except ImportError as error:
        raise NoMutants(
            f"can't import {module}: {error}; planted bugs come with the sources, not with an "
            "installed chainsim: run from the root of a checkout"
        ) from None
    if not isinstance(table, dict) or not table:
        raise NoMutants(f"{module} has no table {TABLE}")
    return {number: table[number] for number in sorted(table)}


@contextmanager
def planted(what: Planted | None) -> Iterator[None]:
    """Runs the body with the bug in place; None: with the code as it is."""
    if what is None:
        yield
        return
    mutant = load(what.module)[what.number]
    assert mutant.apply is not None, f"mutant {what.number} isn't applicable"
    with mutant.apply():
        yield


_swapped = 0
"""How many bodies of ``swapped`` run."""


def code_is_whole() -> bool:
    """Whether the code is as it was written: only then is it true of short ways that they come to
    the same as the long ones."""
    return not _swapped


@contextmanager
def swapped(*changes: tuple[object, str, object]) -> Iterator[None]:
    """Sets attributes (owner, name, value) for the time of the body."""
    global _swapped  # noqa: PLW0603 - as the swapped code is
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    _swapped += 1
    try:
        for owner, name, value in changes:
            setattr(owner, name, value)
        yield
    finally:
        _swapped -= 1
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
