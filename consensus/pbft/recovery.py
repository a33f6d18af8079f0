"""Booting from what the disk holds (rules 16, 23 and 24).

The vote log is read in order. What it implies (own PREPAREs, COMMITs, CHECKPOINTs) is signed
again: the statements are the same as before the crash, so nothing is ever contradicted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consensus.checkpoint_state import CheckpointState
from consensus.effects import Compact
from consensus.events import Boot
from consensus.messages import NULL_BATCH, NULL_DIGEST, Batch, CertifiedState, PrePrepare
from consensus.pbft.core import Core
from consensus.pbft.slot import Phase
from consensus.records import (
    AcceptedRecord,
    CheckpointRecord,
    EpochRecord,
    ExecutedBlock,
    HaltedRecord,
    MutedRecord,
    NewViewRecord,
    PreparedRecord,
    StableRecord,
    ViewChangeRecord,
)
from consensus.types import Digest, Sequence


def boot(core: Core, event: Boot) -> None:
    """Rebuild the replica from its vote log and the blocks that its validator replayed."""
    blocks: tuple[ExecutedBlock, ...] = event.blocks
    core.executed = event.base.sequence if event.base is not None else 0
    if blocks:
        core.executed = blocks[-1].sequence
    states = {block.sequence: block.state for block in blocks}
    batches = _batches(event.log)
    accepted: dict[Sequence, PrePrepare] = {}
    for record in event.log:
        _apply(core, record, batches, accepted, states)
    if core.halted:
        return
    if not _may_go_on(core, states):
        return
    behind = event.base is not None and event.base.sequence > core.stable
    if event.base is not None and event.base.sequence >= core.stable:
        _start_from(core, event.base, event.epochs)
    _restore_configuration(core, blocks)
    _restore_decisions(core, blocks)
    for proposal in accepted.values():
        _restore_slot(core, proposal)
    _restore_checkpoints(core, blocks)
    certified = core.checkpoints.certified
    if certified is not None:
        core.checkpoints.adopt_state(certified)  # blocks or the state itself may be lost (rule 25)
    core.normal.resume()
    if core.active and core.checkpoints.last_new_view is not None:
        core.entrance.resume(core.checkpoints.last_new_view, accepted)
    if behind:  # what follows in the log must follow the mark that it stands on
        core.out.append(Compact(tuple(core.checkpoints.live_records())))
    core.catch_up.watch()
    if event.log or blocks:
        core.catch_up.send_status()


def _may_go_on(core: Core, states: Mapping[Sequence, CheckpointState]) -> bool:
    """Rule 26: what the blocks gave must be what a quorum vouches for (rule 11)."""
    certified = core.checkpoints.certified
    own = states.get(core.stable)
    if certified is not None and own is not None and own.digest != certified.state.digest:
        core.diverged(core.stable)
        state = certified.state
        core.transfer.wanted(state.sequence, state.digest, certified.proof, state)
    return not core.halted


def _start_from(core: Core, base: CertifiedState, epochs: tuple[CertifiedState, ...]) -> None:
    """The state on the disk is proven stable, by a proof that may be newer than the log's."""
    for ended in epochs:
        core.configurations.learn(ended)
    core.checkpoints.certified = base
    core.stable = base.sequence
    while core.slots and core.slots.peekitem(0)[0] <= base.sequence:
        core.slots.popitem(0)
    if base.state.epoch > core.committee.epoch:
        core.configurations.learn(base)
        core.membership.enter(base.state.committee)
    core.membership.ordered(base.state)


def _batches(log: tuple[Any, ...]) -> dict[Digest, Batch]:
    """All batches in the log by digest."""
    batches: dict[Digest, Batch] = {NULL_DIGEST: NULL_BATCH}
    for record in log:
        if isinstance(record, AcceptedRecord) and record.pre_prepare.batch is not None:
            batches[record.pre_prepare.digest] = record.pre_prepare.batch
    return batches


