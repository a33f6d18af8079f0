"""Blocks: a header chained by hash, the batch that was ordered, and what executing it gave.

The hashed header holds no view, proposer, certificate or signature: those differ between
honest nodes (rule 7).
"""

from __future__ import annotations

import msgspec

from consensus.encoding import digest_of
from consensus.lazy import lazy
from consensus.messages import Batch, CommitCertificate
from consensus.types import Digest, Sequence
from nodes.ledger.receipts import Receipt


class Header(msgspec.Struct, frozen=True, dict=True):
    """What every honest validator derives alike from the same chain of batches."""

    height: Sequence
    parent: Digest
    time_us: int
    """Effective block time: max(parent's, proposed) (rule 8)."""
    epoch: int
    batch_digest: Digest
    transactions_root: Digest
    receipts_root: Digest
    state_root: Digest

    @lazy
    def hash(self) -> Digest:
        """SHA-256 over all fields."""
        return digest_of(
            "header",
            self.height,
            self.parent,
            self.time_us,
            self.epoch,
            self.batch_digest,
            self.transactions_root,
            self.receipts_root,
            self.state_root,
        )


class Block(msgspec.Struct, frozen=True, dict=True, tag="block"):
    """One executed slot, as it lies in a validator's block store."""

    header: Header
    batch: Batch
    receipts: tuple[Receipt, ...]
    """One per request of the batch, in order."""
    reply_root: Digest
    certificate: CommitCertificate
    system_receipts: tuple[Receipt, ...] = ()
    """What the ledger did by itself at the start of the block (expired DvPs released); in the
    receipts root they come last."""
