"""Entering a view: NEW-VIEWs, and what is needed to believe them (rules 15 and 16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from consensus.limits import MAX_VIEW
from consensus.messages import (
    NULL_BATCH,
    NULL_DIGEST,
    Batch,
    BatchReply,
    FetchBatch,
    FetchViewChange,
    NewView,
    PrePrepare,
    ViewChange,
)
from consensus.pbft.answers import Answers
from consensus.pbft.core import Core
from consensus.pbft.new_view import Selection, carries_batch, new_view_is_well_formed, select
from consensus.records import AcceptedRecord, NewViewRecord
from consensus.types import Digest, NodeId, Sequence, View


class Entry:
    """A NEW-VIEW on its way in: what it names and what is still missing."""

    def __init__(self, new_view: NewView) -> None:
        self.new_view: Final = new_view
        self.view_changes: dict[NodeId, ViewChange] = {}
        self.selection: Selection | None = None
        """Set once V is complete and O follows from it."""
        self.batches: dict[Digest, Batch] = {}


class Entrance:
    """Checks NEW-VIEWs, fetches what they name and is missing, enters the view."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self.new_view: NewView | None = None
        """The NEW-VIEW of the last view entered, for those who missed it (rule 16)."""
        self.proofs: dict[Digest, ViewChange] = {}
        """The VIEW-CHANGEs that ``new_view`` names."""
        self.entries: dict[NodeId, Entry] = {}
        """NEW-VIEWs on their way in, of each primary its highest: a lying one of a far view must
        not stand in the way of an honest one (rule 32)."""
        self._answers: Final = Answers(core.parameters.status_interval_us // 2)

    def epoch_entered(self) -> None:
        """Views of the epoch that is over mean nothing any more (rule 27)."""
        self.proofs, self.entries, self.new_view = {}, {}, None
        self._answers.forget()

    def resume(self, record: NewViewRecord, accepted: Mapping[Sequence, PrePrepare]) -> None:
        """After boot in a view whose NEW-VIEW is durable: enter it again if the crash came
        before all of O was accepted."""
        core, new_view = self.core, record.new_view
        has_all = all(
            p.sequence <= core.stable or p.sequence in accepted for p in new_view.pre_prepares
        )
        if has_all and select(record.view_changes).min_sequence <= core.stable:
            return
        core.active = False
        entry = self.entries[new_view.sender] = Entry(new_view)
        entry.view_changes = {vc.sender: vc for vc in record.view_changes}
        core.timeouts.quorum_wants_view()
        self.check_entries()

    # -- the backups (rule 15) --------------------------------------------------------

    def on_new_view(self, message: NewView) -> None:
        """Check a NEW-VIEW's form, then gather the VIEW-CHANGEs that it names."""
        core = self.core
        if message.sender != core.committee.primary(message.view) or message.sender == core.id:
            return
        if not core.view <= message.view <= MAX_VIEW or (core.active and message.view == core.view):
            return
        if carries_batch(message):
            return  # somebody who relays it put it there: no reason to accuse the primary
        held = self.entries.get(message.sender)
        if held is not None and held.new_view.view >= message.view:
            known = held.new_view
            if known.view == message.view and known.digest_bytes != message.digest_bytes:
                core.report("conflicting-new-view", known, message)
            return
        if not core.authentic(message):
            return
        if not self._is_well_formed(message):
            self._refuse(message)
            return
        entry = self.entries[message.sender] = Entry(message)
        for sender, digest in message.view_changes:
            known_change = core.views.received.get(sender)
            if known_change is not None and known_change.digest_bytes == digest:
                entry.view_changes[sender] = known_change
        self._fetch(entry)
        self.check_entries()

    def made(self, new_view: NewView, voters: list[ViewChange]) -> None:
        """One's own NEW-VIEW: it enters by the same door as anybody's."""
        entry = self.entries[self.core.id] = Entry(new_view)
        entry.view_changes = {vc.sender: vc for vc in voters}
        self.check_entries()

    def _is_well_formed(self, message: NewView) -> bool:
        """V names a quorum of distinct members, O is signed by the new primary, in order."""
        core = self.core
        return new_view_is_well_formed(
            message, core.committee, core.parameters.window, core.authentic
        )

    def _refuse(self, message: NewView, proofs: tuple[ViewChange, ...] = ()) -> None:
        """An invalid NEW-VIEW: report it; give up on its view if it is the pending one.

        ``proofs`` are the VIEW-CHANGEs that show it, of those that V names.
        """
        core = self.core
        core.report("bogus-new-view", message, message, proofs)
        held = self.entries.get(message.sender)
        if held is not None and held.new_view.view == message.view:
            del self.entries[message.sender]
        if not core.active and message.view == core.view:
            core.timeouts.give_up("invalid NEW-VIEW")

    def forget(self, view: View) -> None:
        """Views up to ``view`` are over."""
        self.entries = {s: e for s, e in self.entries.items() if e.new_view.view > view}

    def supply(self, message: ViewChange) -> None:
        """Give a VIEW-CHANGE to the NEW-VIEWs that name it."""
        core = self.core
        wanting = [
            entry
            for entry in self.entries.values()
            if message.sender not in entry.view_changes
            and (message.sender, message.digest_bytes) in entry.new_view.view_changes
        ]
        if not wanting:
            return
        if core.views.is_valid(message):
            for entry in wanting:
                entry.view_changes[message.sender] = message
            self.check_entries()
        elif core.authentic(message):
            for entry in wanting:  # it counted what no honest primary counts
                self._refuse(entry.new_view, (message,))

    def fetch_missing(self) -> None:
        """Ask for what the NEW-VIEWs on their way in name and this replica lacks."""
        for entry in self.entries.values():
            self._fetch(entry)

    def _fetch(self, entry: Entry) -> None:
        core = self.core
        for sender, digest in entry.new_view.view_changes:
            if sender not in entry.view_changes:
                self._ask(
                    FetchViewChange(
                        core.chain,
                        core.committee.epoch,
                        core.id,
                        entry.new_view.view,
                        sender,
                        digest,
                    )
                )
        if entry.selection is not None:
            for sequence, digest in self._missing_batches(entry, entry.selection):
                self._ask(FetchBatch(core.chain, core.committee.epoch, core.id, sequence, digest))

    def _ask(self, message: FetchViewChange | FetchBatch) -> None:
        signed = self.core.sign(message)
        if signed is not None:
            self.core.broadcast(signed)

    def _missing_batches(self, entry: Entry, selection: Selection) -> list[tuple[Sequence, Digest]]:
        return [
            (sequence, digest)
            for sequence, digest in selection.proposals
            if sequence > self.core.stable and self._batch(entry, sequence, digest) is None
        ]

    def _batch(self, entry: Entry, sequence: Sequence, digest: Digest) -> Batch | None:
        if digest == NULL_DIGEST:
            return NULL_BATCH
        slot = self.core.slots.get(sequence)
        known = slot.known_batch(digest) if slot is not None else None
        return entry.batches.get(digest) if known is None else known

    # -- serving what others miss -----------------------------------------------------

    def on_fetch_view_change(self, message: FetchViewChange) -> None:
        core = self.core
        candidates = (
            self.proofs.get(message.digest),
            core.views.received.get(message.author),
            *(entry.view_changes.get(message.author) for entry in self.entries.values()),
        )
        for known in candidates:
            if known is not None and known.digest_bytes == message.digest:
                if core.authentic(message) and self._may_have(message.sender, message.digest):
                    core.send(message.sender, known)
                return

    def on_fetch_batch(self, message: FetchBatch) -> None:
        core = self.core
        slot = core.slots.get(message.sequence)
        batch = slot.known_batch(message.digest) if slot is not None else None
        if batch is None or not core.authentic(message):
            return
        if not self._may_have(message.sender, (message.sequence, message.digest)):
            return
        reply = core.sign(
            BatchReply(core.chain, core.committee.epoch, core.id, message.sequence, batch)
        )
        if reply is not None:
            core.send(message.sender, reply)

    def _may_have(self, asker: NodeId, what: Any) -> bool:
        """Everything that a NEW-VIEW may lack, twice over, in half a status interval (rule 32)."""
        core = self.core
        limit = 2 * (core.committee.n + core.parameters.window)
        return self._answers.allow(asker, what, core.now_us, limit)

    def on_batch(self, message: BatchReply) -> None:
        """A batch that was asked for; its digest is its proof."""
        digest = message.batch.digest
        for entry in self.entries.values():
            if entry.selection and (message.sequence, digest) in entry.selection.proposals:
                entry.batches[digest] = message.batch
        self.check_entries()

    # -- entering a view --------------------------------------------------------------

    def check_entries(self) -> None:
        """Something arrived, was executed or became stable: does a NEW-VIEW lack nothing now?"""
        for entry in sorted(self.entries.values(), key=lambda e: -e.new_view.view):
            if self.entries.get(entry.new_view.sender) is entry and not self.core.halted:
                self._check_entry(entry)

    def _check_entry(self, entry: Entry) -> None:
        """Enter the view if V is complete, O follows from it, and nothing is missing."""
        core = self.core
        if entry.selection is None:
            if len(entry.view_changes) < core.committee.quorum:
                return
            voters = tuple(entry.view_changes[s] for s, _ in entry.new_view.view_changes)
            selection = select(voters)
            offered = tuple((p.sequence, p.digest) for p in entry.new_view.pre_prepares)
            wrong_view = any(vc.view != entry.new_view.view for vc in voters)
            if wrong_view or offered != selection.proposals:
                self._refuse(entry.new_view, voters)
                return
            if self._contradicts_history(entry.new_view.view, selection):
                # O follows from V: the liars are among V's senders or the deciders (rule 34).
                core.halt(f"NEW-VIEW for {entry.new_view.view} contradicts what was executed")
                return
            entry.selection = selection
            self._fetch(entry)
        selection = entry.selection
        if selection.min_sequence > core.stable:
            if selection.min_sequence > core.executed:
                core.catch_up.lagging(selection.min_sequence)
            # Adopting moves the watermark and comes back here through check_entries.
            core.checkpoints.adopt(selection.proof)
            return
        if not self._missing_batches(entry, selection):
            self._enter(entry, selection)

    def _contradicts_history(self, view: View, selection: Selection) -> bool:
        """Rule 33: what was decided before ``view`` above min-s must be proposed again."""
        core = self.core
        offered = dict(selection.proposals)
        return any(
            slot.decision is not None
            and slot.decision.view < view
            and offered.get(sequence) != slot.decision.digest
            for sequence, slot in core.slots.items()
            if selection.min_sequence < sequence <= core.executed
        )

    def _enter(self, entry: Entry, selection: Selection) -> None:
        """The view begins: durable first, then agreement on O again (rules 15 and 23)."""
        core = self.core
        new_view = entry.new_view
        batches = {
            sequence: self._batch(entry, sequence, digest)
            for sequence, digest in selection.proposals
        }
        if core.active:
            core.normal.view_left()
        self.forget(new_view.view)
        core.view = core.slot_view = new_view.view
        core.active = True
        self.new_view = new_view
        self.proofs = {vc.digest_bytes: vc for vc in entry.view_changes.values()}
        core.views.view_entered(new_view.view)
        record = NewViewRecord(
            new_view, tuple(entry.view_changes[s] for s, _ in new_view.view_changes)
        )
        core.checkpoints.last_new_view, core.checkpoints.last_view_change = record, None
        core.checkpoints.view_entered()
        if new_view.sender != core.id:
            core.persist(record)
        core.milestone("new-view-entered", new_view.view, core.executed)
        for slot in core.slots.values():
            slot.reset(new_view.view)
        core.pool.release_selected()
        for proposal in new_view.pre_prepares:
            self._reagree(proposal, batches[proposal.sequence])
        core.timeouts.quorum_wants_view()
        core.timeouts.view_entered()
        waiting = (
            bool(core.pool.oldest())
            or core.membership.must_fill
            or any(
                sequence > core.executed and batch is not None and batch.requests
                for sequence, batch in batches.items()
            )
        )
        if not waiting:
            core.timeouts.stop_new_view()
        core.normal.view_entered(selection.max_sequence)

    def _reagree(self, header: PrePrepare, batch: Batch | None) -> None:
        core = self.core
        slot = core.slot(header.sequence)
        if slot is None or batch is None:
            return  # at or below the watermark by now: nothing to agree on
        proposal = header.with_batch(batch)
        core.persist(AcceptedRecord(proposal))
        if header.sequence > core.executed:
            core.pool.mark_selected(batch.requests)
        core.normal.accept(slot, proposal)
