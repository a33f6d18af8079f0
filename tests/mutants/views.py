"""Mutants of the view change and of the timers (rules 12 to 20)."""

from __future__ import annotations

from contextlib import AbstractContextManager

from chainsim.explore.planting import swapped
from consensus.messages import NewView, PrePrepare, Request, ViewChange
from consensus.pbft import new_view, view_change, view_entrance
from consensus.pbft.catch_up import CatchUp
from consensus.pbft.guard import SignGuard
from consensus.pbft.new_view import Selection, select
from consensus.pbft.normal_case import NormalCase
from consensus.pbft.requests import Requests
from consensus.pbft.timeouts import Timeouts
from consensus.pbft.view_change import ViewChanger
from consensus.pbft.view_entrance import Entrance, Entry
from consensus.types import Sequence, View

Patch = AbstractContextManager[None]


def _selecting(changed: object) -> Patch:
    """Another choice of O, at the new primary and at those who check it."""
    rooms = (new_view, view_change, view_entrance)
    return swapped(*((room, "select", changed) for room in rooms))


def nothing_prepared() -> Patch:
    def without(*fields: object) -> ViewChange:
        return ViewChange(*fields[:6], ())  # type: ignore[arg-type]

    return swapped((view_change, "ViewChange", without))


def lowest_view_wins() -> Patch:
    """Of several certificates for a slot the oldest is taken."""

    def lowest(view_changes: object) -> Selection:
        voters = list(view_changes)  # type: ignore[call-overload]
        chosen = select(voters)
        oldest: dict[Sequence, tuple[View, bytes]] = {}
        for voter in voters:
            for certificate in voter.prepared:
                known = oldest.get(certificate.sequence)
                if known is None or certificate.view < known[0]:
                    oldest[certificate.sequence] = (certificate.view, certificate.digest)
        proposals = tuple(
            (sequence, oldest[sequence][1] if sequence in oldest else digest)
            for sequence, digest in chosen.proposals
        )
        return Selection(chosen.min_sequence, chosen.proof, proposals)

    return _selecting(lowest)


def only_last_view_prepared() -> Patch:
    """Certificates of views before the last one entered are forgotten."""

    def start(self: ViewChanger, view: View, cause: str) -> None:
        hidden = {}
        for sequence, slot in self.core.slots.items():
            certificate = slot.certificate
            if certificate is not None and certificate.view != self.core.slot_view:
                hidden[sequence], slot.certificate = certificate, None
        original(self, view, cause)

    original = ViewChanger.start
    return swapped((ViewChanger, "start", start))


def signers_repeat() -> Patch:
    """Q entries of V are enough, whoever signed them."""

    def well_formed(self: Entrance, message: NewView) -> bool:
        if len(message.view_changes) < self.core.committee.quorum:
            return False
        return all(self.core.authentic(proposal) for proposal in message.pre_prepares)

    def check(self: Entrance, entry: Entry) -> None:
        named = {sender for sender, _ in entry.new_view.view_changes}
        missing = self.core.committee.quorum - len(named)
        if missing > 0 and named <= set(entry.view_changes):
            some = next(iter(entry.view_changes.values()))
            for index in range(missing):
                entry.view_changes[f"{some.sender}#{index}"] = some
        original(self, entry)

    original = Entrance._check_entry
    return swapped((Entrance, "_is_well_formed", well_formed), (Entrance, "_check_entry", check))


def selection_believed() -> Patch:
    """A backup takes whatever O the NEW-VIEW holds."""

    def check(self: Entrance, entry: Entry) -> None:
        offered = tuple((p.sequence, p.digest) for p in entry.new_view.pre_prepares)

        def believed(view_changes: object) -> Selection:
            chosen = select(view_changes)  # type: ignore[arg-type]
            return Selection(chosen.min_sequence, chosen.proof, offered)

        with swapped((view_entrance, "select", believed)):
            original(self, entry)

    original = Entrance._check_entry
    return swapped((Entrance, "_check_entry", check))


def gaps_stay() -> Patch:
    """Slots for which nothing was prepared are left out of O."""

    def without_nulls(view_changes: object) -> Selection:
        voters = list(view_changes)  # type: ignore[call-overload]
        chosen = select(voters)
        named = {c.sequence for voter in voters for c in voter.prepared}
        proposals = tuple(p for p in chosen.proposals if p[0] in named)
        return Selection(chosen.min_sequence, chosen.proof, proposals)

    return _selecting(without_nulls)


def votes_on() -> Patch:
    """During a view change, votes in the view that was left go on."""

    def still(original: object) -> object:
        def on_message(self: NormalCase, message: PrePrepare) -> None:
            core = self.core
            if core.active or message.view != core.slot_view:
                original(self, message)  # type: ignore[operator]
                return
            view, core.view, core.active = core.view, core.slot_view, True
            try:
                original(self, message)  # type: ignore[operator]
            finally:
                if core.view == core.slot_view:
                    core.view, core.active = view, False

        return on_message

    return swapped(
        (NormalCase, "on_pre_prepare", still(NormalCase.on_pre_prepare)),
        (NormalCase, "on_prepare", still(NormalCase.on_prepare)),
        (SignGuard, "is_over", lambda self, message: False),
    )


def one_moves_all() -> Patch:
    """Anybody's VIEW-CHANGE for a higher view is followed."""

    def join(self: ViewChanger) -> None:
        core = self.core
        higher = [
            vc.view
            for sender, vc in self.received.items()
            if sender != core.id and vc.view > core.view
        ]
        if higher:
            self.start(min(higher), "another changed view")

    return swapped((ViewChanger, "_join", join))


def nobody_joins() -> Patch:
    return swapped((ViewChanger, "_join", lambda self: None))


def said_once() -> Patch:
    """STATUS never brings a VIEW-CHANGE or a NEW-VIEW again, and nobody asks for one."""
    return swapped((CatchUp, "_resend_view", lambda self, before, now: None))


def patient_backups() -> Patch:
    """A backup that hears of a request neither passes it on nor gets impatient."""

    def on_request(self: Requests, request: Request) -> None:
        if self.core.is_primary:
            original(self, request)
        elif request not in self.core.pool and self.is_authentic(request):
            self.core.pool.add(request)

    def entered(self: Timeouts) -> None:
        original_entered(self)
        if not self.core.is_primary:
            self._deadlines.clear()

    original, original_entered = Requests.on_request, Timeouts.view_entered
    return swapped((Requests, "on_request", on_request), (Timeouts, "view_entered", entered))
