"""What makes a light observer believe: pure functions from evidence and what is proven already
to a header, a receipt or a balance, or to None (PBFT rule 29).

The chain of reasons: a quorum of a known committee signed a checkpoint; that names a header by
hash; each header names the one before it; a header's roots commit to requests, receipts and
balances. COMMITs are no reason to believe a result: they prove an order only.

None of these raises, whatever the evidence holds.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Final

import msgspec

from consensus.encoding import encode
from consensus.messages import BalanceProof, ReceiptEvidence, Request
from consensus.types import Digest, Sequence
from nodes import merkle, state_tree
from nodes.block import Block, Header
from nodes.ledger.receipts import Receipt
from nodes.ledger.records import NO_BALANCE, Balance
from nodes.ledger.state import key_bytes

_HEADERS: Final = msgspec.msgpack.Decoder(Header)
_RECEIPTS: Final = msgspec.msgpack.Decoder(Receipt)
_BALANCES: Final = msgspec.msgpack.Decoder(Balance)


class ProvenReceipt(msgspec.Struct, frozen=True):
    """A receipt that is under a proven header, with the request that it is of.

    ``request`` is None for what the ledger did by itself.
    """

    receipt: Receipt
    request: Request | None


def chained(pieces: Items[bytes], last: Sequence, hash_: Digest) -> tuple[Header, ...] | None:
    """The encoded headers in order, if the last is that of block ``last`` with ``hash_`` and each
    names the one before; None if they aren't a chain that ends there."""
    headers: list[Header] = []
    for piece in reversed(pieces):
        try:
            header = _HEADERS.decode(piece)
        except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors too
            return None
        if header.height != last or header.hash != hash_:
            return None
        headers.append(header)
        last, hash_ = last - 1, header.parent
    return tuple(reversed(headers))


def receipt_under(header: Header, evidence: ReceiptEvidence) -> ProvenReceipt | None:
    """The receipt, if it is under the header's receipts root, and its request under the
    transactions root; None if anything doesn't fit."""
    try:
        receipt = _RECEIPTS.decode(evidence.receipt)
    except (ValueError, RecursionError):
        return None
    if receipt.height != header.height or evidence.height != header.height:
        return None
    if not merkle.verify_inclusion(
        receipt.digest, evidence.leaf, evidence.size, evidence.path, header.receipts_root
    ):
        return None
    request = evidence.request
    if receipt.index < 0:
        return ProvenReceipt(receipt, None) if request is None else None
    if request is None or receipt.index != evidence.leaf:
        return None
    if (request.sender, request.number) != (receipt.client, receipt.number):
        return None
    if not merkle.verify_inclusion(
        request.digest,
        evidence.leaf,
        evidence.transactions,
        evidence.request_path,
        header.transactions_root,
    ):
        return None
    return ProvenReceipt(receipt, request)


def balance_under(header: Header, proof: BalanceProof) -> Balance | None:
    """What the account holds after the header's block: nothing, if that is what is proven; None
    if the proof doesn't hold."""
    levels = tuple(state_tree.Level(bitmap, others) for bitmap, others in proof.levels)
    value = proof.value or None
    if not state_tree.verify(
        header.state_root,
        key_bytes(("balance", proof.account, proof.asset)),
        value,
        state_tree.Proof(levels, proof.neighbour),
    ):
        return None
    if value is None:
        return NO_BALANCE
    try:
        return _BALANCES.decode(value)
    except (ValueError, RecursionError):
        return None


def concerns(receipt: Receipt, subject: str) -> bool:
    """Whether a receipt is about ``subject``: it moved that account, or that party asked."""
    return receipt.client == subject or any(p.account == subject for p in receipt.postings)


def evidence_of(block: Block, subject: str) -> tuple[ReceiptEvidence, ...]:
    """The block's receipts that concern ``subject``, each with its proof."""
    receipts = (*block.receipts, *block.system_receipts)
    places = [place for place, receipt in enumerate(receipts) if concerns(receipt, subject)]
    if not places:
        return ()
    leaves = [receipt.digest for receipt in receipts]
    requests = block.batch.requests
    ordered = [request.digest for request in requests]
    found = []
    for place in places:
        path = merkle.inclusion_proof(place, leaves)
        head = (block.header.height, encode(receipts[place]), place, len(leaves), path)
        if place < len(requests):
            order = merkle.inclusion_proof(place, ordered)
            found.append(ReceiptEvidence(*head, requests[place], len(ordered), order))
        else:
            found.append(ReceiptEvidence(*head))
    return tuple(found)
