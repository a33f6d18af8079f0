"""What light observers ask and are shown: headers, receipts and balances, with proofs (rule 29)."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from consensus.agreement_messages import Message, Request
from consensus.encoding import digest_of
from consensus.types import Digest, Sequence, View


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
