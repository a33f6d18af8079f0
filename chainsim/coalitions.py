"""Which roles together can halt the network or fork it: a scenario's first question.

Of n validators with quorum Q, ``n - Q + 1`` that stay silent leave no quorum, and ``2Q - n``
hostile ones sit in the overlap of two quorums, so that both can decide differently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

import msgspec

from consensus.types import quorum_size


class Coalition(msgspec.Struct, frozen=True):
    """Roles that together are enough, and how many validators have them."""

    roles: tuple[str, ...]
    members: int


def to_halt(n: int) -> int:
    """Validators that can halt a network of ``n`` by silence."""
    return n - quorum_size(n) + 1


def to_fork(n: int) -> int:
    """Hostile validators that can fork a network of ``n``."""
    return 2 * quorum_size(n) - n


def smallest(roles: Iterable[str], needed: int) -> tuple[Coalition, ...]:
    """The sets of roles that reach ``needed`` validators and of which none can be left out.

    ``roles`` has one entry for each validator. Fewest roles first, then fewest members.
    """
    counts = Counter(roles)
    found: list[Coalition] = []
    for size in range(1, len(counts) + 1):
        for chosen in combinations(sorted(counts), size):
            members = sum(counts[role] for role in chosen)
            spare = any(set(other.roles) <= set(chosen) for other in found)
            if members >= needed and not spare:
                found.append(Coalition(chosen, members))
    return tuple(sorted(found, key=lambda c: (len(c.roles), c.members, c.roles)))
