"""How far the network is from standing still: who can still decide, and how many more may fail.

A pure function of who runs and which lines are cut. A validator *takes part* if it exchanges
votes with a quorum of validators that take part themselves, itself included.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations
from math import comb
from typing import Final

import msgspec

from chainsim.coalitions import Coalition, smallest
from consensus.types import NodeId, quorum_size

MOST_LINES: Final = 400_000
"""Lines looked at to find the fewest failures where some are cut; beyond, an upper bound."""


class Margin(msgspec.Struct, frozen=True):
    """Where the network stands between deciding and standing still."""

    n: int
    quorum: int
    taking_part: tuple[NodeId, ...]
    """Empty if there is no quorum: the network stands still."""
    missing: tuple[NodeId, ...]
    """Who doesn't take part, in proposer order: while there is no quorum, the coalition that
    blocks it."""
    more: int
    """How many more failures halt it; 0: it is halted."""
    coalitions: tuple[Coalition, ...]
    """The smallest sets of roles, of those taking part, that can halt it now."""
    anyone: bool = False
    """It doesn't matter which ``more`` of those taking part fail."""
    critical: tuple[NodeId, ...] = ()
    """Each of those whose failure alone halts it."""
    at_mercy: bool = False
    """Halted, unless the hostile choose to take part."""
    short: int = 0
    """While halted: how many more would have to join the largest group."""

    @property
    def halted(self) -> bool:
        """Whether no quorum can form."""
        return not self.taking_part


def margin(
    validators: Mapping[NodeId, str],
    running: Collection[NodeId],
    cut: Collection[tuple[NodeId, NodeId]],
) -> Margin:
    """``validators``: id -> role, in proposer order. ``running``: who runs and may be counted on.
    ``cut``: lines (from, to) on which nothing arrives."""
    n, quorum = len(validators), quorum_size(len(validators))
    alive = [id_ for id_ in validators if id_ in running]
    core = _core(alive, cut, quorum)
    missing = tuple(id_ for id_ in validators if id_ not in core)
    if not core:
        largest = max(groups(alive, cut), key=len, default=())
        blocking = tuple(id_ for id_ in validators if id_ not in largest)
        return Margin(n, quorum, (), blocking, 0, (), short=max(1, quorum - len(largest)))
    whole = not any(one in core and other in core for one, other in cut)
    more = len(core) - quorum + 1
    if whole:
        coalitions = smallest((validators[id_] for id_ in core), more)
        critical = core if more == 1 else []
    else:
        more = _failures_to_halt(core, cut, quorum)
        coalitions = _coalitions(validators, core, cut, quorum)
        alone = (one for one in core if not _core([o for o in core if o != one], cut, quorum))
        critical = list(alone) if more == 1 else []
    return Margin(
        n,
        quorum,
        tuple(core),
        missing,
        more,
        coalitions,
        anyone=more == len(core) - quorum + 1,
        critical=tuple(critical),
    )


def _core(
    alive: Iterable[NodeId], cut: Collection[tuple[NodeId, NodeId]], quorum: int
) -> list[NodeId]:
    """Those that are left when whoever hears or reaches too few is taken away, again and again."""
    left = list(alive)
    while True:
        kept = [
            one
            for one in left
            if sum((other, one) not in cut for other in left) >= quorum
            and sum((one, other) not in cut for other in left) >= quorum
        ]
        if len(kept) == len(left):
            return kept if len(kept) >= quorum else []
        left = kept


def groups(
    alive: Iterable[NodeId], cut: Collection[tuple[NodeId, NodeId]]
) -> tuple[tuple[NodeId, ...], ...]:
    """``alive`` by who can talk with whom, over others if need be; the largest group first."""
    left = dict.fromkeys(alive)
    order = {id_: place for place, id_ in enumerate(left)}
    found: list[tuple[NodeId, ...]] = []
    while left:
        group = [next(iter(left))]
        del left[group[0]]
        for one in group:  # grows meanwhile
            for other in [o for o in left if (one, o) not in cut and (o, one) not in cut]:
                del left[other]
                group.append(other)
        found.append(tuple(sorted(group, key=order.__getitem__)))
    return tuple(sorted(found, key=len, reverse=True))


def cut_off(groups_: tuple[tuple[NodeId, ...], ...]) -> frozenset[NodeId]:
    """Who is outside the largest group; everybody, if no group is the largest."""
    if len(groups_) < 2:
        return frozenset()
    tied = len(groups_[0]) == len(groups_[1])
    return frozenset(id_ for group in groups_[0 if tied else 1 :] for id_ in group)


def _coalitions(
    validators: Mapping[NodeId, str],
    core: list[NodeId],
    cut: Collection[tuple[NodeId, NodeId]],
    quorum: int,
) -> tuple[Coalition, ...]:
    """The sets of roles that halt it together and of which none can be left out; the smallest
    first."""
    roles = sorted({validators[id_] for id_ in core})
    found: list[Coalition] = []
    for size in range(1, len(roles) + 1):
        for chosen in combinations(roles, size):
            if any(set(known.roles) <= set(chosen) for known in found):
                continue
            left = [id_ for id_ in core if validators[id_] not in chosen]
            if not _core(left, cut, quorum):
                found.append(Coalition(chosen, len(core) - len(left)))
    return tuple(sorted(found, key=lambda c: (c.members, len(c.roles), c.roles)))


def _failures_to_halt(
    core: list[NodeId], cut: Collection[tuple[NodeId, NodeId]], quorum: int
) -> int:
    """The fewest of ``core`` whose failure leaves no quorum."""
    most = len(core) - quorum + 1
    lines = 0
    for count in range(1, most):
        lines += comb(len(core), count) * len(core) ** 2
        if lines > MOST_LINES:
            break
        for gone in combinations(core, count):
            if not _core([one for one in core if one not in gone], cut, quorum):
                return count
    return most
