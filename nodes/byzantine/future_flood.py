"""Buries its peers in votes for later views, later sequences and the epoch to come."""

from __future__ import annotations

from typing import ClassVar, Final

from consensus.effects import Broadcast, Effect
from consensus.messages import NULL_BATCH, Commit, Message, Prepare, PrePrepare
from consensus.types import Sequence, View
from nodes.byzantine.base import Attacker, Behaviour, sent

EVERY: Final = 16
"""Events of its own between one burst and the next."""
BURST: Final = 12
"""Slots in a burst, each with a PRE-PREPARE, a PREPARE and a COMMIT."""
BURSTS: Final = 18
"""Then it has had its say: a simulation must not drown with its validators."""
FIRST_SLOTS: Final = 4
"""Later views are flooded at so many sequences, which mostly are inside its peers' windows."""


class FutureFlood(Behaviour):
    """Sends bursts of its own PRE-PREPAREs, PREPAREs and COMMITs to all, ever further ahead of
    where it votes itself: in turn for later views (twice), for the epoch to come, and for later
    sequences.

    All of them are well signed, and nobody can tell yet that they are of no use: whoever keeps
    what comes too early, and doesn't count, runs out of memory (rule 32).
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (32,)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._here: Prepare | Commit | PrePrepare | None = None
        """Its own last vote."""
        self._events = 0
        self._bursts = 0
        self._views = 0
        """Later views that were flooded."""

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        attacker = self.attacker
        for message in sent(effects):
            if isinstance(message, PrePrepare | Prepare | Commit) and message.sender == attacker.id:
                self._here = message
        self._events += 1
        if self._here is None or self._bursts >= BURSTS or self._events % EVERY:
            return effects
        everybody = attacker.options.receivers or attacker.committee.others(attacker.id)
        burst = self._burst(self._here)
        self._bursts += 1
        return [*effects, *(Broadcast(everybody, message) for message in burst)]

    def _burst(self, here: Prepare | Commit | PrePrepare) -> list[Message]:
        turn = self._bursts % 4
        said: list[Message] = []
        for index in range(BURST):
            if turn == 3:
                said += self._say(here.epoch, here.view, here.sequence + 1 + index)
                continue
            self._views += 1
            sequence = here.sequence + 1 + index % FIRST_SLOTS
            if turn == 2:
                said += self._say(here.epoch + 1, self._views, sequence)
            else:
                said += self._say(here.epoch, here.view + self._views, sequence)
        return said

    def _say(self, epoch: int, view: View, sequence: Sequence) -> list[Message]:
        """For the null batch: the one that everybody knows."""
        me = self.attacker
        fields = (me.chain, epoch, me.id, view, sequence, NULL_BATCH.digest)
        proposal = me.sign(PrePrepare(*fields)).with_batch(NULL_BATCH)
        return [proposal, me.sign(Prepare(*fields)), me.sign(Commit(*fields))]
