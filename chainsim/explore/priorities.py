"""``pct``: the validators in an order of priority, with a few change points.

After Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs"
(ASPLOS 2010), and Musuvathi et al.: a bug that needs d orderings is met by d-1 change points with
a probability that falls slowly with the length of a run. Time-outs go on here, so the strict order
is approximated by delays (the fault ``priorities``).
"""

from __future__ import annotations

from typing import Final

from chainsim.explore.drawing import Draw, draw_faults, drawn_kinds
from chainsim.explore.ground import ground, with_faults
from chainsim.explore.liars import draw_hostile
from chainsim.explore.model import FaultModel, cast_of
from scenarios.faults import FAULTS, Fault
from scenarios.rng import Stream
from scenarios.schema import Scenario

DEPTH: Final = 4
"""d, at most: one more than the change points."""
MESSAGES: Final = 800
"""Among how many messages the change points lie."""
LENGTHS: Final = (4, 24)
"""How many time-outs the order lasts."""
HALVINGS: Final = (1, 6)
"""A step is a time-out, halved so often."""
ASIDE: Final = ("crash", "restart", "pause", "late-start", "power-loss")
"""Kinds of which up to two go with it: what happens to processes, not to messages."""
MOST_ASIDE: Final = 2


def pct(base: Scenario, model: FaultModel, seed: int) -> Scenario:
    """Random priorities with up to three change points; hostile validators as the model says, and
    few other faults, none of them of the network."""
    stream = Stream(seed, "explore/pct")
    scenario = ground(base, model, seed, stream)
    draw = Draw(stream, cast_of(scenario), model)
    faults = draw_hostile(draw)
    if len(draw.cast.ids) > 1:
        faults.append(_order(draw))
    kinds = kinds_aside(model)
    for _ in range(stream.between(0, MOST_ASIDE) if kinds else 0):
        faults += draw_faults(draw, stream.pick(kinds))
    return with_faults(scenario, faults)


def kinds_aside(model: FaultModel) -> tuple[str, ...]:
    """Kinds of faults beside the order that the model allows."""
    return tuple(kind for kind in drawn_kinds(model) if kind in ASIDE)


def _order(draw: Draw) -> Fault:
    stream = draw.stream
    order = list(draw.cast.ids)
    stream.shuffle(order)
    changes = {1 + stream.below(MESSAGES) for _ in range(stream.below(DEPTH))}
    step_us = max(1_000, draw.cast.timeout_us >> stream.between(*HALVINGS))
    return FAULTS["priorities"](
        order=tuple(order),  # type: ignore[call-arg]
        step=step_us,
        changes=tuple(sorted(changes)),
        at=1,
        for_=draw.cast.timeout_us * stream.between(*LENGTHS),
    )