def _apply(
    core: Core,
    record: Any,
    batches: dict[Digest, Batch],
    accepted: dict[Sequence, PrePrepare],
    states: Mapping[Sequence, CheckpointState],
) -> None:
    """Take one record of the log, in order."""
    match record:
        case StableRecord():
            core.stable = record.certified.sequence
            core.checkpoints.certified = record.certified
        case EpochRecord():
            core.configurations.learn(record.certified)
            core.set_committee(record.certified.state.committee)
        case ViewChangeRecord():
            core.view, core.active = record.view_change.view, False
            core.views.own = record.view_change
            core.views.received[core.id] = record.view_change
            core.checkpoints.last_view_change = record
            core.guard.allows(record.view_change)
        case NewViewRecord():
            view = record.new_view.view
            core.view = core.slot_view = view
            core.active = True
            core.views.own = None
            core.entrance.new_view = record.new_view
            core.entrance.proofs = {vc.digest_bytes: vc for vc in record.view_changes}
            core.checkpoints.last_new_view = record
            core.checkpoints.last_view_change = None
            if record.new_view.sender == core.id:
                core.guard.allows(record.new_view)
                for proposal in record.new_view.pre_prepares:
                    core.guard.allows(proposal)
            for slot in core.slots.values():
                slot.reset(view)
            accepted.clear()
        case AcceptedRecord():
            accepted[record.pre_prepare.sequence] = record.pre_prepare
        case PreparedRecord():
            slot = core.slot(record.certificate.sequence)
            if slot is not None:
                slot.certificate = record.certificate
                slot.certificate_batch = batches.get(record.certificate.digest)
        case HaltedRecord():
            core.halted = record.reason
        case MutedRecord():
            core.muted = record.reason
        case CheckpointRecord():
            state = states.get(record.checkpoint.sequence)
            if record.checkpoint.sequence > core.stable:
                core.guard.allows(record.checkpoint)
            if record.checkpoint.sequence > core.stable and state is not None:
                core.checkpoints.restore_own(record.checkpoint, state)


def _restore_slot(core: Core, proposal: PrePrepare) -> None:
    """Put back an accepted proposal and what was prepared, and vote for it again."""
    slot = core.slot(proposal.sequence)
    if slot is None or proposal.view != core.slot_view:
        return
    if proposal.sender == core.id:
        core.guard.allows(proposal)
    certificate = slot.certificate
    if certificate is not None and certificate.view == core.slot_view:
        for vote in certificate.prepares:
            slot.add_prepare(core.committee.index(vote.sender), vote)
    if core.active:
        core.normal.accept(slot, proposal)
        return
    slot.pre_prepare = proposal
    slot.advance(Phase.PRE_PREPARED)
    if certificate is not None and certificate.view == core.slot_view:
        slot.advance(Phase.PREPARED)


def _restore_configuration(core: Core, blocks: tuple[ExecutedBlock, ...]) -> None:
    """A change that was ordered on these blocks and isn't in force yet (rule 27)."""
    if core.checkpoints.certified is not None:
        core.membership.ordered(core.checkpoints.certified.state)
    for block in blocks:
        if block.sequence >= core.stable:
            core.membership.ordered(block.state)


def _restore_decisions(core: Core, blocks: tuple[ExecutedBlock, ...]) -> None:
    """Slots above h that were executed keep their decision: agreement on them may be redone."""
    for block in blocks:
        slot = core.slot(block.sequence)
        if slot is not None:
            slot.decision, slot.decided_batch = block.certificate, block.batch


def _restore_checkpoints(core: Core, blocks: tuple[ExecutedBlock, ...]) -> None:
    """Sign the CHECKPOINTs that the crash cut off between block and vote (rule 9)."""
    for block in blocks:
        sequence = block.sequence
        if sequence <= core.stable or not core.checkpoints.is_boundary(sequence):
            continue
        if sequence not in core.checkpoints.own:
            core.checkpoints.sign_own(block.state)
