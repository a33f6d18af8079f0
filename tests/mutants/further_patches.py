"""The patches of the second table (`further.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from chainsim.explore.planting import swapped
from consensus import certificates, evidence
from consensus.configurations import Configurations
from consensus.effects import Broadcast, Effect, Send
from consensus.evidence import Misbehaviour, Rules, Verdict
from consensus.messages import Checkpoint, Commit, PreparedCertificate
from consensus.pbft import core as core_module
from consensus.pbft import equivocation, new_view, recovery
from consensus.pbft.catch_up import CatchUp
from consensus.pbft.checkpoints import Checkpoints
from consensus.pbft.core import Core
from consensus.pbft.membership import Membership
from consensus.pbft.normal_case import NormalCase
from consensus.pbft.requests import Requests
from consensus.pbft.timeouts import Timeouts
from consensus.pbft.view_entrance import Entrance
from consensus.types import Committee, Sequence
from nodes.client import Client
from nodes.validator import Validator
from tests.mutants import log

Patch = AbstractContextManager[None]


def any_checkpoint() -> Patch:
    """CHECKPOINTs for a sequence count together whatever state they vouch for."""

    def adopt_if(self: Checkpoints, message: Checkpoint) -> None:
        core = self.core
        held = {**self._ahead, **self._votes.get(message.sequence, {})}
        matching = [vote for vote in held.values() if vote.sequence == message.sequence]
        if len(matching) >= core.committee.quorum:
            matching.sort(key=lambda vote: core.committee.index(vote.sender))
            self.adopt(tuple(matching[: core.committee.quorum]))

    return swapped((Checkpoints, "_adopt_if_quorum", adopt_if))


def anybodys_requests() -> Patch:
    """Nobody looks at a request's signatures before it is ordered."""
    return swapped((Requests, "is_authentic", lambda self, request: True))


def window_too_wide() -> Patch:
    """H = h + L + 1."""

    def high(self: Core) -> Sequence:
        top = self.stable + self.parameters.window + 1
        return top if self.boundary is None else min(top, self.boundary)

    return swapped((Core, "high", property(high)))


def boundary_too_early() -> Patch:
    """The last slot of an epoch is held against the next committee."""

    def at(self: Configurations, sequence: Sequence) -> Committee:
        for place in range(len(self.boundaries), 0, -1):
            if sequence >= self.boundaries[place - 1].sequence:
                return self._committees[place]
        return self._committees[0]

    return swapped((Configurations, "at", at))


def accused_across_views() -> Patch:
    """Votes of two views for one sequence are called a contradiction, and the judge agrees."""

    def against(core: Core, held: PreparedCertificate, shown: PreparedCertificate) -> None:
        if held.digest == shown.digest:
            return
        known = {vote.sender: vote for vote in held.prepares}
        for vote in shown.prepares:
            if vote.sender in known:
                core.report("conflicting-prepare", known[vote.sender], vote)

    def judged(what: Misbehaviour, rules: Rules) -> Verdict:
        return Verdict(True, "two votes at one sequence")

    return swapped((equivocation, "_against", against), (core_module, "verify", judged))


def any_certificate() -> Patch:
    """Who catches up believes any certificate that names the batch."""

    def believing(self: Core, certificate: Any) -> bool:
        return True

    return swapped((Core, "valid_commits", believing))


def any_time() -> Patch:
    """A block's time isn't held against the clock."""
    return swapped((NormalCase, "_is_ahead_of_clock", lambda self, batch: False))


def view_survives_epoch() -> Patch:
    """The new committee goes on in the view of the old one."""

    def enter(self: Membership, committee: Committee) -> None:
        view = self.core.view
        original(self, committee)
        self.core.view = self.core.slot_view = view

    original = Membership.enter
    return swapped((Membership, "enter", enter))


def retransmits_to_one() -> Patch:
    """A client sends again to the primary alone."""

    def retransmit(self: Client, now_us: int) -> list[Effect]:
        effects = original(self, now_us)
        primary = self.committee.primary(self._view)
        return [Send(primary, e.message) if isinstance(e, Broadcast) else e for e in effects]

    original = Client._retransmit
    return swapped((Client, "_retransmit", retransmit))


def guard_forgets() -> Patch:
    """The sign guard starts empty after a boot, and what the log implies isn't put back."""

    def boot(core: Core, event: Any) -> None:
        original(core, event)
        core.guard._signed.clear()
        core.guard._view = (0, 0)

    from consensus.pbft import replica

    original = recovery.boot
    return swapped((replica, "boot", boot))


