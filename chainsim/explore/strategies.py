"""Strategies: pure functions from a base scenario, a fault model and a seed to a scenario.

The scenario that comes out is complete: written to a file it runs alike without the strategy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from chainsim.explore.aside import aside_kinds, beside, draw_aside, with_intruder
from chainsim.explore.byzzfuzz import byzzfuzz
from chainsim.explore.drawing import WEIGHTS, Draw, draw_faults, drawn_kinds
from chainsim.explore.ground import ground, with_faults
from chainsim.explore.guided import COVERAGE, Parents, guided
from chainsim.explore.liars import draw_hostile
from chainsim.explore.model import BYZANTINE, LATER, RARE, FaultModel, behaviours_of, cast_of
from chainsim.explore.outages import OFTEN, draw_outages
from chainsim.explore.priorities import kinds_aside, pct
from chainsim.explore.reseating import with_joiner
from chainsim.explore.rounds import draw_rounds
from chainsim.explore.twin_rounds import twins
from scenarios.faults import Fault
from scenarios.rng import PPM, Stream
from scenarios.schema import Scenario

Strategy = Callable[[Scenario, FaultModel, int], Scenario]


def random(base: Scenario, model: FaultModel, seed: int) -> Scenario:
    """Faults of all kinds that the model allows, beside those of the base."""
    return _drawn(base, model, seed, Stream(seed, "explore/random"))


def swarm(base: Scenario, model: FaultModel, seed: int) -> Scenario:
    """Faults of a random part of the kinds (Groce et al., "Swarm Testing", ISSTA 2012).

    Leaving kinds out lets the others go further: a crash may hide what a bad line would show.
    """
    stream = Stream(seed, "explore/swarm")
    return _drawn(base, narrowed(model, stream), seed, stream)


def coverage(base: Scenario, model: FaultModel, seed: int) -> Scenario:
    """What ``guided`` draws as long as there is nothing to learn from: as ``swarm``, from a stream
    of its own."""
    stream = Stream(seed, "explore/coverage")
    return _drawn(base, narrowed(model, stream), seed, stream)


STRATEGIES: Final[dict[str, Strategy]] = {
    "random": random,
    "swarm": swarm,
    "twins": twins,
    "byzzfuzz": byzzfuzz,
    "pct": pct,
    COVERAGE: coverage,
}
"""By the name that ``--strategy`` takes."""


def drawn(
    base: Scenario, strategy: str, model: FaultModel, seed: int, parents: Parents = ()
) -> Scenario:
    """The scenario of one seed of a sweep; ``parents`` are only for ``coverage``."""
    if parents:
        assert strategy == COVERAGE
        return guided(model, seed, parents)
    return STRATEGIES[strategy](base, model, seed)


def kinds_of(strategy: str, model: FaultModel) -> tuple[str, ...]:
    """The kinds of faults that a strategy draws, hostile validators included."""
    match strategy:
        case "twins" | "byzzfuzz":
            return ("mangle", BYZANTINE)
        case "pct":
            hostile = (BYZANTINE,) if BYZANTINE in drawn_kinds(model) else ()
            return ("priorities", *kinds_aside(model), *hostile)
    return drawn_kinds(model)


def narrowed(model: FaultModel, stream: Stream) -> FaultModel:
    """A random part of a model: each kind of fault and each behaviour stays or goes."""
    kinds = _part(drawn_kinds(model), stream) if drawn_kinds(model) else ()
    if BYZANTINE not in kinds and BYZANTINE in drawn_kinds(model) and stream.chance(PPM // 2):
        kinds = (*kinds, BYZANTINE)
    known = behaviours_of(model)
    seldom = (*RARE, *LATER)
    common = tuple(name for name in known if name not in seldom)
    rest = tuple(name for name in known if name in seldom)
    behaviours = (*(_part(common, stream) if common else ()), *rest)
    kinds = (*kinds, *aside_kinds(model))
    return msgspec.structs.replace(model, kinds=kinds, behaviours=behaviours)


def _part(items: tuple[str, ...], stream: Stream) -> tuple[str, ...]:
    kept = tuple(item for item in items if stream.chance(PPM // 2))
    return kept or (stream.pick(items),)


def _drawn(base: Scenario, model: FaultModel, seed: int, stream: Stream) -> Scenario:
    scenario = ground(base, model, seed, stream)
    cast = cast_of(scenario)
    rare, later = Stream(seed, "explore/rare"), Stream(seed, "explore/later")
    draw = Draw(stream, cast, model, rare, later)
    faults = _faults(draw)
    faults += draw_aside(beside(draw, seed), scenario)
    outages = draw_outages(Stream(seed, "explore/outages"), cast, model)
    if outages:
        disk = msgspec.structs.replace(scenario.disk, rewrite_after=OFTEN)
        scenario = msgspec.structs.replace(scenario, disk=disk)
    return with_intruder(with_joiner(with_faults(scenario, [*faults, *outages])))


def _faults(draw: Draw) -> list[Fault]:
    model, stream = draw.model, draw.stream
    kinds = list(drawn_kinds(model))
    faults: list[Fault] = []
    if BYZANTINE in kinds:
        kinds.remove(BYZANTINE)
        faults += draw_hostile(draw)
    count = stream.between(model.least, model.most)
    if not kinds or len(draw.cast.ids) < 2:
        return faults
    if "mangle" in kinds and stream.chance(model.aligned):
        faults += draw_rounds(draw)
        count = stream.between(0, max(0, model.least - 1))
    weighted = [kind for kind in kinds for _ in range(WEIGHTS.get(kind, 1))]
    for _ in range(count):
        faults += draw_faults(draw, stream.pick(weighted))
    return faults
