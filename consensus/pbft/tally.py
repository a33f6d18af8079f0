"""The short way for votes that lead to nothing yet: most of them.

A PREPARE or COMMIT that finds its slot open, and that can't complete a quorum, is checked, counted
and done with. ``Tally`` takes those and no others: whatever is out of the ordinary it leaves to
``NormalCase``, untouched. So every vote could go the long way instead, and a run would be the same:
``tests/unit/explore/test_short_ways.py`` holds both against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from consensus.messages import Commit, Message, Prepare
from consensus.pbft.slot import Phase

if TYPE_CHECKING:
    from consensus.pbft.core import Core

MORE: Final = -1
"""There is more to this message than counting it."""


class Tally:
    """Counts votes in the log of one replica."""

    def __init__(self, core: Core) -> None:
        self._core: Final = core
        self._kinds: Final[dict[type[Message], Callable[[Any], int]]] = {
            Prepare: self._prepare,
            Commit: self._commit,
        }

    def count(self, message: Message) -> int:
        """Takes a message if all that it does is to be counted: how many signatures were
        checked; ``MORE`` if ``handle`` has to take it."""
        kind = self._kinds.get(type(message))
        core = self._core
        if (
            kind is None
            or core.halted
            or core.transfer.due
            or message.epoch != core.committee.epoch
            or message.chain != core.chain
            or message.sender == core.id
        ):
            return MORE
        return kind(message)

    def _prepare(self, vote: Prepare) -> int:
        core = self._core
        view = vote.view
        if view != core.view or not core.active or vote.sender == core.committee.primary(view):
            return MORE
        slot = core.slots.get(vote.sequence)
        position = core.committee.position(vote.sender)
        if slot is None or position < 0 or position in slot.prepares:
            return MORE
        if slot.phase is Phase.PRE_PREPARED:
            votes = slot.prepare_count(slot.pre_prepare.digest)
            if votes + 2 >= core.committee.quorum:
                return MORE
        if core.carries_signature(vote):
            slot.add_prepare(position, vote)
        return 1

    def _commit(self, vote: Commit) -> int:
        core = self._core
        if vote.view != core.slot_view:
            return MORE
        slot = core.slots.get(vote.sequence)
        position = core.committee.position(vote.sender)
        if slot is None or position < 0 or position in slot.commits:
            return MORE
        if slot.phase is Phase.PREPARED:
            votes = slot.commit_count(slot.pre_prepare.digest)
            if votes + 1 >= core.committee.quorum:
                return MORE
        if core.carries_signature(vote):
            slot.add_commit(position, vote)
        return 1
