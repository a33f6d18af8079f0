"""What one can do to a validator from the dashboard: each a fault of ``scenarios/faults``.

A prod is switched: done again, it ends. To add one, add a line to ``PRODS``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from string import ascii_lowercase
from typing import Final

import msgspec

from nodes.byzantine import BEHAVIOURS, COALITION, Twins
from scenarios.faults import FAULTS, Fault
from scenarios.faults.crash import Crash
from scenarios.rng import PPM

Make = Callable[[str, int], Fault]
"""(validator, when it begins) -> the fault."""


class Prod(msgspec.Struct, frozen=True):
    """One line of a menu: its key, what it says, and the fault that it makes."""

    key: str
    label: str
    make: Make


def _of(kind: str, **fields: object) -> Make:
    return lambda node, at_us: FAULTS[kind](**{"node": node, "at": at_us, **fields})  # type: ignore[arg-type]


CRASH: Final = Prod("c", "crash: the process dies, its disk stays", _of("crash"))
ISOLATE: Final = Prod("i", "isolate: its network cable is pulled", _of("isolate"))

PRODS: Final[tuple[Prod, ...]] = (
    CRASH,
    ISOLATE,
    Prod("r", "restart: the process ends and boots again", _of("restart")),
    Prod("p", "pause: the process stands still", _of("pause")),
    Prod("s", "slow: its CPU takes 100 times as long", _of("slow", factor=100 * PPM)),
    Prod("d", "slow disk: an fsync takes 100 times as long", _of("slow-fsync", factor=100 * PPM)),
    Prod("f", "full disk: the process dies at its next write", _of("full")),
    Prod("l", "lying disk: fsyncs only claim to be done (hostile)", _of("lost-fsync")),
    Prod("t", "torn writes: a crash leaves half of a record", _of("torn-write")),
    Prod("a", "amnesia: crash, and the disk is lost (hostile)", _of("crash", mode="amnesia")),
)


def _behaviour(letter: str, name: str) -> Prod:
    """A line of the menu, in the words of the behaviour's own file."""
    module = sys.modules[BEHAVIOURS[name].__module__ if name in BEHAVIOURS else Twins.__module__]
    first = (module.__doc__ or "").partition("\n")[0]
    return Prod(letter, f"{name}: {first.rstrip('.')}", _of("byzantine", behaviour=name))


ALONE: Final = tuple(name for name in (*sorted(BEHAVIOURS), "twins") if name != COALITION)
"""Behaviours of one validator; who colludes is named in a file."""

BEHAVIOUR_PRODS: Final[tuple[Prod, ...]] = tuple(
    _behaviour(letter, name) for letter, name in zip(ascii_lowercase, ALONE, strict=False)
)


def hits_alone(fault: Fault, node: str) -> bool:
    """Whether this fault hits exactly that validator."""
    return fault.selectors() == (node,)


def same_kind(fault: Fault, other: Fault) -> bool:
    """Whether doing ``other`` again ends ``fault``."""
    if isinstance(fault, Crash) and isinstance(other, Crash):
        return True
    return type(fault) is type(other)