def replies_before_block() -> Patch:
    """REPLYs leave before the block that they speak of is durable."""

    def execute(self: Validator, now_us: int, order: Any) -> list[Effect]:
        effects = original(self, now_us, order)
        replies = [e for e in effects if isinstance(e, Send) and e.message.TYPE == "reply"]
        return [*replies, *(e for e in effects if e not in replies)]

    original = Validator._execute
    return swapped((Validator, "_execute", execute))


def never_impatient_again() -> Patch:
    """No timer watches over a new view."""
    return swapped((Timeouts, "quorum_wants_view", lambda self: None))


def certificates_believed() -> Patch:
    """P of a VIEW-CHANGE is taken as it is."""

    def valid(certificate: object, committee: object, authentic: object) -> bool:
        return True

    return swapped((new_view, "prepared_certificate_is_valid", valid))


def checkpoints_believed() -> Patch:
    """C of a VIEW-CHANGE is taken as it is."""
    return swapped((Core, "valid_stable_proof", lambda self, proof, sequence: True))


def anybodys_new_view() -> Patch:
    """A NEW-VIEW may come from whoever signs it."""

    class Anybody:
        """A committee whose primary is whoever is asked about."""

        def __init__(self, committee: Committee, sender: str) -> None:
            self._committee, self._sender = committee, sender

        def primary(self, view: int) -> str:
            return self._sender

        def __contains__(self, id_: object) -> bool:
            return id_ in self._committee

        def __getattr__(self, name: str) -> Any:
            return getattr(self._committee, name)

    def on_new_view(self: Entrance, message: Any) -> None:
        core = self.core
        real, core.committee = core.committee, Anybody(core.committee, message.sender)  # type: ignore[assignment]
        try:
            original(self, message)
        finally:
            if isinstance(core.committee, Anybody):
                core.committee = real

    original = Entrance.on_new_view
    return swapped((Entrance, "on_new_view", on_new_view))


def never_doubled() -> Patch:
    """Time-outs stay as they are, however many views failed."""

    def give_up(self: Timeouts, cause: str) -> None:
        self.core.views.start(self.core.view + 1, cause)

    return swapped((Timeouts, "give_up", give_up))


def proposals_not_resent() -> Patch:
    """STATUS brings votes again, but no proposal."""

    def resend(self: CatchUp, before: Any, now: Any) -> None:
        start = len(self.core.out)
        original(self, before, now)
        kept = [
            effect
            for effect in self.core.out[start:]
            if not (isinstance(effect, Send) and effect.message.TYPE == "pre-prepare")
        ]
        self.core.out[start:] = kept

    original = CatchUp._resend_votes
    return swapped((CatchUp, "_resend_votes", resend))


def old_commits_count() -> Patch:
    """COMMITs count whatever view they are of."""

    def on_commit(self: NormalCase, message: Commit) -> None:
        slot = self.core.slots.get(message.sequence)
        if slot is not None and message.view < self.core.slot_view:
            position = self.core.committee.index(message.sender)
            if position not in slot.commits and self.core.authentic(message):
                slot.add_commit(position, message)
                self._check_committed(slot)
            return
        original(self, message)

    original = NormalCase.on_commit
    return swapped((NormalCase, "on_commit", on_commit))


def stable_at_weak_and_believed() -> Patch:
    """f+1 CHECKPOINTs make a state stable, and prove it: bug 15 of the list without the check that
    gives it away."""

    def valid(
        proof: tuple[Checkpoint, ...],
        sequence: Sequence,
        digest: bytes | None,
        committee: Committee,
        authentic: Callable[[Checkpoint], bool],
    ) -> bool:
        if sequence == 0:
            return not proof
        senders = {vote.sender for vote in proof if vote.sender in committee}
        if not committee.weak_quorum <= len(senders) == len(proof):
            return False
        wanted = proof[0].digest if digest is None else digest
        return all(
            vote.sequence == sequence and vote.digest == wanted and authentic(vote)
            for vote in proof
        )

    modules = (certificates, core_module, new_view, evidence)
    believed = [(module, "stable_proof_is_valid", valid) for module in modules]

    @contextmanager
    def patch() -> Iterator[None]:
        with log.stable_at_weak(), swapped(*believed):
            yield

    return patch()
