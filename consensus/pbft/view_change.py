"""Replacing the primary: VIEW-CHANGE and NEW-VIEW (rules 12 to 16, 19 and 20)."""

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
from consensus.pbft.equivocation import compare_prepared
from consensus.pbft.new_view import (
    Selection,
    carries_batch,
    new_view_is_well_formed,
    select,
    view_change_is_valid,
)
from consensus.records import AcceptedRecord, NewViewRecord, ViewChangeRecord
from consensus.types import Digest, NodeId, Sequence, View


class Entry:
    """A NEW-VIEW on its way in: what it names and what is still missing."""

    def __init__(self, new_view: NewView) -> None:
        self.new_view: Final = new_view
        self.view_changes: dict[NodeId, ViewChange] = {}
        self.selection: Selection | None = None
        """Set once V is complete and O follows from it."""
        self.batches: dict[Digest, Batch] = {}


class ViewChanger:
    """Collects VIEW-CHANGEs, makes or checks the NEW-VIEW, enters the view."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self.received: dict[NodeId, ViewChange] = {}
        """The highest valid VIEW-CHANGE of each member, one's own included (rule 32)."""
        self.own: ViewChange | None = None
        """The last VIEW-CHANGE signed here, until its view or a higher one is entered."""
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
        self.received, self.proofs, self.entries = {}, {}, {}
        self.own = self.new_view = None
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

    # -- leaving a view ---------------------------------------------------------------

    def start(self, view: View, cause: str) -> None:
        """Leave for ``view``: say so with all that was prepared here (rules 12 and 13)."""
        core = self.core
        if core.halted or view <= core.view:
            return
        message = core.sign(
            ViewChange(
                core.chain,
                core.committee.epoch,
                core.id,
                view,
                core.stable,
                core.checkpoints.proof,
                tuple(s.certificate for s in core.slots.values() if s.certificate is not None),
            )
        )
        if message is None:
            return
        core.view, core.active = view, False
        self._forget_entries(view - 1)
        core.timeouts.view_left()
        core.normal.view_left()
        self.own = self.received[core.id] = message
        record = core.checkpoints.last_view_change = ViewChangeRecord(message)
        core.persist(record)
        core.milestone("view-change-started", view, core.executed, cause=cause)
        core.broadcast(message)
        core.catch_up.watch()
        self._count()

    def on_view_change(self, message: ViewChange) -> None:
        """Keep a valid VIEW-CHANGE for a higher (or the pending) view, one per sender."""
        core = self.core
        if carries_batch(message):
            return  # somebody who relays it put it there: batches travel apart (rule 32)
        self._supply(message)
        if message.view < core.view or (message.view == core.view and core.active):
            return
        known = self.received.get(message.sender)
        if known is not None and known.view >= message.view:
            if known.view == message.view and known.digest_bytes != message.digest_bytes:
                core.report("conflicting-view-change", known, message)
            return
        if not self._is_valid(message):
            return
        compare_prepared(core, message, self.received.values())
        self.received[message.sender] = message
        self._join()
        self._count()

    def _is_valid(self, message: ViewChange) -> bool:
        core = self.core
        return view_change_is_valid(
            message,
            core.committee,
            core.parameters.window,
            core.authentic,
            core.valid_stable_proof,
        )

    def _join(self) -> None:
        """Rule 19: W others want higher views: join the smallest of them at once."""
        core = self.core
        while True:
            higher = [
                vc.view
                for sender, vc in self.received.items()
                if sender != core.id and vc.view > core.view
            ]
            if len(higher) < core.committee.weak_quorum:
                return
            before = core.view
            self.start(min(higher), f"{len(higher)} others changed view")
            if core.view == before:
                return

    def _count(self) -> None:
        """Rule 20: start the timer at a quorum; rule 14: the new primary acts on one."""
        core = self.core
        if core.active:
            return
        at_least = sum(1 for vc in self.received.values() if vc.view >= core.view)
        if at_least >= core.committee.quorum:
            core.timeouts.quorum_wants_view()
        if core.committee.primary(core.view) == core.id and core.id not in self.entries:
            self._make_new_view()

    def count_again(self) -> None:
        """After a transfer, during which nothing was signed and timers may have expired."""
        self._count()

    # -- the new primary (rule 14) ----------------------------------------------------

    def _make_new_view(self) -> None:
        core = self.core
        voters = [
            self.received[id_]
            for id_ in core.committee.ids
            if id_ in self.received and self.received[id_].view == core.view
        ][: core.committee.quorum]
        if len(voters) < core.committee.quorum:
            return
        proposals = []
        for sequence, digest in select(voters).proposals:
            proposal = core.sign(
                PrePrepare(core.chain, core.committee.epoch, core.id, core.view, sequence, digest)
            )
            if proposal is None:
                return
            proposals.append(proposal)
        new_view = core.sign(
            NewView(
                core.chain,
                core.committee.epoch,
                core.id,
                core.view,
                tuple((vc.sender, vc.digest_bytes) for vc in voters),
                tuple(proposals),
            )
        )
        if new_view is None:
            return
        record = NewViewRecord(new_view, tuple(voters))
        core.persist(record)
        core.broadcast(new_view)
        entry = self.entries[core.id] = Entry(new_view)
        entry.view_changes = {vc.sender: vc for vc in voters}
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
            known_change = self.received.get(sender)
            if known_change is not None and known_change.digest_bytes == digest:
                entry.view_changes[sender] = known_change
        self._fetch(entry)
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

    def _forget_entries(self, view: View) -> None:
        """Views up to ``view`` are over."""
        self.entries = {s: e for s, e in self.entries.items() if e.new_view.view > view}

    def _supply(self, message: ViewChange) -> None:
        """Give a VIEW-CHANGE to the NEW-VIEWs that name it."""
        wanting = [
            entry
            for entry in self.entries.values()
            if message.sender not in entry.view_changes
            and (message.sender, message.digest_bytes) in entry.new_view.view_changes
        ]
        if not wanting:
            return
        if self._is_valid(message):
            for entry in wanting:
                entry.view_changes[message.sender] = message
            self.check_entries()
        elif self.core.authentic(message):
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
            self.received.get(message.author),
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
        self._forget_entries(new_view.view)
        core.view = core.slot_view = new_view.view
        core.active = True
        self.new_view, self.own = new_view, None
        self.proofs = {vc.digest_bytes: vc for vc in entry.view_changes.values()}
        self.received = {s: vc for s, vc in self.received.items() if vc.view > new_view.view}
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
