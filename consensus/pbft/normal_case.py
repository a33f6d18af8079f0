"""The three phases of the normal case: PRE-PREPARE, PREPARE, COMMIT (rules 3 to 8)."""

from __future__ import annotations

from typing import Final, TypeVar

from consensus.effects import Deliver, TimerKey
from consensus.events import Executed
from consensus.messages import (
    Batch,
    Commit,
    CommitCertificate,
    Prepare,
    PreparedCertificate,
    PrePrepare,
)
from consensus.pbft.core import Core
from consensus.pbft.future import FutureMessages
from consensus.pbft.slot import Phase, Slot
from consensus.records import AcceptedRecord, PreparedRecord
from consensus.types import Sequence

V = TypeVar("V", Prepare, Commit)

HELD: Final[TimerKey] = ("held",)


class NormalCase:
    """Agrees on batches in the active view and delivers decided ones in sequence."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self.future: Final = FutureMessages(core.parameters.window)
        self._delivering: Batch | None = None
        """The batch out for execution (law 1: one at a time)."""
        self._held: dict[Sequence, PrePrepare] = {}

    @property
    def delivering(self) -> bool:
        """Whether a batch is out for execution."""
        return self._delivering is not None

    # -- PRE-PREPARE (rule 3) ---------------------------------------------------------

    def on_pre_prepare(self, message: PrePrepare) -> None:
        core = self.core
        if message.sender != core.committee.primary(message.view) or message.sender == core.id:
            return
        here = core.active and message.view == core.view
        slot = core.slot(message.sequence) if here else None
        known = slot.pre_prepare if slot is not None else None
        if known is not None:
            if known.digest != message.digest:
                core.report("conflicting-pre-prepare", known.header, message.header)
            return
        batch = message.batch
        if batch is None or batch.digest != message.digest:
            return  # somebody relays the header alone: it must not take the true one's place
        if len(batch.requests) > core.parameters.block_max_txs:
            return
        if slot is None:
            self._defer(message)
            return
        if not core.authentic(message):
            return
        if slot.decision is not None and slot.decision.digest != message.digest:
            return
        if self._is_ahead_of_clock(batch):
            self._hold(message)
            return
        if not all(core.requests.known_authentic(request) for request in batch.requests):
            return
        core.persist(AcceptedRecord(message))
        core.pool.mark_selected(batch.requests)
        self.accept(slot, message)

    def _is_ahead_of_clock(self, batch: Batch) -> bool:
        return batch.time_us > self.core.clock_us + self.core.parameters.clock_drift_us

    def _hold(self, message: PrePrepare) -> None:
        """Rule 8: a proposal from the future waits until its time has come, one per slot."""
        if message.sequence in self._held or message.batch is None:
            return
        # Slots that were decided without it leave it behind: at most a window is held.
        self._held = {n: held for n, held in self._held.items() if n > self.core.stable}
        self._held[message.sequence] = message
        earliest = min(held.batch.time_us for held in self._held.values() if held.batch)
        due = earliest - self.core.parameters.clock_drift_us
        self.core.set_timer(HELD, max(0, due - self.core.clock_us))

    def held_timer_fired(self) -> None:
        held, self._held = self._held, {}
        for message in held.values():
            self.on_pre_prepare(message)

    def accept(self, slot: Slot, proposal: PrePrepare) -> None:
        """The slot has its proposal, durable: vote for it, and count votes that came early."""
        core = self.core
        slot.pre_prepare = proposal
        slot.advance(Phase.PRE_PREPARED)
        core.milestone("pre-prepare-accepted", proposal.view, proposal.sequence, proposal.digest)
        if proposal.sender != core.id:
            self._prepare(slot, proposal)
        self._check_prepared(slot)

    def _prepare(self, slot: Slot, proposal: PrePrepare) -> None:
        vote = self._vote(Prepare, proposal)
        if vote is not None:
            self.core.broadcast(vote)
            slot.add_prepare(self.core.position, vote)

    def _commit(self, slot: Slot, proposal: PrePrepare) -> None:
        vote = self._vote(Commit, proposal)
        if vote is not None:
            self.core.broadcast(vote)
            slot.add_commit(self.core.position, vote)

    def _vote(self, kind: type[V], proposal: PrePrepare) -> V | None:
        """One's own vote for ``proposal``, or None if the sign guard forbids it."""
        core = self.core
        where = (proposal.view, proposal.sequence, proposal.digest)
        return core.sign(kind(core.chain, core.committee.epoch, core.id, *where))

    # -- PREPARE (rule 4) -------------------------------------------------------------

    def on_prepare(self, message: Prepare) -> None:
        core = self.core
        if not core.active or message.view != core.view:
            self._defer(message)
            return
        if message.sender == core.committee.primary(message.view):
            return
        slot = core.slot(message.sequence)
        if slot is None:
            self._defer(message)
            return
        position = core.committee.index(message.sender)
        known = slot.prepares.get(position)
        if known is not None:
            if known.digest != message.digest:
                core.report("conflicting-prepare", known, message)
            return
        if core.authentic(message):
            slot.add_prepare(position, message)
            self._check_prepared(slot)

    def _check_prepared(self, slot: Slot) -> None:
        proposal = slot.pre_prepare
        if slot.phase is not Phase.PRE_PREPARED or proposal is None:
            return
        core = self.core
        needed = core.committee.quorum - 1
        if slot.prepare_count(proposal.digest) < needed:
            return
        slot.advance(Phase.PREPARED)
        slot.certificate = PreparedCertificate(
            proposal.header, slot.prepares_for(proposal.digest, needed)
        )
        slot.certificate_batch = proposal.batch
        core.persist(PreparedRecord(slot.certificate))
        core.milestone("prepared", proposal.view, proposal.sequence, proposal.digest)
        self._commit(slot, proposal)
        self._check_committed(slot)

    # -- COMMIT (rule 5) --------------------------------------------------------------

    def on_commit(self, message: Commit) -> None:
        """Count a COMMIT; those of the view last entered count during a view change too."""
        core = self.core
        if message.view != core.slot_view:
            self._defer(message)
            return
        slot = core.slot(message.sequence)
        if slot is None:
            self._defer(message)
            return
        position = core.committee.index(message.sender)
        known = slot.commits.get(position)
        if known is not None:
            if known.digest != message.digest:
                core.report("conflicting-commit", known, message)
            return
        if core.authentic(message):
            slot.add_commit(position, message)
            self._check_committed(slot)

    def _check_committed(self, slot: Slot) -> None:
        proposal = slot.pre_prepare
        if slot.phase is not Phase.PREPARED or proposal is None or proposal.batch is None:
            return
        core = self.core
        needed = core.committee.quorum
        if slot.commit_count(proposal.digest) < needed:
            return
        slot.advance(Phase.COMMITTED)
        core.milestone("committed", proposal.view, proposal.sequence, proposal.digest)
        certificate = CommitCertificate(
            core.committee.epoch,
            proposal.view,
            proposal.sequence,
            proposal.digest,
            slot.commits_for(proposal.digest, needed),
        )
        self.decide(slot, proposal.batch, certificate)

    # -- execution (rule 6) -----------------------------------------------------------

    def decide(self, slot: Slot, batch: Batch, certificate: CommitCertificate) -> None:
        """A certificate decided the slot: execute it when its turn comes, once."""
        if slot.decision is None:
            slot.decision, slot.decided_batch = certificate, batch
        self.deliver_next()

    def deliver_next(self) -> None:
        """Hand the next decided batch to the validator, strictly in order."""
        core = self.core
        sequence = core.executed + 1
        if self._delivering is not None or core.halted or core.suspect:
            return
        if core.boundary is not None and sequence > core.boundary:
            return  # the next committee's: once the checkpoint that names it is stable
        slot = core.slots.get(sequence)
        if slot is not None and slot.decision is not None and slot.decided_batch is not None:
            decision, batch = slot.decision, slot.decided_batch
        else:
            caught = core.catch_up.take(sequence)
            if caught is None:
                return
            decision, batch = caught
            slot = core.slot(sequence)
            if slot is not None:
                slot.decision, slot.decided_batch = decision, batch
        self._delivering = batch
        core.deliver(Deliver(sequence, decision.view, batch, decision))

    def on_executed(self, event: Executed) -> None:
        """The validator executed the delivered block."""
        core = self.core
        batch, self._delivering = self._delivering, None
        assert batch is not None
        assert event.sequence == core.executed + 1
        core.executed = event.sequence
        core.membership.ordered(event.state)
        core.pool.remove(batch.requests)
        core.proposer.skip_to(event.sequence + 1)
        core.timeouts.executed(batch, fresh=bool(batch.requests) or core.boundary is not None)
        core.checkpoints.executed(event)
        self.deliver_next()
        core.proposer.propose_soon()
        core.entrance.check_entries()

    # -- views ------------------------------------------------------------------------

    def view_left(self) -> None:
        """A view change began: nothing is proposed, held or forwarded any more."""
        self.core.proposer.view_left()
        self._held.clear()
        self.core.requests.view_left()

    def epoch_entered(self) -> None:
        """A new committee begins above the checkpoint that ended the last epoch (rule 27)."""
        core = self.core
        self.epoch_left()
        core.proposer.begin_at(core.stable + 1)
        core.proposer.propose_soon()
        if not core.is_primary:
            # What came to the last primary while the epoch ended is known to nobody else.
            waiting = core.pool.select(core.parameters.block_max_txs)
            core.pool.release_selected()
            for request in waiting:
                core.requests.forward(request)

    def epoch_left(self) -> None:
        """What the last committee was about is over."""
        self.view_left()
        self.future.clear()
        self.core.pool.release_selected()

    def jumped(self) -> None:
        """A later state was installed: nothing is proposed below it."""
        self.core.proposer.skip_to(self.core.executed + 1)

    def vote_again(self) -> None:
        """A transfer is over: vote on what was accepted meanwhile."""
        core = self.core
        for slot in list(core.slots.values()):
            proposal = slot.pre_prepare
            if not core.active or proposal is None or core.slots.get(slot.sequence) is not slot:
                continue
            if proposal.sender != core.id and core.position not in slot.prepares:
                self._prepare(slot, proposal)
                self._check_prepared(slot)
            if slot.phase is Phase.PREPARED and core.position not in slot.commits:
                self._commit(slot, proposal)
                self._check_committed(slot)

    def resume(self) -> None:
        """After boot: propose above everything that the log shows was proposed."""
        core = self.core
        taken = [s for s, slot in core.slots.items() if slot.pre_prepare or slot.certificate]
        core.proposer.begin_at(max([core.executed, core.stable, *taken]) + 1)
        self.deliver_next()

    def view_entered(self, max_sequence: Sequence) -> None:
        """A view began whose NEW-VIEW re-proposed up to ``max_sequence``."""
        core = self.core
        core.proposer.begin_at(max(max_sequence, core.stable, core.executed) + 1)
        self.replay_future()
        core.proposer.propose_soon()

    def replay_future(self) -> None:
        """Handle again what was kept for this view and window."""
        core = self.core
        for message in self.future.take(core.view, core.high):
            if isinstance(message, PrePrepare):
                self.on_pre_prepare(message)
            elif isinstance(message, Prepare):
                self.on_prepare(message)
            else:
                self.on_commit(message)

    def _defer(self, message: PrePrepare | Prepare | Commit) -> None:
        """Keep a message of a later view or window under its sender's cap (rules 12 and 32)."""
        core = self.core
        later_view = message.view > core.slot_view and message.view >= core.view
        this_view = message.view == core.slot_view and core.active
        later_slot = core.high < message.sequence <= core.high + core.parameters.window
        in_window = core.stable < message.sequence <= core.high
        wanted = (later_view and (in_window or later_slot)) or (this_view and later_slot)
        if wanted and not self.future.is_full(message.sender) and core.authentic(message):
            self.future.add(message)
