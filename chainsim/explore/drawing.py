"""Draws single faults: one drawer for each kind, from one stream.

A drawer returns the fields of the scenario's table beyond when it acts. To let exploring use
a new kind of fault, write its drawer and its line in ``DRAWERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from chainsim.explore import reseating
from chainsim.explore.model import BYZANTINE, Cast, FaultModel
from consensus.messages import MESSAGE_TYPES
from scenarios.faults import FAULTS, Fault, When
from scenarios.rng import PPM, Stream

VOICES: Final = (
    "pre-prepare",
    "prepare",
    "commit",
    "checkpoint",
    "view-change",
    "new-view",
    "status",
)
"""Types of messages that a hostile validator may keep to itself, and lines may mangle."""

VOTES: Final = ("pre-prepare", "prepare", "commit")

TRIGGERS: Final[dict[str, int]] = {
    "pre-prepare-accepted": 8,
    "prepared": 8,
    "committed": 8,
    "executed": 8,
    "persisted": 16,
    "checkpoint-stable": 2,
    "view-change-started": 2,
    "new-view-entered": 2,
}
"""What a fault may wait for, and how often at most it has to happen at one validator."""

_LONGEST_TIMEOUTS: Final = 6
_OCTAVES: Final = 8
"""A fault lasts up to 6 time-outs; each halving of that is as likely as the next, down to a
hundredth of a time-out, which is about one message's way."""


class Draw:
    """One scenario's draws: the stream, who is there, and the hostile budget that is left."""

    def __init__(
        self,
        stream: Stream,
        cast: Cast,
        model: FaultModel,
        rare: Stream | None = None,
        later: Stream | None = None,
    ) -> None:
        self.stream: Final = stream
        self.rare: Final = rare or stream
        """For what is seldom: from a stream of its own it shifts no other draw."""
        self.later: Final = later
        """Likewise for what exploring learned later; None: it isn't drawn."""
        self.cast: Final = cast
        self.model: Final = model
        self.budget = cast.f - len(cast.hostile)
        """How many more validators may become hostile."""
        self.hostile: list[str] = list(cast.hostile)
        self.changes: list[tuple[str, str]] = []
        """Of the committee: (kind, whom it is about)."""
        self._centres = [stream.below(cast.busy_us) for _ in range(stream.between(1, 3))]

    def changes_of(self, kind: str) -> list[str]:
        """Whom changes of the committee of one kind are about."""
        return [about for each, about in self.changes if each == kind]

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

    def moment_us(self) -> int:
        """When a fault begins: mostly soon after one of a few moments that faults share, as
        what goes wrong together breaks what stands each thing alone."""
        if self.stream.chance(300_000):
            return 1 + self.stream.below(self.cast.busy_us)
        within_us = max(1, self.cast.timeout_us * 2 >> self.stream.below(6))
        return 1 + self.stream.pick(self._centres) + self.stream.below(within_us)

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

    def betrayed(self, among: tuple[str, ...] = ()) -> dict[str, Any]:
        """``node``: a validator, of those ``among`` if it can be, that counts as hostile from now
        on. Needs budget."""
        clean = [id_ for id_ in self.cast.ids if id_ not in self.hostile]
        clean = [id_ for id_ in clean if id_ in among] or clean
        victim = self.stream.pick(clean)
        self.budget -= 1
        self.hostile.append(victim)
        return {"node": victim}

    def ends(self) -> dict[str, Any]:
        """``from``, ``to`` or both, of a line."""
        which = self.stream.below(3)
        fields: dict[str, Any] = {}
        if which != 1:
            fields["from_"] = self.some(len(self.cast.ids))
        if which != 0:
            fields["to"] = self.some(len(self.cast.ids))
        return fields


def _crash(draw: Draw) -> dict[str, Any]:
    if draw.budget > 0 and draw.stream.chance(100_000):
        return {**draw.betrayed(), "mode": "amnesia"}
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


def _link(draw: Draw) -> dict[str, Any]:
    """Loss, delay, doubles, overtaking or damage."""
    stream = draw.stream
    fields = draw.ends()
    changes = stream.sample(
        ("loss", "latency", "duplicate", "reorder", "corrupt"), 1 + stream.below(2)
    )
    for change in sorted(changes):
        if change == "latency":
            fields[change] = draw.cast.timeout_us * stream.between(1, 8) // 8
        else:
            fields[change] = stream.between(1, 10) * 100_000
    return fields


def _flapping(draw: Draw) -> dict[str, Any]:
    timeout_us = draw.cast.timeout_us
    down_us, up_us = (timeout_us >> draw.stream.below(5) for _ in range(2))
    return {**draw.ends(), "down": down_us, "up": up_us, "one_way": draw.stream.chance(300_000)}


def _mangle(draw: Draw) -> dict[str, Any]:
    """One thing done to some messages of one type, or of all."""
    stream = draw.stream
    fields = draw.ends() if stream.chance(500_000) else {}
    kind = stream.pick((*VOICES, *VOTES))
    if stream.chance(800_000):
        fields["type"] = kind
    fields["probability"] = stream.pick((200_000, 600_000, PPM, PPM))
    match stream.below(8):
        case 0 | 1 | 2 | 3:
            fields["drop"] = True
        case 4:
            fields["delay"] = draw.cast.timeout_us >> stream.below(6)
        case 5:
            fields["duplicate"] = 1 + stream.below(3)
        case 6:
            fields["replay"] = draw.length_us()
        case _:
            fields["type"] = kind
            names = _FIELDS[kind]
            telling = tuple(name for name in names if name in _TELLING) or names
            fields["corrupt"] = stream.pick(telling if stream.chance(700_000) else names)
    return fields


