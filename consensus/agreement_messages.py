"""Base of all messages, and those that order: normal case, checkpoints, view change."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.encoding import canonical, digest_of, encode
from consensus.lazy import lazy
from consensus.types import Digest, NodeId, Sequence, View

NULL_DIGEST: Final[Digest] = digest_of("null-batch")
"""The digest of a slot that only advances (rules 3 and 6)."""


class CoSignature(msgspec.Struct, frozen=True):
    """A further party's signature over the same request payload."""

    party: str
    public_key: bytes
    signature: bytes


class Message(msgspec.Struct, frozen=True, dict=True):
    """What every message has: where it belongs, who says it, and the proof."""

    TYPE: ClassVar[str] = "message"

    chain: bytes
    epoch: int
    sender: NodeId

    def body(self) -> tuple[Any, ...]:
        """The signed fields beyond chain, epoch and sender."""
        raise NotImplementedError

    def slot(self) -> tuple[View, Sequence]:
        """(view, sequence or request number) for network draws and traces; 0 where absent."""
        return 0, 0

    @lazy
    def signing_bytes(self) -> bytes:
        """What the signature is over."""
        return canonical(self.TYPE, self.chain, self.epoch, self.sender, *self.body())

    @lazy
    def digest_bytes(self) -> Digest:
        """SHA-256 of ``signing_bytes`` under a tag: names this message in V and in fetches."""
        return digest_of("message", self.signing_bytes)

    @lazy
    def wire_size(self) -> int:
        """Bytes on the wire."""
        return len(encode(self))


class Request(Message, frozen=True, dict=True, tag="request"):
    """A client's operation. ``sender`` is the client, ``epoch`` is 0, ``number`` its t.

    It authenticates under the public key that it carries; whether that is the client's own
    key is the state machine's question (rule 3).
    """

    TYPE: ClassVar[str] = "request"

    number: int
    operation: bytes
    public_key: bytes
    signature: bytes = b""
    cosignatures: tuple[CoSignature, ...] = ()

    def body(self) -> tuple[Any, ...]:
        # Who countersigns is part of what everybody signs: nobody can strip, add or swap one.
        cosigners = tuple((c.party, c.public_key) for c in self.cosignatures)
        return self.number, self.operation, self.public_key, cosigners

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.number

    @lazy
    def digest(self) -> Digest:
        """Covers payload and all signatures: stripping a co-signature changes it."""
        return digest_of(
            "request-digest",
            self.signing_bytes,
            self.signature,
            tuple((c.party, c.public_key, c.signature) for c in self.cosignatures),
        )


class Batch(msgspec.Struct, frozen=True, dict=True):
    """What a slot orders: a proposed block time and requests; no requests is the null batch."""

    time_us: int
    requests: tuple[Request, ...]

    @lazy
    def digest(self) -> Digest:
        """H(block time, ordered request digests), or the null digest (rule 3)."""
        if not self.requests:
            return NULL_DIGEST
        return digest_of("batch", self.time_us, tuple(r.digest for r in self.requests))


NULL_BATCH: Final = Batch(0, ())


class PrePrepare(Message, frozen=True, dict=True, tag="pre-prepare"):
    """The primary's proposal of ``digest`` at (view, sequence); ``batch`` may travel apart."""

    TYPE: ClassVar[str] = "pre-prepare"

    view: View
    sequence: Sequence
    digest: Digest
    signature: bytes = b""
    batch: Batch | None = None

    def body(self) -> tuple[Any, ...]:
        return self.view, self.sequence, self.digest

    def slot(self) -> tuple[View, Sequence]:
        return self.view, self.sequence

    @lazy
    def header(self) -> PrePrepare:
        """The same signed statement without its batch, for certificates and O."""
        return self if self.batch is None else msgspec.structs.replace(self, batch=None)

    def with_batch(self, batch: Batch) -> PrePrepare:
        """The same signed statement carrying its batch."""
        return msgspec.structs.replace(self, batch=batch)


