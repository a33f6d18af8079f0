"""Leaving a view: VIEW-CHANGEs, and the new primary's NEW-VIEW (rules 12 to 14, 19 and 20)."""

from __future__ import annotations

from typing import Final

from consensus.messages import (
    NewView,
    PrePrepare,
    ViewChange,
)
from consensus.pbft.core import Core
from consensus.pbft.equivocation import compare_prepared
from consensus.pbft.new_view import (
    carries_batch,
    select,
    view_change_is_valid,
)
from consensus.records import NewViewRecord, ViewChangeRecord
from consensus.types import NodeId, View


class ViewChanger:
    """Gives up on a view, collects VIEW-CHANGEs, makes the NEW-VIEW if its turn has come."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self.received: dict[NodeId, ViewChange] = {}
        """The highest valid VIEW-CHANGE of each member, one's own included (rule 32)."""
        self.own: ViewChange | None = None
        """The last VIEW-CHANGE signed here, until its view or a higher one is entered."""

    def epoch_entered(self) -> None:
        """Views of the epoch that is over mean nothing any more (rule 27)."""
        self.received, self.own = {}, None
        self.core.entrance.epoch_entered()

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
        core.entrance.forget(view - 1)
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
        core.entrance.supply(message)
        if message.view < core.view or (message.view == core.view and core.active):
            return
        known = self.received.get(message.sender)
        if known is not None and known.view >= message.view:
            if known.view == message.view and known.digest_bytes != message.digest_bytes:
                core.report("conflicting-view-change", known, message)
            return
        if not self.is_valid(message):
            return
        compare_prepared(core, message, self.received.values())
        self.received[message.sender] = message
        self._join()
        self._count()

    def is_valid(self, message: ViewChange) -> bool:
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
        if core.committee.primary(core.view) == core.id and core.id not in core.entrance.entries:
            self._make_new_view()

    def view_entered(self, view: View) -> None:
        """What was said about views up to ``view`` has led to it."""
        self.own = None
        self.received = {s: vc for s, vc in self.received.items() if vc.view > view}

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
        core.entrance.made(new_view, voters)
