"""Protocol messages, each an immutable struct with the fields that PBFT.md names.

Every message carries the chain id (the genesis hash), the epoch, its sender and a signature
over ``signing_bytes``: the canonical encoding of the type's domain tag and all other fields
(of a PRE-PREPARE the batch is left out: the digest commits to it). Inside the simulation one
object is shared by all its receivers, so what is derived from it is computed once.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from consensus.agreement_messages import (
    NULL_BATCH,
    NULL_DIGEST,
    Batch,
    CertifiedState,
    Checkpoint,
    Commit,
    CommitCertificate,
    CoSignature,
    Message,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Reply,
    Request,
    ViewChange,
)
from consensus.catch_up_messages import (
    BatchReply,
    CertifiedBatch,
    FetchBatch,
    FetchProof,
    FetchState,
    FetchViewChange,
    SlotStatus,
    State,
    StateProof,
    Status,
)
from consensus.crypto import Signer
from consensus.limits import MAX_MESSAGE_BYTES
from consensus.proof_messages import (
    BalanceProof,
    FetchBalance,
    FetchHeaders,
    FetchReceipts,
    Headers,
    ReceiptEvidence,
    ReceiptProof,
)

__all__ = [
    "MESSAGE_TYPES",
    "NULL_BATCH",
    "NULL_DIGEST",
    "BalanceProof",
    "Batch",
    "BatchReply",
    "CertifiedBatch",
    "CertifiedState",
    "Checkpoint",
    "CoSignature",
    "Commit",
    "CommitCertificate",
    "ConsensusMessage",
    "FetchBalance",
    "FetchBatch",
    "FetchHeaders",
    "FetchProof",
    "FetchReceipts",
    "FetchState",
    "FetchViewChange",
    "Headers",
    "Message",
    "NewView",
    "PrePrepare",
    "Prepare",
    "PreparedCertificate",
    "ReceiptEvidence",
    "ReceiptProof",
    "Reply",
    "Request",
    "SlotStatus",
    "State",
    "StateProof",
    "Status",
    "ViewChange",
    "decode",
    "signed",
]

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
