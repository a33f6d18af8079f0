"""Messages of those who lack something, and of those who send it: STATUS, FETCH and answers."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from consensus.agreement_messages import Batch, CertifiedState, CommitCertificate, Message
from consensus.encoding import digest_of
from consensus.types import Digest, NodeId, Sequence, View


class SlotStatus(msgspec.Struct, frozen=True):
    """What a replica holds of one unexecuted slot in its active view; votes as masks.

    Masks travel as bytes, little-endian: MessagePack's integers end at 64 bits, committees don't.
    """

    sequence: Sequence
    has_pre_prepare: bool
    prepares: bytes
    commits: bytes


class Status(Message, frozen=True, dict=True, tag="status"):
    """Where the sender stands, so that peers can resend what it lacks (rule 17).

    ``view`` is the pending view while ``active`` is false; ``view_changes`` is the mask of
    those whose VIEW-CHANGE for it is held; ``checkpoints`` the mask of those whose
    CHECKPOINT for the next boundary is held; ``slots`` covers (executed, highest heard of].
    """

    TYPE: ClassVar[str] = "status"

    view: View
    active: bool
    stable: Sequence
    executed: Sequence
    checkpoints: bytes
    view_changes: bytes
    slots: tuple[SlotStatus, ...]
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return (
            self.view,
            self.active,
            self.stable,
            self.executed,
            self.checkpoints,
            self.view_changes,
            self.slots,
        )

    def slot(self) -> tuple[View, Sequence]:
        return self.view, self.executed


class FetchBatch(Message, frozen=True, dict=True, tag="fetch-batch"):
    """Asks for the batch with ``digest`` at ``sequence`` (rule 15)."""

    TYPE: ClassVar[str] = "fetch-batch"

    sequence: Sequence
    digest: Digest
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.sequence, self.digest

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.sequence


class BatchReply(Message, frozen=True, dict=True, tag="batch"):
    """The batch asked for; its digest proves it, so the signature covers the digest alone."""

    TYPE: ClassVar[str] = "batch"

    sequence: Sequence
    batch: Batch
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.sequence, self.batch.digest

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.sequence


class FetchViewChange(Message, frozen=True, dict=True, tag="fetch-view-change"):
    """Asks for a VIEW-CHANGE that a NEW-VIEW's V names by digest (rule 14)."""

    TYPE: ClassVar[str] = "fetch-view-change"

    view: View
    author: NodeId
    digest: Digest
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.view, self.author, self.digest

    def slot(self) -> tuple[View, Sequence]:
        return self.view, 0


class CertifiedBatch(Message, frozen=True, dict=True, tag="certified-batch"):
    """A decided batch with its commit certificate, for a replica that fell behind (rule 17).

    The certificate proves it; the signature only says who sent it.
    """

    TYPE: ClassVar[str] = "certified-batch"

    sequence: Sequence
    batch: Batch
    certificate: CommitCertificate
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.sequence, self.batch.digest, self.certificate.view

    def slot(self) -> tuple[View, Sequence]:
        return self.certificate.view, self.sequence


class StateProof(Message, frozen=True, dict=True, tag="state-proof"):
    """The stable checkpoints that lead a replica of an earlier epoch, or one that lags, to the
    newest one: the last of each epoch from the asker's on, then the newest (rules 22 and 29).

    Each is proven by the committee that the one before it names, so nobody needs to be
    believed; the signature only says who sent it.
    """

    TYPE: ClassVar[str] = "state-proof"

    states: tuple[CertifiedState, ...]
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return (tuple((c.sequence, c.state.digest) for c in self.states),)

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.states[-1].sequence if self.states else 0


class FetchProof(Message, frozen=True, dict=True, tag="fetch-proof"):
    """A client's or an observer's question which committees followed that of ``epoch``, the
    newest that it knows; answered by a STATE-PROOF to the node ``reply_to`` (rule 29).

    ``sender`` is a party, which may run a validator and a client under names of their own.
    """

    TYPE: ClassVar[str] = "fetch-proof"

    reply_to: NodeId
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return (self.reply_to,)


class FetchState(Message, frozen=True, dict=True, tag="fetch-state"):
    """Asks for one piece of the stable state at ``sequence`` (rule 22).

    ``path`` names the piece in the words of the state machine; empty stands for the
    ``CheckpointState`` itself.
    """

    TYPE: ClassVar[str] = "fetch-state"

    sequence: Sequence
    path: str
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.sequence, self.path

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.sequence


class State(Message, frozen=True, dict=True, tag="state"):
    """A piece that was asked for; empty: the sender doesn't hold it (any more).

    The piece is checked against what a quorum signed; the signature says whom to blame.
    """

    TYPE: ClassVar[str] = "state"

    sequence: Sequence
    path: str
    piece: bytes
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.sequence, self.path, digest_of("piece", self.piece)

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.sequence
