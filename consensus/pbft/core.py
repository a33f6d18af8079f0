"""The state that all rooms of a replica share, and the few acts that they have in common.

Rooms (normal case, view change, checkpoints, catching up, timeouts, recovery) hold a
``Core`` and reach each other through it. While one event is handled, effects are
collected in ``out`` in the order in which they must happen (law 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sortedcontainers import SortedDict

from consensus.certificates import (
    Authentic,
    commit_certificate_is_valid,
    stable_proof_is_valid,
)
from consensus.configurations import Configurations
from consensus.effects import (
    Broadcast,
    CancelTimer,
    Compute,
    Deliver,
    Effect,
    Milestone,
    Persist,
    Report,
    Send,
    SetTimer,
    TimerKey,
)
from consensus.elapsed import Elapsed
from consensus.evidence import Rules, verify
from consensus.messages import (
    Checkpoint,
    CommitCertificate,
    ConsensusMessage,
    Message,
    ViewChange,
    signed,
)
from consensus.misbehaviour import Misbehaviour
from consensus.pbft.guard import GUARDED, SignGuard
from consensus.pbft.slot import Slot
from consensus.records import HaltedRecord, MutedRecord
from consensus.types import Committee, Digest, NodeId, Sequence, View

if TYPE_CHECKING:
    from consensus.pbft.catch_up import CatchUp
    from consensus.pbft.checkpoints import Checkpoints
    from consensus.pbft.membership import Membership
    from consensus.pbft.normal_case import NormalCase
    from consensus.pbft.proposing import Proposer
    from consensus.pbft.requests import Requests
    from consensus.pbft.state_transfer import StateTransfer
    from consensus.pbft.timeouts import Timeouts
    from consensus.pbft.view_change import ViewChanger
    from consensus.pbft.view_entrance import Entrance
    from consensus.protocol import Environment

M = TypeVar("M", bound=Message)

REPORTS_KEPT: Final = 1024
"""Misbehaviours of one culprit that a replica remembers having reported, each once."""


class Core:
    """Shared state of one replica. ``h`` is ``stable``; ``H`` is ``high``."""

    requests: Requests
    proposer: Proposer
    normal: NormalCase
    checkpoints: Checkpoints
    views: ViewChanger
    entrance: Entrance
    catch_up: CatchUp
    timeouts: Timeouts
    membership: Membership
    transfer: StateTransfer
    route: Callable[[Message], None]
    """Hands a message that passed the first checks to the room that knows its type."""

    def __init__(self, environment: Environment) -> None:
        self.id: Final = environment.id
        self.chain: Final = environment.chain
        self.parameters: Final = environment.parameters
        self.pool: Final = environment.pool
        self.store: Final = environment.store
        self.configurations: Final = Configurations(
            environment.committee, environment.chain, environment.verifier
        )
        self.observers: Final = environment.observers
        known = (environment.signer, environment.next_signer, *environment.later_signers)
        self._own_keys = tuple(signer for signer in known if signer is not None)
        self._verify: Final = environment.verifier.verify
        self.guard: Final = SignGuard()
        self.set_committee(environment.committee)

        self.elapsed: Final = Elapsed()
        self.now_us = 0
        """Local time that has passed: what time-outs and intervals are counted in."""
        self.clock_us = 0
        """What the local clock reads: what block times are held against (rule 8)."""
        self.out: list[Effect] = []
        self._delivery: Deliver | None = None
        self._signatures = 0
        self._verifications = 0
        self._reported: dict[NodeId, set[tuple[str, int, View, Sequence]]] = {}

        self.view: View = 0
        """The active view, or the pending one while ``active`` is false."""
        self.active = True
        self.slot_view: View = 0
        """The last view entered: votes in ``slots`` are of this view."""
        self.stable: Sequence = 0
        self.executed: Sequence = 0
        self.slots: SortedDict[Sequence, Slot] = SortedDict()
        self.slots_peak = 0
        """The most slots that the log ever held."""
        self.boundary: Sequence | None = None
        """B: the last slot of this epoch, once a change of the committee is ordered (rule 27)."""
        self.transferring = False
        """A later state is being fetched: no votes meanwhile (rule 22)."""
        self.halted = ""
        """Why this replica stopped for good (rule 33); empty while it runs."""
        self.muted = ""
        """Why it never votes again, though it follows the others (rule 11); empty if it may."""
        self.suspect = False
        """Its own state is known to be wrong: nothing is executed on that."""

    # -- watermarks -------------------------------------------------------------------

    @property
    def high(self) -> Sequence:
        """H = h + L, but nothing beyond the last slot of the epoch (rule 27)."""
        high = self.stable + self.parameters.window
        return high if self.boundary is None else min(high, self.boundary)

    @property
    def is_primary(self) -> bool:
        """Whether this replica proposes in the active view."""
        return (
            self.active
            and not self.halted
            and not self.transferring
            and not self.muted
            and self.committee.primary(self.view) == self.id
            and self.votes
        )

    def slot(self, sequence: Sequence) -> Slot | None:
        """The slot at ``sequence``, made on demand; None outside (h, H] (rule 3)."""
        slot: Slot | None = self.slots.get(sequence)
        if slot is None and self.stable < sequence <= self.high:
            slot = self.slots[sequence] = Slot(sequence, self.slot_view)
            self.slots_peak = max(self.slots_peak, len(self.slots))
        return slot

    # -- the committee ----------------------------------------------------------------

    def set_committee(self, committee: Committee) -> None:
        """``committee`` is in force; it may hold one of this replica's keys, or none."""
        self.committee = committee
        self._keys = {member.id: member.public_key for member in committee.members}
        self.others: tuple[NodeId, ...] = committee.others(self.id)
        self.position = -1
        """Place in proposer order; -1: this replica follows, and votes on nothing (rule 29)."""
        for signer in self._own_keys:
            if committee.holds(self.id, signer.public_key):
                self._signer = signer
                self.position = committee.position(self.id)

    def erase_keys(self, was_member: bool) -> None:
        """The keys of epochs that are over are forgotten (rule 29), further ones are not: this
        epoch may be another change's, and the one that brings them is still to be ordered."""
        if self.votes:
            self._own_keys = self._own_keys[self._own_keys.index(self._signer) :]
        elif was_member:
            self._own_keys = ()

    @property
    def votes(self) -> bool:
        """Whether this replica is a member under the key that it has."""
        return self.position >= 0

    # -- cryptography -----------------------------------------------------------------

    def sign(self, message: M) -> M | None:
        """``message`` signed, or None if the sign guard forbids it (rule 24), or one's place:
        who is no member signs no vote, and its questions not at all (rule 29), and who fetches
        a state votes on nothing (rule 22)."""
        if (self.transferring or self.muted) and message.TYPE in GUARDED:
            return None
        if not self.votes:
            return None if message.TYPE in GUARDED else message
        if not self.guard.allows(message):
            return None
        self._signatures += 1
        return signed(message, self._signer)

    def authentic(self, message: Message) -> bool:
        """Whether a committee member's message carries its valid signature, in this epoch."""
        key = self._keys.get(message.sender)
        if key is None or message.epoch != self.committee.epoch or message.chain != self.chain:
            return False
        self._verifications += 1
        return self._verify(key, message.signing_bytes, message.signature)  # type: ignore[attr-defined]

    def carries_signature(self, message: Message) -> bool:
        """Whether a message of this chain and epoch carries its member's valid signature; whoever
        asks counts that as CPU work."""
        key = self._keys[message.sender]
        return self._verify(key, message.signing_bytes, message.signature)  # type: ignore[attr-defined]

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """One signature check, counted as CPU work."""
        self._verifications += 1
        return self._verify(public_key, payload, signature)

    def authentic_of(self, committee: Committee) -> Authentic:
        """Like ``authentic``, for messages of ``committee``'s epoch."""
        if committee is self.committee:
            return self.authentic

        def authentic(message: Message) -> bool:
            self._verifications += 1
            return self.configurations.authentic(message, committee)

        return authentic

    def valid_commits(self, certificate: CommitCertificate) -> bool:
        """Whether the committee of that sequence's epoch decided so (rule 27)."""
        committee = self.configurations.at(certificate.sequence)
        return commit_certificate_is_valid(certificate, committee, self.authentic_of(committee))

    def valid_stable_proof(self, proof: tuple[Checkpoint, ...], sequence: Sequence) -> bool:
        """Whether ``proof`` makes some state at ``sequence`` stable, by that epoch's committee."""
        committee = self.configurations.at(sequence)
        authentic = self.authentic_of(committee)
        return stable_proof_is_valid(proof, sequence, None, committee, authentic)

    # -- effects ----------------------------------------------------------------------

    def send(self, to: NodeId, message: Message) -> None:
        self.out.append(Send(to, message))

    def broadcast(self, message: Message) -> None:
        if self.others:
            self.out.append(Broadcast(self.others, message))

    def persist(self, record: Any) -> None:
        self.out.append(Persist("log", record))

    def deliver(self, order: Deliver) -> None:
        """Have a batch executed, after all else that this event leads to: what executing leads
        to takes its place among the effects, and rests on the whole event. A log that was
        compacted there would else be replaced by an older one from here (rule 23)."""
        self._delivery = order

    def set_timer(self, key: TimerKey, delay_us: int) -> None:
        self.out.append(SetTimer(key, delay_us))

    def cancel_timer(self, key: TimerKey) -> None:
        self.out.append(CancelTimer(key))

    def milestone(
        self, event: str, view: View, sequence: Sequence = 0, digest: Digest = b"", cause: str = ""
    ) -> None:
        self.out.append(Milestone(event, view, sequence, digest, cause))

    def report(
        self,
        kind: str,
        first: ConsensusMessage,
        second: ConsensusMessage,
        proofs: tuple[ViewChange, ...] = (),
    ) -> None:
        """Accuse the signer of both messages, once per kind and slot, if that is proven (rule 33).

        ``second`` need not be verified yet: an accusation is held to what a third party checks.
        """
        key = (kind, first.epoch, *first.slot())
        reported = self._reported.setdefault(first.sender, set())
        if key in reported or len(reported) >= REPORTS_KEPT:
            return
        misbehaviour = Misbehaviour(kind, first.sender, first, second, proofs)
        rules = Rules(
            self.committee, self.parameters.window, self.authentic, self.valid_stable_proof
        )
        if verify(misbehaviour, rules).holds:
            reported.add(key)
            self.out.append(Report(misbehaviour))

    def halt(self, reason: str) -> None:
        """Stop for good: what this replica holds contradicts what a quorum shows."""
        self.halted = reason
        self.persist(HaltedRecord(reason))
        self.milestone("halted", self.view, self.executed, cause=reason)

    def diverged(self, sequence: Sequence) -> None:
        """Rule 11: a quorum's state at ``sequence`` is another one: never vote on. What others
        hold can be had, so this replica follows them from now on, if states can be fetched."""
        reason = f"own state at {sequence} differs from a quorum's"
        if self.store is None:
            self.halt(reason)
            return
        self.suspect = True
        if not self.muted:
            self.muted = reason
            self.persist(MutedRecord(reason))
            self.milestone("halted", self.view, self.executed, cause=reason)

    def begin(self, now_us: int) -> None:
        """An event starts at this local reading: fresh effects, fresh counters."""
        self.clock_us = now_us
        self.now_us = self.elapsed.at(now_us)
        self.out = []
        self._delivery = None
        self._signatures = self._verifications = 0

    def finish(self) -> list[Effect]:
        """The event is handled: its effects, with the CPU work that it took."""
        if self._delivery is not None:
            self.out.append(self._delivery)
        if self._signatures or self._verifications:
            self.out.append(Compute(self._signatures, self._verifications))
        return self.out
