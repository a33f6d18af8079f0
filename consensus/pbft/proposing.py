"""What a primary proposes, and when (rule 7)."""

from __future__ import annotations

from typing import Final

from consensus.effects import TimerKey
from consensus.messages import NULL_BATCH, Batch, PrePrepare
from consensus.pbft.core import Core
from consensus.records import AcceptedRecord
from consensus.types import Sequence

BATCH: Final[TimerKey] = ("batch",)


class Proposer:
    """Puts waiting requests into batches, and proposes them in the next free slots."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self._next: Sequence = 1
        self._batch_armed = False
        self._last_proposal_us: int | None = None

    def begin_at(self, sequence: Sequence) -> None:
        """The next free slot is this one: a view, an epoch or a process begins."""
        self._next = sequence

    def skip_to(self, sequence: Sequence) -> None:
        """Everything below was decided."""
        self._next = max(self._next, sequence)

    def view_left(self) -> None:
        """A view change began: nothing is proposed any more."""
        if self._batch_armed:
            self._batch_armed = False
            self.core.cancel_timer(BATCH)
        self._last_proposal_us = None

    def propose_soon(self) -> None:
        """Propose now if a batch is full or the last one is an interval ago, else in time."""
        core = self.core
        if not core.is_primary or not (len(core.pool) or self._fills):
            return
        wait = 0
        waiting = 0 < len(core.pool) < core.parameters.block_max_txs
        if self._last_proposal_us is not None and waiting:
            wait = self._last_proposal_us + core.parameters.block_interval_us - core.now_us
        if wait <= 0:
            self._propose()
        elif not self._batch_armed:
            self._batch_armed = True
            core.set_timer(BATCH, wait)

    @property
    def _fills(self) -> bool:
        """Whether slots up to the end of the epoch are still to be proposed (rule 27)."""
        boundary = self.core.boundary
        return boundary is not None and self._next <= boundary

    def batch_timer_fired(self) -> None:
        self._batch_armed = False
        self.propose_soon()

    def _propose(self) -> None:
        core = self.core
        limit = core.parameters.block_max_txs
        while self._next <= core.high:
            if len(core.pool):
                batch = Batch(core.clock_us, core.pool.select(limit))
            elif self._fills:
                batch = NULL_BATCH
            else:
                break
            proposal = core.sign(
                PrePrepare(
                    core.chain,
                    core.committee.epoch,
                    core.id,
                    core.view,
                    self._next,
                    batch.digest,
                    batch=batch,
                )
            )
            slot = core.slot(self._next)
            self._next += 1
            if proposal is None or slot is None:
                continue
            self._last_proposal_us = core.now_us
            core.persist(AcceptedRecord(proposal))
            core.broadcast(proposal)
            core.normal.accept(slot, proposal)
            if len(core.pool) < limit and not self._fills:
                break
        if len(core.pool) and self._next <= core.high and not self._batch_armed:
            self._batch_armed = True
            core.set_timer(BATCH, core.parameters.block_interval_us)
