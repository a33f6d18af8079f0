"""Faults that keep in step with the protocol: each of the first views breaks in some round.

After ByzzFuzz (Winter et al., OOPSLA 2023): network faults drawn by protocol round instead of by
time meet the interleavings in which a view begins with what another one left half done.
"""

from __future__ import annotations

from typing import Any, Final

from chainsim.explore.drawing import Draw
from scenarios.faults import FAULTS, Fault

PHASES: Final = (*("prepare", "commit") * 3, "pre-prepare", "new-view")
"""In which round a view breaks; votes more often than what starts a view."""
VIEWS: Final = (2, 4)
"""How many views are drawn for, at least and at most, from view 0 on."""


def draw_rounds(draw: Draw) -> list[Fault]:
    """For each of the first views: who takes no part in it, and the round that only few complete.

    Often those who got furthest in one view are the ones who miss the next: what only few know
    is what a view change may lose.
    """
    stream = draw.stream
    faults: list[Fault] = []
    length_us = draw.cast.timeout_us * stream.between(3, 8)
    few: tuple[str, ...] = ()
    for view in range(stream.between(*VIEWS)):
        lost: dict[str, Any] = {"view": view, "drop": True, "at": 1, "for_": length_us}
        if view and stream.chance(700_000):
            absent = few if few and stream.chance(700_000) else draw.some(draw.cast.f)
            for end in stream.pick((("from_", "to"), ("from_", "to"), ("from_",), ("to",))):
                faults.append(FAULTS["mangle"](**{**lost, end: absent}))
        if stream.chance(850_000):
            few = draw.some(draw.cast.f + 1)
            rest = tuple(id_ for id_ in draw.cast.ids if id_ not in few)
            broken: dict[str, Any] = {**lost, "type": stream.pick(PHASES), "to": rest}
            faults.append(FAULTS["mangle"](**broken))
    return faults
