"""Mutants of checkpoints, watermarks and the log (rules 3, 7 and 9 to 11)."""

from __future__ import annotations

from contextlib import AbstractContextManager

from chainsim.explore.planting import swapped
from consensus.events import Executed
from consensus.messages import Checkpoint
from consensus.pbft.checkpoints import Checkpoints
from consensus.pbft.core import Core
from consensus.pbft.future import FutureMessages
from consensus.pbft.normal_case import NormalCase
from consensus.pbft.slot import Slot
from consensus.types import Sequence

Patch = AbstractContextManager[None]


def stable_at_weak() -> Patch:
    """f+1 CHECKPOINTs are enough for the one who counts; proofs are checked as ever.

    With proofs of f+1 believed too it is equivalent here: whoever signs a CHECKPOINT has executed
    to it, so what is discarded was decided, and one honest holder serves the rest. What shows is
    that others refuse the VIEW-CHANGE of a replica whose proof is short.
    """

    def adopt_if(self: Checkpoints, message: Checkpoint) -> None:
        wanted = (message.sequence, message.digest)
        held = {**self._ahead, **self._votes.get(message.sequence, {})}
        alike = [vote for vote in held.values() if (vote.sequence, vote.digest) == wanted]
        enough = self.core.committee.weak_quorum
        if len(alike) >= enough:
            alike.sort(key=lambda vote: self.core.committee.index(vote.sender))
            self.adopt(tuple(alike[:enough]))

    return swapped((Checkpoints, "_adopt_if_quorum", adopt_if))


def discarded_on_execution() -> Patch:
    """What was executed needs no certificate any more."""

    def on_executed(self: NormalCase, event: Executed) -> None:
        original(self, event)
        slot = self.core.slots.get(event.sequence)
        if slot is not None:
            slot.certificate = None

    original = NormalCase.on_executed
    return swapped((NormalCase, "on_executed", on_executed))


def no_watermarks() -> Patch:
    """Slots are made wherever somebody asks for one, and the primary proposes without end."""

    def slot(self: Core, sequence: Sequence) -> Slot | None:
        known = self.slots.get(sequence)
        if known is None:
            known = self.slots[sequence] = Slot(sequence, self.slot_view)
        return known

    return swapped(
        (Core, "slot", slot), (Core, "high", property(lambda self: self.stable + (1 << 40)))
    )


def future_unbounded() -> Patch:
    """Whoever signs votes for later views and windows has all of them kept."""
    return swapped((FutureMessages, "is_full", lambda self, sender: False))
