"""The short way for votes that lead to nothing yet: most of them.

A PREPARE or COMMIT that finds its slot open, and that can't complete a quorum, is checked, counted
and done with. ``Tally`` takes those and no others: whatever is out of the ordinary it leaves to
``NormalCase``, untouched. So every vote could go the long way instead, and a run would be the same:
``tests/unit/explore/test_short_ways.py`` holds both against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from consensus.messages import Commit, Message, Prepare
from consensus.pbft.slot import Phase

if TYPE_CHECKING:
    from consensus.pbft.core import Core

MORE: Final = -1
"""There is more to this message than counting it."""
_PROVEN: Final = "proven under"
"""In the ``__dict__`` of a vote, which is one object for all its receivers: the key under which its
signature was found valid."""


class Tally:
    """Counts votes in the log of one replica."""

    def __init__(self, core: Core) -> None:
        self._core: Final = core
        self._reads: Final = core.elapsed.at

    def count(self, message: Message, now_us: int) -> int:
        """Takes a message if all that it does is to be counted, at this local reading: how many
        signatures were checked; ``MORE`` if ``handle`` has to take it.

        One piece, as it runs for most of what arrives: see ``NormalCase`` for each step.
        """
        core = self._core
        committee = core.committee
        vote: Any = message
        kind = type(message)
        if kind is Commit:
            slot = core.slots.get(vote.sequence)
            if slot is None or vote.view != core.slot_view:
                return MORE
            votes, masks = slot.commits, slot.commit_masks
            before, others = Phase.PREPARED, committee.quorum - 1
        elif kind is Prepare:
            slot = core.slots.get(vote.sequence)
            if slot is None or vote.view != core.view or not core.active:
                return MORE
            if vote.sender == committee.primary(vote.view):
                return MORE
            votes, masks = slot.prepares, slot.prepare_masks
            before, others = Phase.PRE_PREPARED, committee.quorum - 2
        else:
            return MORE
        sender = vote.sender
        position = committee.positions.get(sender)
        if position is None or position in votes or sender == core.id:
            return MORE
        if vote.epoch != committee.epoch or vote.chain != core.chain:
            return MORE
        if core.halted or core.transfer.due:
            return MORE
        digest = vote.digest
        mask = masks.get(digest, 0)
        if slot.phase is before:
            proposed = slot.pre_prepare.digest
            found = mask if digest == proposed else masks.get(proposed, 0)
            if found.bit_count() >= others:
                return MORE
        self._reads(now_us)  # like any event: time that passed, if the clock is set back later
        key = committee.members[position].public_key
        if vote.__dict__.get(_PROVEN) is not key:
            if not core.carries_signature(vote):
                return 1
            vote.__dict__[_PROVEN] = key
        votes[position] = vote
        masks[digest] = mask | 1 << position
        return 1
