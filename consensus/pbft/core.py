"""The state that all rooms of a replica share, and the few acts that they have in common.

Rooms (normal case, view change, checkpoints, catching up, timeouts, recovery) hold a
``Core`` and reach each other through it. While one event is handled, effects are
collected in ``out`` in the order in which they must happen (law 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from sortedcontainers import SortedDict

from consensus.certificates import commit_certificate_is_valid
from consensus.effects import (
    Broadcast,
    CancelTimer,
    Compute,
    Effect,
    Milestone,
    Persist,
    Report,
    Send,
    SetTimer,
    TimerKey,
)
from consensus.messages import (
    CommitCertificate,
    ConsensusMessage,
    Message,
    signed,
)
from consensus.misbehaviour import Misbehaviour
from consensus.pbft.guard import SignGuard
from consensus.pbft.slot import Slot
from consensus.records import HaltedRecord
from consensus.types import Digest, NodeId, Sequence, View

if TYPE_CHECKING:
    from consensus.pbft.catch_up import CatchUp
    from consensus.pbft.checkpoints import Checkpoints
    from consensus.pbft.normal_case import NormalCase
    from consensus.pbft.timeouts import Timeouts
    from consensus.pbft.view_change import ViewChanger
    from consensus.protocol import Environment

M = TypeVar("M", bound=Message)

REPORTS_KEPT: Final = 1024
"""Misbehaviours of one culprit that a replica remembers having reported, each once."""


class Core:
    """Shared state of one replica. ``h`` is ``stable``; ``H`` is ``high``."""

    normal: NormalCase
    checkpoints: Checkpoints
    views: ViewChanger
    catch_up: CatchUp
    timeouts: Timeouts

    def __init__(self, environment: Environment) -> None:
        self.id: Final = environment.id
        self.chain: Final = environment.chain
        self.committee = environment.committee
        self.parameters: Final = environment.parameters
        self.pool: Final = environment.pool
        self._signer: Final = environment.signer
        self._verify: Final = environment.verifier.verify
        self._keys: Final = {member.id: member.public_key for member in self.committee.members}
        self.guard: Final = SignGuard()
        self.others: tuple[NodeId, ...] = self.committee.others(self.id)
        self.position: int = self.committee.position(self.id)

        self.now_us = 0
        self.out: list[Effect] = []
        self._signatures = 0
        self._verifications = 0
        self._reported: dict[NodeId, set[tuple[str, View, Sequence]]] = {}

        self.view: View = 0
        """The active view, or the pending one while ``active`` is false."""
        self.active = True
        self.slot_view: View = 0
        """The last view entered: votes in ``slots`` are of this view."""
        self.stable: Sequence = 0
        self.executed: Sequence = 0
        self.slots: SortedDict[Sequence, Slot] = SortedDict()
        self.halted = ""
        """Why this replica stopped for good (rules 11 and 33); empty while it runs."""

    # -- watermarks -------------------------------------------------------------------

    @property
    def high(self) -> Sequence:
        """H = h + L."""
        return self.stable + self.parameters.window

    @property
    def is_primary(self) -> bool:
        """Whether this replica proposes in the active view."""
        return self.active and not self.halted and self.committee.primary(self.view) == self.id

    def slot(self, sequence: Sequence) -> Slot | None:
        """The slot at ``sequence``, made on demand; None outside (h, H] (rule 3)."""
        slot: Slot | None = self.slots.get(sequence)
        if slot is None and self.stable < sequence <= self.high:
            slot = self.slots[sequence] = Slot(sequence, self.slot_view)
        return slot

    # -- cryptography -----------------------------------------------------------------

    def sign(self, message: M) -> M | None:
        """``message`` signed, or None if the sign guard forbids it (rule 24)."""
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

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """One signature check, counted as CPU work."""
        self._verifications += 1
        return self._verify(public_key, payload, signature)

    def valid_commits(self, certificate: CommitCertificate) -> bool:
        return commit_certificate_is_valid(certificate, self.committee, self.authentic)

    # -- effects ----------------------------------------------------------------------

    def send(self, to: NodeId, message: Message) -> None:
        self.out.append(Send(to, message))

    def broadcast(self, message: Message) -> None:
        if self.others:
            self.out.append(Broadcast(self.others, message))

    def persist(self, record: Any) -> None:
        self.out.append(Persist("log", record))

    def set_timer(self, key: TimerKey, delay_us: int) -> None:
        self.out.append(SetTimer(key, delay_us))

    def cancel_timer(self, key: TimerKey) -> None:
        self.out.append(CancelTimer(key))

    def milestone(
        self, event: str, view: View, sequence: Sequence = 0, digest: Digest = b"", cause: str = ""
    ) -> None:
        self.out.append(Milestone(event, view, sequence, digest, cause))

    def report(self, kind: str, first: ConsensusMessage, second: ConsensusMessage) -> None:
        """Accuse the signer of both messages, once per kind and slot (rule 33)."""
        view, sequence = first.slot()
        key = (kind, view, sequence)
        reported = self._reported.setdefault(first.sender, set())
        if key in reported or len(reported) >= REPORTS_KEPT:
            return
        reported.add(key)
        self.out.append(Report(Misbehaviour(kind, first.sender, first, second)))

    def halt(self, reason: str) -> None:
        """Stop for good: what this replica holds contradicts what a quorum shows."""
        self.halted = reason
        self.persist(HaltedRecord(reason))
        self.milestone("halted", self.view, self.executed, cause=reason)

    def begin(self, now_us: int) -> None:
        """An event starts: fresh effects, fresh counters."""
        self.now_us = now_us
        self.out = []
        self._signatures = self._verifications = 0

    def finish(self) -> list[Effect]:
        """The event is handled: its effects, with the CPU work that it took."""
        if self._signatures or self._verifications:
            self.out.append(Compute(self._signatures, self._verifications))
        return self.out
