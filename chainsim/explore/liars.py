"""Draws hostile validators: who lies, how, and to whom."""

from __future__ import annotations

from typing import Any, Final

from chainsim.explore.drawing import VOICES, Draw
from chainsim.explore.model import BYZANTINE, LATER, RARE, behaviours_of
from nodes.byzantine import COALITION
from scenarios.faults import FAULTS, Fault
from scenarios.rng import PPM, Stream

LIES: Final = {"equivocate": 2, "bogus-new-view": 2, "random-mutation": 2}
"""How often behaviours are drawn beside the others (1): those with the most to say."""

SELDOM: Final = 50_000
"""The chance (ppm) that one of ``RARE`` takes the place of the behaviour that was drawn."""
OFTEN: Final = 200_000
"""Likewise of ``LATER``, of which there are more."""
COALITIONS: Final = 100_000
"""The chance (ppm) that liars within the budget are in it together."""


def draw_hostile(draw: Draw) -> list[Fault]:
    """Up to the budget's number of hostile validators, each with a behaviour; from the start."""
    if draw.budget < 1 or not draw.stream.chance(draw.model.hostile):
        return []
    liars = [_byzantine(draw) for _ in range(draw.stream.between(1, draw.budget))]
    named = any(name in LATER for name in behaviours_of(draw.model))  # else others were asked for
    if named and len(liars) > 1 and draw.later is not None and draw.later.chance(COALITIONS):
        members = draw.ordered([id_ for liar in liars for id_ in liar.selectors()])
        return [FAULTS[BYZANTINE](nodes=members, behaviour=COALITION)]  # type: ignore[call-arg]
    return liars


def _byzantine(draw: Draw) -> Fault:
    stream = draw.stream
    known = behaviours_of(draw.model)
    rare = [name for name in known if name in RARE]
    later = [name for name in known if name in LATER]
    common = [name for name in known if name not in (*RARE, *LATER)] or [*rare, *later]
    weighted = [name for name in common for _ in range(LIES.get(name, 1))]
    behaviour = stream.pick(weighted)
    id_ = draw.betrayed(_leading(draw, behaviour))["node"]
    fields: dict[str, Any] = {"node": id_, "behaviour": behaviour}
    others = [other for other in draw.cast.ids if other != id_]
    if behaviour in ("equivocate", "twins") and stream.chance(700_000):
        fields["groups"] = _groups(draw, others, both=behaviour == "equivocate")
    if behaviour == "withhold" and stream.chance(700_000):
        fields["receivers"] = draw.ordered(stream.sample(others, 1 + stream.below(len(others))))
    if behaviour in ("withhold", "silent") and stream.chance(600_000):
        fields["types"] = tuple(sorted(stream.sample(VOICES, 1 + stream.below(3))))
    if behaviour in ("stale-replay", "random-mutation", "bogus-view-change"):
        fields["chance"] = stream.pick((20_000, 100_000, 400_000, PPM))
    if behaviour == "bogus-state":  # a transfer has few pieces
        fields["chance"] = PPM
    if rare and draw.rare.chance(SELDOM):
        fields = {"node": id_, "behaviour": draw.rare.pick(rare)}
    if later and draw.later is not None and draw.later.chance(OFTEN):
        fields = {"node": id_, **_later(draw, draw.later, later)}
    return FAULTS[BYZANTINE](**fields)


def _later(draw: Draw, stream: Stream, names: list[str]) -> dict[str, Any]:
    """One of the behaviours that came later."""
    fields: dict[str, Any] = {"behaviour": stream.pick(names)}
    if fields["behaviour"] == "delay-proposals":  # to just under the time-out, and beyond it
        fields["delay"] = draw.cast.timeout_us * stream.pick((2, 3, 5)) // 4
    if fields["behaviour"] == "bad-block-time":
        fields["chance"] = stream.pick((0, PPM // 2, PPM))
        fields["delay"] = draw.cast.timeout_us * stream.pick((1, 4, 16)) // 4
    return fields


def _leading(draw: Draw, behaviour: str) -> tuple[str, ...]:
    """Whom to pick a liar from: half of the time from those who lead the first views, as most
    lies are a primary's. View 0 has no NEW-VIEW to lie in."""
    if not draw.stream.chance(500_000):
        return draw.cast.ids
    return draw.cast.ids[behaviour == "bogus-new-view" : draw.cast.f + 2]


def _groups(draw: Draw, others: list[str], *, both: bool) -> tuple[tuple[str, ...], ...]:
    """Two groups of the others; with ``both``, at times, one or more who see both lies."""
    stream = draw.stream
    stream.shuffle(others)
    cut = 1 + stream.below(len(others) - 1)
    shared = cut - stream.below(cut) if both and stream.chance(400_000) else 0
    return draw.ordered(others[:cut]), draw.ordered([*others[cut:], *others[:shared]])