def _power_loss(draw: Draw) -> dict[str, Any]:
    nodes = draw.some(len(draw.cast.ids))
    return {"nodes": nodes, "boundary": draw.stream.pick(("written", "synced"))}


def _bit_rot(draw: Draw) -> dict[str, Any]:
    """Within the hostile budget whatever rots: who lost blocks needs others that have them."""
    area = draw.stream.pick(("log", "blocks"))
    return {**draw.betrayed(), "area": area, "records": 1 + draw.stream.below(3)}


_TELLING: Final = ("view", "sequence", "digest", "stable", "executed")
"""Fields in which damage makes another statement, and not just no statement."""

_FIELDS: Final = {kind.TYPE: kind.__struct_fields__ for kind in MESSAGE_TYPES}

DRAWERS: Final[dict[str, Callable[[Draw], dict[str, Any]]]] = {
    "crash": _crash,
    "restart": Draw.victims,
    "pause": Draw.victims,
    "slow": lambda draw: {**draw.victims(), "factor": PPM * draw.stream.pick((5, 50, 500))},
    "late-start": Draw.victims,
    "partition": _partition,
    "isolate": Draw.victims,
    "link": _link,
    "clog": Draw.ends,
    "flapping": _flapping,
    "mangle": _mangle,
    "slow-fsync": lambda draw: {**draw.victims(), "factor": PPM * draw.stream.pick((5, 50))},
    "lost-fsync": Draw.betrayed,
    "torn-write": Draw.victims,
    "bit-rot": _bit_rot,
    "full": Draw.victims,
    "power-loss": _power_loss,
    "add-validator": reseating.add,
    "remove-validator": reseating.remove,
    "rotate-key": reseating.rotate,
    "proactive-recovery": reseating.recover,
}
"""What can be drawn, by kind; hostile validators are drawn in ``liars``."""

WEIGHTS: Final = {"partition": 3, "mangle": 3, "link": 2, "isolate": 2, "crash": 2}
"""How often kinds are drawn beside the others (1): what parts quorums goes deepest."""

COSTLY: Final = ("lost-fsync", "bit-rot")
"""Kinds that need hostile budget: without any left, a crash is drawn in their place."""

NEED_CRASH: Final = ("slow-fsync", "lost-fsync", "torn-write", "bit-rot")
"""Kinds that show most when the machine goes down: a crash often goes with them."""


def drawn_kinds(model: FaultModel) -> tuple[str, ...]:
    """Kinds that the model allows and that exist, hostile validators included."""
    known = (*(kind for kind in DRAWERS if kind in FAULTS), BYZANTINE)
    return tuple(kind for kind in known if not model.kinds or kind in model.kinds)


def draw_faults(draw: Draw, kind: str) -> list[Fault]:
    """One fault of ``kind`` (and the crash that it needs), each within the budget and ending."""
    if (kind in COSTLY and draw.budget < 1) or not reseating.may_change(draw, kind):
        kind = "crash"
    fields = DRAWERS[kind](draw)
    victims: dict[str, Any] = {k: v for k, v in fields.items() if k in ("node", "nodes")}
    faults = [_timed(draw, kind, fields)]
    if kind in NEED_CRASH and draw.stream.chance(700_000):
        crash: dict[str, Any] = {**victims, "for_": draw.length_us()}
        first = faults[0]
        if first.at is not None:
            crash["at"] = first.at + draw.stream.below(first.for_ or draw.cast.timeout_us)
        else:
            crash["when"] = first.when
        faults.append(FAULTS["crash"](**crash))
    return faults


def _timed(draw: Draw, kind: str, fields: dict[str, Any]) -> Fault:
    """The fault at some moment, for some time, unless its drawer said when."""
    stream = draw.stream
    if "at" in fields:
        return FAULTS[kind](**fields)
    if kind != "late-start":
        fields["downtime" if kind == "restart" else "for_"] = draw.length_us()
    # What a late start waits for might never happen without those who wait.
    if kind != "late-start" and stream.chance(draw.model.triggered):
        fields["when"] = _trigger(draw, fields)
    else:
        fields["at"] = draw.moment_us()
    return FAULTS[kind](**fields)


def _trigger(draw: Draw, fields: dict[str, Any]) -> When:
    """Something that happens to a validator, often to the very one that is hit."""
    stream = draw.stream
    event = stream.pick(tuple(TRIGGERS))
    victims = (*fields.get("nodes", ()), *filter(None, [fields.get("node")]))
    node: str | None = None
    if victims and stream.chance(600_000):
        node = stream.pick(victims)
    elif stream.chance(500_000):
        node = stream.pick(draw.cast.ids)
    most = TRIGGERS[event] * (1 if node else len(draw.cast.ids))
    return When(event=event, node=node, count=stream.between(1, most))
