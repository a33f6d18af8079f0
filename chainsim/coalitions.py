"""Which roles together can halt the network or fork it: a scenario's first question.

Of n validators with quorum Q, ``n - Q + 1`` that stay silent leave no quorum, and ``2Q - n``
hostile ones sit in the overlap of two quorums, so that both can decide differently. Both change
with the committee, so each epoch has its own answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import msgspec

from consensus.types import Committee, quorum_size
from scenarios.faults.membership import MembershipFault
from scenarios.faults.revoke_licence import RevokeLicence
from scenarios.schema import Scenario, ledger_nodes, seats


class Coalition(msgspec.Struct, frozen=True):
    """Roles that together are enough, and how many validators have them."""

    roles: tuple[str, ...]
    members: int


class Share(msgspec.Struct, frozen=True):
    """How many seats of an epoch's committee of ``n`` a role has, and how many could halt it."""

    epoch: int
    n: int
    have: int
    needed: int

    @property
    def spare(self) -> int:
        """Seats that it lacks; zero or less: it can halt the network."""
        return self.needed - self.have


class Sitting(msgspec.Struct, frozen=True):
    """Who sits in the committee once a change that was ordered ``from_us`` is in force."""

    from_us: int
    change: str
    """In words; empty: the beginning."""
    roles: tuple[str, ...]
    """One entry for each validator."""


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


def closest(role: str, committees: Iterable[Committee], roles: Mapping[str, str]) -> Share:
    """The epoch in which ``role`` comes closest to halting the network by itself, the first of
    several. ``roles``: of each node that ever sits. At least one committee."""
    shares = [
        Share(
            epoch=committee.epoch,
            n=committee.n,
            have=sum(roles.get(id_) == role for id_ in committee.ids),
            needed=to_halt(committee.n),
        )
        for committee in committees
    ]
    return min(shares, key=lambda share: (share.spare, share.epoch))


def roles_of(scenario: Scenario) -> dict[str, str]:
    """The role of each node that sits in the committee, or may be given a seat."""
    return {node.id: node.role for node in ledger_nodes(scenario)}


def sittings(scenario: Scenario) -> Iterator[Sitting]:
    """The committee at the start, and after each change of members that the faults plan."""
    roles = roles_of(scenario)
    members = [seat.id for seat in seats(scenario)]
    yield Sitting(0, "", tuple(roles[id_] for id_ in members))
    changes = [
        fault for fault in scenario.faults if isinstance(fault, MembershipFault | RevokeLicence)
    ]
    for fault in sorted(changes, key=lambda each: each.at or 0):
        about, leaves = _change(fault)
        if about in members and leaves:
            members.remove(about)
            change = f"without {about}"
        elif about not in members and not leaves:
            members.append(about)
            change = f"with {about}"
        else:
            continue
        yield Sitting(fault.at or 0, change, tuple(roles.get(id_, "other") for id_ in members))


def _change(fault: MembershipFault | RevokeLicence) -> tuple[str, bool]:
    """Whom it is about, and whether the seat goes: a firm's does with its licence."""
    if isinstance(fault, RevokeLicence):
        return fault.firm, True
    return fault.about, fault.CHANGE == "remove"
