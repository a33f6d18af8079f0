"""Receipts: what became of an ordered transaction, with the postings that it made.

``BlockOutcome`` is what executing a whole block gave.

Postings are the double-entry journal: within one receipt, and per asset, they sum to what was
minted less what was burned, and to zero for everything else.
"""

from __future__ import annotations

from typing import Final

import msgspec

from consensus.encoding import digest_of
from consensus.lazy import lazy
from consensus.types import Digest

DVP_EXPIRE: Final = "DVP_EXPIRE"
"""Type of the system receipt of an instruction past its deadline."""

EPOCH_END: Final = "EPOCH_END"
"""Type of the system receipt in the last block of an epoch; its data names the next one."""

VALIDATOR_REMOVAL: Final = "VALIDATOR_REMOVAL"
"""Type of the system receipt when the removal of a revoked firm's validator is scheduled."""

SYSTEM_TYPES: Final = (DVP_EXPIRE, EPOCH_END, VALIDATOR_REMOVAL)
"""Receipts that no transaction asks for: what the ledger does by itself."""

SYSTEM_INDEX: Final = -1
"""Index of system receipts; their ``number`` counts them within the block."""


class Posting(msgspec.Struct, frozen=True):
    """A change of one balance: ``delta`` minor units of ``asset`` in a partition of ``account``.

    ``asset`` is a currency ("PKR", in paisa) or a series id (in its minor unit);
    ``partition`` is free, reserved or frozen.
    """

    account: str
    asset: str
    partition: str
    delta: int


class Receipt(msgspec.Struct, frozen=True, dict=True):
    """The outcome of one ordered request; ``code`` is "OK" or an E_ code of LEDGER.md."""

    height: int
    index: int
    client: str
    number: int
    type: str
    code: str
    detail: str = ""
    minted: tuple[tuple[str, int], ...] = ()
    """(asset, minor units) issued (positive) or redeemed/burned (negative) by this receipt."""
    postings: tuple[Posting, ...] = ()
    data: tuple[tuple[str, str], ...] = ()
    """Further results by name, e.g. a cut-off price."""

    @lazy
    def digest(self) -> Digest:
        """SHA-256 over all fields: a leaf of the receipts root."""
        return digest_of(
            "receipt",
            self.height,
            self.index,
            self.client,
            self.number,
            self.type,
            self.code,
            self.detail,
            self.minted,
            self.postings,
            self.data,
        )


class BlockOutcome(msgspec.Struct, frozen=True):
    """What executing a block gave; equal at every validator."""

    time_us: int
    """Effective block time: max(parent's, proposed), of a null block the parent's (rule 8)."""
    receipts: tuple[Receipt, ...]
    """One per request, in order."""
    system_receipts: tuple[Receipt, ...]
    """What the ledger did by itself: at the start of the block expired DvPs released, at its end
    the next committee put in force."""
    results: tuple[bytes | None, ...]
    """What to reply to each request's sender; to a repeat the reply that it got the first time;
    None where the envelope isn't the sender's: a forger's failure is no answer to the client."""
    transactions_root: Digest
    receipts_root: Digest
    """Over ``receipts``, then ``system_receipts``."""
    state_root: Digest
    reply_root: Digest
