"""Checkpoints and garbage collection (rules 9 to 11)."""

from __future__ import annotations

from typing import Final

from sortedcontainers import SortedDict

from consensus.checkpoint_state import CheckpointState
from consensus.effects import Compact, Settle
from consensus.events import Executed
from consensus.messages import CertifiedState, Checkpoint
from consensus.pbft.core import Core
from consensus.records import (
    AcceptedRecord,
    CheckpointRecord,
    EpochRecord,
    LogRecord,
    MutedRecord,
    NewViewRecord,
    PreparedRecord,
    StableRecord,
    ViewChangeRecord,
)
from consensus.types import NodeId, Sequence


class Checkpoints:
    """Collects CHECKPOINTs, moves the low watermark, truncates the log."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self.certified: CertifiedState | None = None
        """The stable state at h with its Q CHECKPOINTs; None at h = 0."""
        self.stable_in_view = False
        """Whether a checkpoint became stable since the active view was entered."""
        self.own: SortedDict[Sequence, Checkpoint] = SortedDict()
        """Own signed CHECKPOINTs above h."""
        self.last_view_change: ViewChangeRecord | None = None
        self.last_new_view: NewViewRecord | None = None
        self._votes: SortedDict[Sequence, dict[NodeId, Checkpoint]] = SortedDict()
        self._ahead: dict[NodeId, Checkpoint] = {}
        """Per sender its highest CHECKPOINT beyond H (rule 11)."""
        self._states: SortedDict[Sequence, CheckpointState] = SortedDict()
        """What own CHECKPOINTs above h stand for."""
        self._pending: tuple[Checkpoint, ...] = ()
        """A stable proof for a sequence that isn't executed yet (rule 10)."""

    @property
    def proof(self) -> tuple[Checkpoint, ...]:
        """Q CHECKPOINTs for h; empty at h = 0."""
        return () if self.certified is None else self.certified.proof

    def is_boundary(self, sequence: Sequence) -> bool:
        """Whether a checkpoint is taken at ``sequence``."""
        return sequence % self.core.parameters.checkpoint_interval == 0

    def next_boundary(self) -> Sequence:
        """The first checkpoint above h."""
        interval = self.core.parameters.checkpoint_interval
        return (self.core.stable // interval + 1) * interval

    def executed(self, event: Executed) -> None:
        """A block was executed: sign a checkpoint at a boundary (rule 9)."""
        core, sequence = self.core, event.sequence
        if not self.is_boundary(sequence):
            return
        self.sign_own(event.state)
        ended = core.configurations.ended_at(sequence)
        if ended is not None:
            self._adopt(ended.proof)
        if self._pending and self._pending[0].sequence <= core.executed and not core.halted:
            proof, self._pending = self._pending, ()
            self._adopt(proof)

    def sign_own(self, state: CheckpointState) -> None:
        """Say what the state after a block is, durably, unless a quorum has gone further."""
        core, sequence = self.core, state.sequence
        if sequence <= core.stable:
            return
        self._states[sequence] = state
        epoch = core.configurations.at(sequence).epoch
        vote = core.sign(Checkpoint(core.chain, epoch, core.id, sequence, state.digest))
        if vote is None:
            return
        self.own[sequence] = vote
        core.persist(CheckpointRecord(vote))
        core.broadcast(vote)
        self._count(vote)

    def sign_missing(self) -> None:
        """A transfer was overtaken by execution: what was executed meanwhile is vouched for now.
        Who fetches votes on nothing (rule 22), and nobody executes those blocks again: without
        these CHECKPOINTs a quorum may lack for ever what it needs to move h (rules 9 and 10)."""
        for sequence, state in list(self._states.items()):
            if sequence > self.core.stable and sequence not in self.own:
                self.sign_own(state)

    def restore_own(self, vote: Checkpoint, state: CheckpointState) -> None:
        """An own CHECKPOINT read from the vote log at boot, and what it stands for."""
        self.own[vote.sequence] = vote
        self._states[vote.sequence] = state
        self._count(vote)

    def on_checkpoint(self, message: Checkpoint) -> None:
        """Count somebody's CHECKPOINT."""
        core = self.core
        if message.sequence <= core.stable or not self.is_boundary(message.sequence):
            return
        if message.sequence > core.high:
            self._remember_ahead(message)
            return
        known = self._votes.get(message.sequence, {}).get(message.sender)
        if known is not None:
            if known.digest != message.digest:
                core.report("conflicting-checkpoint", known, message)
            return
        if core.authentic(message):
            self._count(message)

    def _remember_ahead(self, message: Checkpoint) -> None:
        """Rule 11: W replicas beyond H mean that this one lags and should ask for blocks.

        Q of them alike are a stable proof wherever H is: without it a replica that caught up by
        certified batches would execute ever further above its own window and never vote again.
        """
        core = self.core
        known = self._ahead.get(message.sender)
        if known is not None and known.sequence >= message.sequence:
            return
        if not core.authentic(message):
            return
        self._ahead[message.sender] = message
        beyond = sorted((c.sequence for c in self._ahead.values()), reverse=True)
        weak = core.committee.weak_quorum
        if len(beyond) >= weak:
            core.catch_up.lagging(beyond[weak - 1])
        wanted = (message.sequence, message.digest)
        if sum(1 for c in self._ahead.values() if (c.sequence, c.digest) == wanted) >= weak:
            core.transfer.wanted(*wanted)
        self._adopt_if_quorum(message)

    def _count(self, message: Checkpoint) -> None:
        votes = self._votes.setdefault(message.sequence, {})
        votes[message.sender] = message
        self._adopt_if_quorum(message)

    def _adopt_if_quorum(self, message: Checkpoint) -> None:
        """Rule 10: Q distinct signers, here or beyond H, say the same of the same sequence."""
        core = self.core
        wanted = (message.sequence, message.digest)
        votes = self._votes.get(message.sequence, {})
        if len(self._ahead) + len(votes) < core.committee.quorum:
            return  # most: nothing that grows with n is done for each of n votes
        held = {**self._ahead, **votes}
        matching = [vote for vote in held.values() if (vote.sequence, vote.digest) == wanted]
        if len(matching) >= core.committee.quorum:
            matching.sort(key=lambda vote: core.committee.index(vote.sender))
            self.adopt(tuple(matching[: core.committee.quorum]))

    def adopt(self, proof: tuple[Checkpoint, ...]) -> None:
        """A checkpoint is proven stable; transfer first if it isn't executed (rule 10)."""
        core = self.core
        sequence = proof[0].sequence
        if sequence <= core.stable or core.halted:
            return
        if sequence > core.executed:
            if not self._pending or self._pending[0].sequence < sequence:
                self._pending = proof
                core.catch_up.lagging(sequence)
            core.transfer.wanted(sequence, proof[0].digest, proof)
            return
        self._adopt(proof)

    def adopt_state(self, certified: CertifiedState) -> None:
        """A state is proven stable; who isn't that far may fetch it instead of executing."""
        core = self.core
        if certified.sequence > core.executed:
            core.catch_up.lagging(certified.sequence)
            state = certified.state
            core.transfer.wanted(state.sequence, state.digest, certified.proof, state)
        self.adopt(certified.proof)

    def installed(self, certified: CertifiedState) -> None:
        """The state was fetched: it is one's own now, and stable."""
        if self._pending and self._pending[0].sequence <= certified.sequence:
            self._pending = ()
        self._move(certified)

    def _adopt(self, proof: tuple[Checkpoint, ...]) -> None:
        core = self.core
        sequence, digest = proof[0].sequence, proof[0].digest
        state = self._states.get(sequence)
        if state is None or sequence <= core.stable:
            return
        if state.digest != digest:
            core.diverged(sequence)
            core.transfer.wanted(sequence, digest, proof)
            return
        self._move(CertifiedState(state, proof))

    def _move(self, certified: CertifiedState) -> None:
        """The low watermark goes to ``certified``; what lies below is dropped (rule 10)."""
        core, state, sequence = self.core, certified.state, certified.sequence
        self.certified = certified
        core.stable = sequence
        self.stable_in_view = True
        for table in (core.slots, self._votes, self.own, self._states):
            while table and table.peekitem(0)[0] <= sequence:
                table.popitem(0)
        self._ahead = {s: c for s, c in self._ahead.items() if c.sequence > sequence}
        core.guard.forget(sequence)
        core.milestone("checkpoint-stable", core.view, sequence, state.digest)
        if core.store is not None:
            core.out.append(Settle(certified, core.configurations.until(sequence)))
        if state.epoch > core.committee.epoch:
            core.membership.ended(certified)
            return
        core.out.append(Compact(tuple(self.live_records())))
        if core.active:
            core.timeouts.checkpoint_stable_in_view()
        due = [vote for vote in self._ahead.values() if vote.sequence <= core.high]
        self._ahead = {s: c for s, c in self._ahead.items() if c.sequence > core.high}
        for vote in due:
            self.on_checkpoint(vote)
        if core.active:
            core.normal.replay_future()
            core.proposer.propose_soon()
        core.entrance.check_entries()

    def live_records(self) -> list[LogRecord]:
        """What the vote log must still hold above the new watermark (rule 23)."""
        epoch = self.core.committee.epoch
        records: list[LogRecord] = [
            EpochRecord(ended)
            for ended in self.core.configurations.boundaries
            if ended.state.epoch <= epoch
        ]
        if self.certified is not None:
            records.append(StableRecord(self.certified))
        for slot in self.core.slots.values():
            if slot.certificate is not None:
                records.append(PreparedRecord(slot.certificate))
                if slot.certificate_batch is not None and (
                    slot.pre_prepare is None or slot.pre_prepare.digest != slot.certificate.digest
                ):
                    # The batch of an older view's certificate lies only in its proposal.
                    proposal = slot.certificate.pre_prepare.with_batch(slot.certificate_batch)
                    records.append(AcceptedRecord(proposal))
        if self.last_new_view is not None:
            records.append(self.last_new_view)
        for slot in self.core.slots.values():
            if slot.pre_prepare is not None:
                records.append(AcceptedRecord(slot.pre_prepare))
        if self.last_view_change is not None:
            records.append(self.last_view_change)
        made = self.core.entrance.entries.get(self.core.id)
        if made is not None:
            # An own NEW-VIEW that waits for a checkpoint or a batch is signed and sent (rule 24).
            voters = tuple(made.view_changes[s] for s, _ in made.new_view.view_changes)
            records.append(NewViewRecord(made.new_view, voters))
        records.extend(CheckpointRecord(vote) for vote in self.own.values())
        if self.core.muted:
            records.append(MutedRecord(self.core.muted))
        return records

    def epoch_entered(self) -> None:
        """Votes and views of the epoch that is over are of no use (rule 27)."""
        self._votes.clear()
        self._ahead.clear()
        self.own.clear()
        self._states.clear()
        self.last_view_change = self.last_new_view = None
        self.stable_in_view = False

    def view_entered(self) -> None:
        """A fresh view has yet to show that it works."""
        self.stable_in_view = False

    def voters_mask(self, sequence: Sequence) -> int:
        """Bit mask of those whose CHECKPOINT for ``sequence`` is held."""
        mask = 0
        for sender in self._votes.get(sequence, ()):
            mask |= 1 << self.core.committee.index(sender)
        return mask
