"""Draws single faults: one drawer for each kind, from one stream.

A drawer returns the fields of the scenario's table beyond when it acts. To let exploring use
a new kind of fault, write its drawer and its line in ``DRAWERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from chainsim.explore.model import BYZANTINE, Cast, FaultModel, behaviours_of
from scenarios.faults import FAULTS, Fault, When
from scenarios.rng import PPM, Stream

MESSAGE_TYPES: Final = (
    "pre-prepare",
    "prepare",
    "commit",
    "checkpoint",
    "view-change",
    "new-view",
    "status",
)
"""What a hostile validator may keep to itself."""

TRIGGERS: Final = (
    "pre-prepare-accepted",
    "prepared",
    "committed",
    "executed",
    "checkpoint-stable",
    "view-change-started",
    "new-view-entered",
    "persisted",
)

_LONGEST_TIMEOUTS: Final = 8
_OCTAVES: Final = 8
"""A fault lasts up to 8 time-outs; each halving of that is as likely as the next, down to a
hundredth of a time-out, which is about one message's way."""


class Draw:
    """One scenario's draws: the stream, who is there, and the hostile budget that is left."""

    def __init__(self, stream: Stream, cast: Cast, model: FaultModel) -> None:
        self.stream: Final = stream
        self.cast: Final = cast
        self.model: Final = model
        self.budget = cast.f - len(cast.hostile)
        """How many more validators may become hostile."""
        self.hostile: list[str] = list(cast.hostile)

    def some(self, most: int) -> tuple[str, ...]:
        """One to ``most`` validators, few more often than many, in proposer order."""
        count = 1
        while count < most and self.stream.chance(400_000):
            count += 1
        chosen = self.stream.sample(self.cast.ids, count)
        return self.ordered(chosen)

    def ordered(self, ids: list[str]) -> tuple[str, ...]:
        """In proposer order."""
        return tuple(id_ for id_ in self.cast.ids if id_ in ids)

    def length_us(self) -> int:
        """How long a fault lasts."""
        longest_us = self.cast.timeout_us * _LONGEST_TIMEOUTS
        length_us = longest_us * self.stream.between(512, 1024) // 1024
        return max(1_000, length_us >> self.stream.below(_OCTAVES))

    def victims(self) -> dict[str, Any]:
        """``node`` or ``nodes``: ids, or whoever leads when it happens."""
        if self.stream.chance(250_000):
            return {"node": "primary"}
        chosen = self.some(len(self.cast.ids))
        return {"node": chosen[0]} if len(chosen) == 1 else {"nodes": chosen}

    def split(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The validators in two groups, neither empty; even splits and lone nodes alike."""
        ids = list(self.cast.ids)
        self.stream.shuffle(ids)
        cut = 1 + self.stream.below(len(ids) - 1)
        return self.ordered(ids[:cut]), self.ordered(ids[cut:])


def _crash(draw: Draw) -> dict[str, Any]:
    if draw.budget > 0 and draw.stream.chance(100_000):
        clean = [id_ for id_ in draw.cast.ids if id_ not in draw.hostile]
        victim = draw.stream.pick(clean)
        draw.budget -= 1
        draw.hostile.append(victim)
        return {"node": victim, "mode": "amnesia"}
    return draw.victims()


def _partition(draw: Draw) -> dict[str, Any]:
    first, second = draw.split()
    fields: dict[str, Any] = {"groups": (first, second)}
    if draw.stream.chance(200_000):
        fields["asymmetric"] = True
    elif len(second) > 1 and draw.stream.chance(200_000):
        fields["groups"] = (first, second[1:])
        fields["bridge"] = second[:1]
    return fields


def _isolate(draw: Draw) -> dict[str, Any]:
    return draw.victims()


def _link(draw: Draw) -> dict[str, Any]:
    """Loss, delay, doubles or overtaking on the lines from or to somebody."""
    stream = draw.stream
    fields: dict[str, Any] = {}
    ends = stream.below(3)
    if ends != 1:
        fields["from_"] = draw.some(len(draw.cast.ids))
    if ends != 0:
        fields["to"] = draw.some(len(draw.cast.ids))
    changes = stream.sample(("loss", "latency", "duplicate", "reorder"), 1 + stream.below(2))
    for change in sorted(changes):
        if change == "latency":
            fields[change] = draw.cast.timeout_us * stream.between(1, 8) // 8
        else:
            fields[change] = stream.between(1, 10) * 100_000
    return fields


def _slow(draw: Draw) -> dict[str, Any]:
    return {**draw.victims(), "factor": PPM * draw.stream.pick((5, 50, 500))}


DRAWERS: Final[dict[str, Callable[[Draw], dict[str, Any]]]] = {
    "crash": _crash,
    "restart": lambda draw: draw.victims(),
    "partition": _partition,
    "isolate": _isolate,
    "link": _link,
    "slow": _slow,
}
"""What can be drawn, by kind; hostile validators are drawn apart (``byzantine``)."""


def drawn_kinds(model: FaultModel) -> tuple[str, ...]:
    """Kinds that the model allows and that exist, hostile validators included."""
    known = (*(kind for kind in DRAWERS if kind in FAULTS), *_byzantine_kind())
    return tuple(kind for kind in known if not model.kinds or kind in model.kinds)


def _byzantine_kind() -> tuple[str, ...]:
    return (BYZANTINE,) if BYZANTINE in FAULTS else ()


def draw_fault(draw: Draw, kind: str) -> Fault:
    """One fault of ``kind``, which begins, ends, and is within the budget."""
    fields = DRAWERS[kind](draw)
    length = "downtime" if kind == "restart" else "for_"
    fields[length] = draw.length_us()
    stream = draw.stream
    if stream.chance(draw.model.triggered):
        fields["when"] = _trigger(draw, fields)
    else:
        fields["at"] = stream.below(draw.cast.busy_us)
    return FAULTS[kind](**fields)


def _trigger(draw: Draw, fields: dict[str, Any]) -> When:
    """Something that happens to a validator, often to the very one that is hit."""
    stream = draw.stream
    event = stream.pick(TRIGGERS)
    victims = (*fields.get("nodes", ()), *filter(None, [fields.get("node")]))
    node: str | None = None
    if victims and stream.chance(600_000):
        node = stream.pick(victims)
    elif stream.chance(500_000):
        node = stream.pick(draw.cast.ids)
    return When(event=event, node=node, count=stream.between(1, 8 if node else 24))


def draw_hostile(draw: Draw) -> list[Fault]:
    """Up to the budget's number of hostile validators, each with a behaviour; from the start."""
    if draw.budget < 1 or not draw.stream.chance(draw.model.hostile):
        return []
    count = draw.stream.between(1, draw.budget)
    clean = [id_ for id_ in draw.cast.ids if id_ not in draw.hostile]
    chosen = draw.ordered(draw.stream.sample(clean, count))
    draw.budget -= len(chosen)
    draw.hostile += chosen
    return [_byzantine(draw, id_) for id_ in chosen]


def _byzantine(draw: Draw, id_: str) -> Fault:
    stream = draw.stream
    behaviour = stream.pick(behaviours_of(draw.model))
    fields: dict[str, Any] = {"node": id_, "behaviour": behaviour, "at": 0}
    others = [other for other in draw.cast.ids if other != id_]
    if behaviour in ("equivocate", "twins"):
        stream.shuffle(others)
        cut = 1 + stream.below(len(others) - 1)
        if stream.chance(700_000):
            fields["groups"] = (draw.ordered(others[:cut]), draw.ordered(others[cut:]))
    if behaviour == "withhold" and stream.chance(700_000):
        fields["receivers"] = draw.ordered(stream.sample(others, 1 + stream.below(len(others))))
    if behaviour in ("withhold", "silent") and stream.chance(600_000):
        fields["types"] = tuple(sorted(stream.sample(MESSAGE_TYPES, 1 + stream.below(3))))
    if behaviour in ("stale-replay", "random-mutation", "bogus-view-change"):
        fields["chance"] = stream.pick((20_000, 100_000, 400_000, PPM))
    return FAULTS[BYZANTINE](**fields)


def narrowed(model: FaultModel, stream: Stream) -> FaultModel:
    """A random part of a model: each kind of fault and each behaviour stays or goes."""
    kinds = _part(drawn_kinds(model), stream)
    behaviours = _part(behaviours_of(model), stream)
    return msgspec.structs.replace(model, kinds=kinds, behaviours=behaviours)


def _part(items: tuple[str, ...], stream: Stream) -> tuple[str, ...]:
    kept = tuple(item for item in items if stream.chance(PPM // 2))
    return kept or (stream.pick(items),)
