"""``twins``: validators that run twice under one key, and a partition for each view.

After Bano et al., "Twins: BFT Systems Made Robust" (2020). A schedule says, round by round, which
of two partitions every process is in; each copy of a twin is a process of its own. PBFT's round is
the view, its leader the protocol's: a message goes by the view that it names, however late it is.
"""

from __future__ import annotations

from typing import Any, Final

from chainsim.explore.ground import clean, ground, with_faults
from chainsim.explore.model import BYZANTINE, FaultModel
from scenarios.faults import FAULTS, Fault
from scenarios.rng import Stream
from scenarios.schema import Scenario

ROUNDS: Final = 4
"""Views that have a partition, from view 0 on."""
TYPES: Final = ("pre-prepare", "prepare", "commit", "view-change", "new-view", "status")
"""Messages that name a view, and so belong to a round."""
LENGTHS: Final = (4, 20)
"""How many time-outs the partitions last; all four views take fifteen."""
TURNS: Final = 500_000
"""The chance (ppm) that each leader has its turn, a part of the time in which work comes."""

Sides = dict[tuple[str, int], int]
"""(validator, copy) -> its partition, 0 or 1; who isn't a twin has only copy 0."""


def twins(base: Scenario, model: FaultModel, seed: int) -> Scenario:
    """One to f validators run twice, and each of the first views divides all processes anew.

    After those views the copies talk to everybody. Raises ``CantDraw``.
    """
    stream = Stream(seed, "explore/twins")
    scenario = ground(base, model, seed, stream)
    cast, candidates, budget = clean(scenario, "twins")
    chosen = stream.sample(candidates, stream.between(1, budget))
    doubled = tuple(id_ for id_ in cast.ids if id_ in chosen)
    single = tuple(id_ for id_ in cast.ids if id_ not in doubled)
    rounds = [_sides(stream, single, doubled) for _ in range(ROUNDS)]
    length_us = cast.timeout_us * stream.between(*LENGTHS)
    faults = [_twin(id_, cast.ids, rounds) for id_ in doubled]
    for view, sides in enumerate(rounds):
        faults += _cut(view, sides, single, length_us)
    if stream.chance(TURNS):
        turn_us = max(1_000, cast.busy_us // ROUNDS)
        faults += [_turn_ends(view, turn_us * (view + 1), length_us) for view in range(ROUNDS)]
    return with_faults(scenario, faults)


def _turn_ends(view: int, at_us: int, length_us: int) -> Fault:
    """The leader of a view proposes no more. In Twins leaders change with each round; here only
    a primary that does nothing is replaced."""
    lost: dict[str, Any] = {"type": "pre-prepare", "view": view, "drop": True}
    return FAULTS["mangle"](**lost, at=at_us, for_=length_us)


def _sides(stream: Stream, single: tuple[str, ...], doubled: tuple[str, ...]) -> Sides:
    """Every process on one of two sides, neither of them empty."""
    processes = [*((id_, 0) for id_ in single), *((id_, c) for id_ in doubled for c in (0, 1))]
    while True:
        sides = {process: stream.below(2) for process in processes}
        if len(set(sides.values())) == 2:
            return sides


def _twin(id_: str, ids: tuple[str, ...], rounds: list[Sides]) -> Fault:
    """The copies of one validator, and whom each talks to in each view. Two twins talk if a copy
    of one is with a copy of the other."""
    others = tuple(other for other in ids if other != id_)
    groups: list[tuple[str, ...]] = []
    for sides in rounds:
        for copy in (0, 1):
            side = sides[id_, copy]
            met = {other for (other, _), its in sides.items() if its == side}
            groups.append(tuple(other for other in others if other in met))
    return FAULTS[BYZANTINE](node=id_, behaviour="twins", groups=(*groups, others, others))  # type: ignore[call-arg]


def _cut(view: int, sides: Sides, single: tuple[str, ...], length_us: int) -> list[Fault]:
    """What keeps the others of one view apart, in both directions."""
    parts = [tuple(id_ for id_ in single if sides[id_, 0] == side) for side in (0, 1)]
    if not all(parts):
        return []
    return [
        FAULTS["mangle"](
            type=TYPES,  # type: ignore[call-arg]
            view=view,
            from_=source,
            to=target,
            drop=True,
            at=1,
            for_=length_us,
        )
        for source, target in (parts, parts[::-1])
    ]
