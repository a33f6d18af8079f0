"""Receipts: what became of an ordered transaction, with the postings that it made.

Postings are the double-entry journal: within one receipt, and per asset, they sum to what was
minted less what was burned, and to zero for everything else.
"""

from __future__ import annotations

from functools import cached_property

import msgspec

from consensus.encoding import digest_of
from consensus.types import Digest


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

    @cached_property
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