class Prepare(Message, frozen=True, dict=True, tag="prepare"):
    """A backup's word that it accepted ``digest`` at (view, sequence)."""

    TYPE: ClassVar[str] = "prepare"

    view: View
    sequence: Sequence
    digest: Digest
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.view, self.sequence, self.digest

    def slot(self) -> tuple[View, Sequence]:
        return self.view, self.sequence


class Commit(Message, frozen=True, dict=True, tag="commit"):
    """A replica's word that ``digest`` is prepared with it at (view, sequence)."""

    TYPE: ClassVar[str] = "commit"

    view: View
    sequence: Sequence
    digest: Digest
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.view, self.sequence, self.digest

    def slot(self) -> tuple[View, Sequence]:
        return self.view, self.sequence


class Reply(Message, frozen=True, dict=True, tag="reply"):
    """The result of a client's request, after its block is durable (rules 23 and 31)."""

    TYPE: ClassVar[str] = "reply"

    view: View
    client: NodeId
    number: int
    result: bytes
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.view, self.client, self.number, self.result

    def slot(self) -> tuple[View, Sequence]:
        return self.view, self.number


class Checkpoint(Message, frozen=True, dict=True, tag="checkpoint"):
    """A replica's word on its state after executing ``sequence`` (rule 9)."""

    TYPE: ClassVar[str] = "checkpoint"

    sequence: Sequence
    digest: Digest
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.sequence, self.digest

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.sequence


class PreparedCertificate(msgspec.Struct, frozen=True, dict=True):
    """Proof of prepared(v, n, d): the PRE-PREPARE and Q-1 matching PREPAREs (rule 4)."""

    pre_prepare: PrePrepare
    prepares: tuple[Prepare, ...]

    @property
    def view(self) -> View:
        return self.pre_prepare.view

    @property
    def sequence(self) -> Sequence:
        return self.pre_prepare.sequence

    @property
    def digest(self) -> Digest:
        return self.pre_prepare.digest


class CommitCertificate(msgspec.Struct, frozen=True, dict=True):
    """Proof that ``digest`` is decided at ``sequence``: Q matching COMMITs of one view."""

    epoch: int
    view: View
    sequence: Sequence
    digest: Digest
    commits: tuple[Commit, ...]


class CertifiedState(msgspec.Struct, frozen=True, dict=True):
    """A state and the Q matching CHECKPOINTs that make it stable (rule 10)."""

    state: CheckpointState
    proof: tuple[Checkpoint, ...]

    @property
    def sequence(self) -> Sequence:
        return self.state.sequence


class ViewChange(Message, frozen=True, dict=True, tag="view-change"):
    """A replica's wish to enter ``view``, with what it knows (rules 12 and 13).

    ``stable`` is h, ``checkpoints`` C (its proof, empty at h = 0), ``prepared`` P in order
    of sequence.
    """

    TYPE: ClassVar[str] = "view-change"

    view: View
    stable: Sequence
    checkpoints: tuple[Checkpoint, ...]
    prepared: tuple[PreparedCertificate, ...]
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return (
            self.view,
            self.stable,
            tuple((c.sender, c.digest_bytes, c.signature) for c in self.checkpoints),
            tuple(
                (
                    p.pre_prepare.digest_bytes,
                    p.pre_prepare.signature,
                    tuple((v.sender, v.digest_bytes, v.signature) for v in p.prepares),
                )
                for p in self.prepared
            ),
        )

    def slot(self) -> tuple[View, Sequence]:
        return self.view, 0


class NewView(Message, frozen=True, dict=True, tag="new-view"):
    """The new primary's start of ``view`` (rule 14).

    ``view_changes`` is V as (sender, message digest) in order of sender; ``pre_prepares`` is
    O, individually signed headers in order of sequence.
    """

    TYPE: ClassVar[str] = "new-view"

    view: View
    view_changes: tuple[tuple[NodeId, Digest], ...]
    pre_prepares: tuple[PrePrepare, ...]
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return (
            self.view,
            self.view_changes,
            tuple((p.digest_bytes, p.signature) for p in self.pre_prepares),
        )

    def slot(self) -> tuple[View, Sequence]:
        return self.view, 0
