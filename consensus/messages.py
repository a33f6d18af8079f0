"""Protocol messages, each an immutable struct with the fields that PBFT.md names.

Every message carries the chain id (the genesis hash), the epoch, its sender and a signature
over ``signing_bytes``: the canonical encoding of the type's domain tag and all other fields
(of a PRE-PREPARE the batch is left out: the digest commits to it). Inside the simulation one
object is shared by all its receivers, so what is derived from it is computed once.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.crypto import Signer
from consensus.encoding import canonical, digest_of, encode
from consensus.lazy import lazy
from consensus.limits import MAX_MESSAGE_BYTES
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


class FetchHeaders(Message, frozen=True, dict=True, tag="fetch-headers"):
    """A light observer asks for the headers of blocks ``first`` to ``last`` (rule 29).

    Like all its questions it is unsigned: who asks is known by name alone, and gets nothing but
    what is public and proves itself, in limited numbers.
    """

    TYPE: ClassVar[str] = "fetch-headers"

    first: Sequence
    last: Sequence
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.first, self.last

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.last


class Headers(Message, frozen=True, dict=True, tag="headers"):
    """The headers asked for, in order and up to ``last``; as far down as the sender has them.

    A header is in the words of the state machine. Each is proven by the hash that the one after
    it names, the last by a stable checkpoint; the signature says whom to blame.
    """

    TYPE: ClassVar[str] = "headers"

    last: Sequence
    headers: tuple[bytes, ...]
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.last, tuple(digest_of("piece", header) for header in self.headers)

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.last


class FetchReceipts(Message, frozen=True, dict=True, tag="fetch-receipts"):
    """A light observer asks what became of requests that concern ``subject`` (an account, or a
    party) in blocks ``first`` to ``last`` (rule 29)."""

    TYPE: ClassVar[str] = "fetch-receipts"

    first: Sequence
    last: Sequence
    subject: str
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.first, self.last, self.subject

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.last


class ReceiptEvidence(msgspec.Struct, frozen=True, dict=True):
    """A receipt, and that it is under the receipts root of its block's header (RFC 9162, 2.1.3).

    ``request`` is what was ordered, under the transactions root; None for what the state machine
    did by itself.
    """

    height: Sequence
    receipt: bytes
    leaf: int
    size: int
    path: tuple[Digest, ...]
    request: Request | None = None
    transactions: int = 0
    """Size of the tree of transactions; the request's place in it is ``leaf``."""
    request_path: tuple[Digest, ...] = ()


class ReceiptProof(Message, frozen=True, dict=True, tag="receipt-proof"):
    """The receipts asked for, up to and including block ``through``, in order."""

    TYPE: ClassVar[str] = "receipt-proof"

    first: Sequence
    through: Sequence
    subject: str
    receipts: tuple[ReceiptEvidence, ...]
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        # All of it: whoever damages a path on the way must not make an honest server a liar.
        return self.first, self.through, self.subject, digest_of("evidence", self.receipts)

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.through


class FetchBalance(Message, frozen=True, dict=True, tag="fetch-balance"):
    """A light observer asks what ``account`` holds of ``asset`` after block ``sequence``, a
    stable checkpoint (rule 29)."""

    TYPE: ClassVar[str] = "fetch-balance"

    sequence: Sequence
    account: str
    asset: str
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.sequence, self.account, self.asset

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.sequence


class BalanceProof(Message, frozen=True, dict=True, tag="balance-proof"):
    """The balance asked for (empty: there is none), and its place under the state root.

    ``levels`` are the branches from the root down, each as (which children exist, hashes of those
    off the path); ``neighbour`` is (path, hash of the value) of what hangs in its place instead.
    """

    TYPE: ClassVar[str] = "balance-proof"

    sequence: Sequence
    account: str
    asset: str
    value: bytes
    levels: tuple[tuple[int, tuple[Digest, ...]], ...]
    neighbour: tuple[str, Digest] | None = None
    signature: bytes = b""

    def body(self) -> tuple[Any, ...]:
        return self.sequence, self.account, self.asset, self.value, self.levels, self.neighbour

    def slot(self) -> tuple[View, Sequence]:
        return 0, self.sequence


ConsensusMessage = (
    Request
    | PrePrepare
    | Prepare
    | Commit
    | Reply
    | Checkpoint
    | ViewChange
    | NewView
    | Status
    | FetchBatch
    | BatchReply
    | FetchViewChange
    | CertifiedBatch
    | StateProof
    | FetchProof
    | FetchState
    | State
    | FetchHeaders
    | Headers
    | FetchReceipts
    | ReceiptProof
    | FetchBalance
    | BalanceProof
)

MESSAGE_TYPES: Final[tuple[type[Message], ...]] = (
    Request,
    PrePrepare,
    Prepare,
    Commit,
    Reply,
    Checkpoint,
    ViewChange,
    NewView,
    Status,
    FetchBatch,
    BatchReply,
    FetchViewChange,
    CertifiedBatch,
    StateProof,
    FetchProof,
    FetchState,
    State,
    FetchHeaders,
    Headers,
    FetchReceipts,
    ReceiptProof,
    FetchBalance,
    BalanceProof,
)
"""In this order they are numbered in network draws: append, never insert."""

_DECODER: Final = msgspec.msgpack.Decoder(ConsensusMessage)

M = TypeVar("M", bound=Message)


def signed(message: M, signer: Signer) -> M:
    """``message`` with its signature set."""
    payload = message.signing_bytes
    result = msgspec.structs.replace(message, signature=signer.sign(payload))
    result.__dict__["signing_bytes"] = payload
    return result


def decode(data: bytes) -> ConsensusMessage:
    """Reads a message from the wire. Raises ``msgspec.DecodeError`` on anything else.

    What is longer than ``MAX_MESSAGE_BYTES`` is refused unread (rule 32).
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise msgspec.DecodeError(f"a message has at most {MAX_MESSAGE_BYTES:,} bytes")
    try:
        message: ConsensusMessage = _DECODER.decode(data)
    except (ValueError, OverflowError, RecursionError) as error:
        # Broken UTF-8 in a tag and deep nesting get out of msgspec as they are.
        raise msgspec.DecodeError(str(error)) from None
    return message
