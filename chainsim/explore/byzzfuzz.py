"""``byzzfuzz``: few faults, each in one round of the protocol, and lies that are close to right.

After Winter et al., "Randomized Testing of Byzantine Fault Tolerant Algorithms" (OOPSLA 2023): a
run has a few network faults (a partition in one round) and a few process faults (one validator's
messages of one round, slightly changed for some receivers). A round is a view and the types of
messages of one phase in it.
"""

from __future__ import annotations

from typing import Any, Final

from chainsim.explore.drawing import Draw
from chainsim.explore.ground import ground, with_faults
from chainsim.explore.model import BYZANTINE, FaultModel, cast_of
from scenarios.faults import FAULTS, Fault
from scenarios.rng import Stream
from scenarios.schema import Scenario

PHASES: Final = ("pre-prepare", *("prepare", "commit") * 2, "view-change", "new-view")
"""In which phase a network fault is; votes more often than what starts a view."""
LIES: Final[dict[str, tuple[str, ...]]] = {
    "pre-prepare": ("batch", "batch", "sequence", "view", "all"),
    "prepare": ("digest", "digest", "sequence", "view", "all"),
    "commit": ("digest", "digest", "sequence", "view", "all"),
    "view-change": ("prepared", "prepared", "stable", "checkpoints", "view", "all"),
    "new-view": ("pre_prepares", "view_changes", "view", "all"),
    "checkpoint": ("digest", "sequence", "all"),
}
"""Phase -> what ``mutate-round`` may change in it."""
WITHOUT_VIEW: Final = ("checkpoint",)
VIEWS: Final = 4
"""Faults are in the first views, up to this many."""
NETWORK: Final = 3
"""Network faults, at most."""
PROCESS: Final = 3
"""Process faults, at most; all of one validator."""
LENGTHS: Final = (3, 16)
"""How many time-outs network faults last."""


def byzzfuzz(base: Scenario, model: FaultModel, seed: int) -> Scenario:
    """One to six faults in single rounds; the first views are those that break."""
    stream = Stream(seed, "explore/byzzfuzz")
    scenario = ground(base, model, seed, stream)
    draw = Draw(stream, cast_of(scenario), model)
    process = stream.between(0, PROCESS) if draw.budget > 0 else 0
    network = stream.between(0 if process else 1, NETWORK)
    length_us = draw.cast.timeout_us * stream.between(*LENGTHS)
    faults: list[Fault] = []
    for view in _views(stream, network):
        faults += _network(draw, view, length_us)
    if process:
        who = draw.betrayed(draw.cast.ids[: draw.cast.f + 2])
        faults += [_process(draw, who, view) for view in _views(stream, process)]
    return with_faults(scenario, faults)


def _views(stream: Stream, count: int) -> list[int]:
    """For each of ``count`` faults a view, in order: view 0 often, each next one if one before it
    may have broken."""
    views: list[int] = []
    for _ in range(count):
        last = views[-1] if views else 0
        views.append(min(VIEWS - 1, last + stream.below(2 if views else 3) * stream.below(2)))
    return views


def _network(draw: Draw, view: int, length_us: int) -> list[Fault]:
    """A partition in one round: what is dropped in one phase of a view between two sides."""
    kind = draw.stream.pick(PHASES)
    first, second = draw.split()
    lines = [(first, second), (second, first)]
    if draw.stream.chance(300_000):
        lines = lines[:1]
    return [
        FAULTS["mangle"](
            type=kind,  # type: ignore[call-arg]
            view=view,
            from_=source,
            to=target,
            drop=True,
            at=1,
            for_=length_us,
        )
        for source, target in lines
    ]


def _process(draw: Draw, who: dict[str, Any], view: int) -> Fault:
    """One phase of a view as a liar speaks in it, to some of the others or to all."""
    stream = draw.stream
    kind = stream.pick(tuple(LIES))
    fields: dict[str, Any] = {**who, "behaviour": "mutate-round", "types": (kind,)}
    fields["field"] = stream.pick(LIES[kind])
    fields["step"] = stream.pick((-1, 1))
    if kind not in WITHOUT_VIEW:
        fields["view"] = view
    others = [id_ for id_ in draw.cast.ids if id_ != who["node"]]
    if stream.chance(800_000):
        fields["receivers"] = draw.ordered(stream.sample(others, 1 + stream.below(len(others))))
    return FAULTS[BYZANTINE](**fields)
