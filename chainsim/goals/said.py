"""What a row of the goals makes of the readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

import msgspec

from chainsim.goals.readings import Readings

SHOWN: Final = 5


class State(Enum):
    """How far a goal is."""

    REACHED = "reached"
    SHORT = "falls short"
    PARTLY = "partly measured"
    MISSING = "not measured"


class Said(msgspec.Struct, frozen=True):
    """What a row makes of the readings."""

    state: State
    got: str


Reader = Callable[[Readings], Said]


MISSING: Final = Said(State.MISSING, "")


def said(ok: bool, got: str, *, whole: bool = True) -> Said:
    """``whole``: as much was measured as the goal asks for."""
    if not ok:
        return Said(State.SHORT, got)
    return Said(State.REACHED if whole else State.PARTLY, got)


def some(items: Sequence[object]) -> str:
    """A few of them, in words."""
    words = ", ".join(str(item) for item in items[:SHOWN])
    return words + (" …" if len(items) > SHOWN else "")
