"""Delivery versus payment: both legs at one height, or none; nothing stays reserved for nothing.

The terms of each instruction are read from the ordered DVP_PROPOSE itself. Whatever a receipt
then says it did is compared with them: accepting reserves exactly both legs, settling moves
exactly both reserved legs, cancelling or expiring gives back exactly what was reserved
(LEDGER.md, invariant 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import msgspec

from chainsim.checks.context import BalanceKey, CheckContext, RunEnd
from chainsim.checks.results import ChainProperty
from chainsim.trace import Executed
from consensus.types import Sequence
from nodes.block import Block
from nodes.ledger.receipts import Posting, Receipt
from nodes.ledger.transactions import (
    Body,
    DvpAccept,
    DvpCancel,
    DvpPropose,
    DvpSettle,
    Leg,
    Redeem,
    decode,
)

_Reserved = tuple[str, str]
"""(account, asset)"""


class _Instruction(msgspec.Struct):
    terms: DvpPropose
    accepted: bool = False


class DeliveryVersusPayment(ChainProperty):
    """No half-settled DvP, no stranded reservation."""

    name = "delivery-versus-payment"
    kind = "money"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._open: dict[str, _Instruction] = {}
        self._settled = 0
        self._released = 0
        self._reserved: dict[_Reserved, int] = {}
        """Balances in partition ``reserved``, from postings."""
        for (account, asset, partition), amount in context.opening.items():
            if partition == "reserved":
                self._reserved[account, asset] = amount
        self._owed: dict[_Reserved, int] = dict(self._reserved)
        """What live instructions hold (and what genesis held already)."""
        self._height: Sequence = 0

    def on_block(self, record: Executed, block: Block) -> None:
        self._height = record.sequence
        touched: dict[_Reserved, None] = {}
        for receipt in block.system_receipts:
            self._follow_postings(receipt, touched)
        if block.system_receipts or self._open:
            self._expire(record, block, touched)
        for request, receipt in zip(block.batch.requests, block.receipts, strict=False):
            self._follow_postings(receipt, touched)
            if receipt.code == "OK" and receipt.type.startswith(("DVP_", "REDEEM")):
                transaction = decode(request.operation)
                if transaction is not None:
                    self._on_step(record, receipt, transaction.body, touched)
        for key in touched:
            held, owed = self._reserved.get(key, 0), self._owed.get(key, 0)
            if held != owed:
                where = f"{held} of {key[1]} reserved in {key[0]}"
                self._wrong(record, f"{where}, but live instructions hold {owed}: stranded")

    def _follow_postings(self, receipt: Receipt, touched: dict[_Reserved, None]) -> None:
        for posting in receipt.postings:
            if posting.partition == "reserved":
                key = (posting.account, posting.asset)
                self._reserved[key] = self._reserved.get(key, 0) + posting.delta
                touched[key] = None

    def _expire(self, record: Executed, block: Block, touched: dict[_Reserved, None]) -> None:
        """At the start of a block, instructions past their deadline are released, all of them."""
        expected: dict[BalanceKey, int] = {}
        for name, instruction in list(self._open.items()):
            if instruction.terms.deadline_us < block.header.time_us:
                del self._open[name]
                if instruction.accepted:
                    self._released += 1
                    self._owe(instruction.terms, -1, touched)
                    _add(expected, _moves(instruction.terms, "reserved", "free"))
        found = _summed(chain.from_iterable(r.postings for r in block.system_receipts))
        if found != _nonzero(expected):
            self._wrong(record, "what expired at the start of the block isn't what was released")

    def _on_step(
        self, record: Executed, receipt: Receipt, body: Body, touched: dict[_Reserved, None]
    ) -> None:
        match body:
            case DvpPropose(id=name):
                self._open[name] = _Instruction(body)
                self._compare(record, receipt, {})
            case DvpAccept(id=name) if name in self._open:
                terms = self._open[name].terms
                self._open[name].accepted = True
                self._owe(terms, 1, touched)
                self._compare(record, receipt, _moves(terms, "free", "reserved"))
            case DvpSettle(id=name) if name in self._open and self._open[name].accepted:
                terms = self._open.pop(name).terms
                self._settled += 1
                self._owe(terms, -1, touched)
                self._compare(record, receipt, _settlement(terms))
            case DvpCancel(id=name) if name in self._open:
                instruction = self._open.pop(name)
                moves: dict[BalanceKey, int] = {}
                if instruction.accepted:
                    self._released += 1
                    self._owe(instruction.terms, -1, touched)
                    moves = _moves(instruction.terms, "reserved", "free")
                self._compare(record, receipt, moves)
            case Redeem(series=series):
                self._end_of_series(record, receipt, series, touched)
            case DvpAccept(id=name) | DvpSettle(id=name) | DvpCancel(id=name):
                self._wrong(
                    record, f"{receipt.type} of {name} succeeded without a live instruction"
                )

    def _end_of_series(
        self, record: Executed, receipt: Receipt, series: str, touched: dict[_Reserved, None]
    ) -> None:
        """A redemption gives back, first of all, what live instructions over its series hold."""
        expected: dict[BalanceKey, int] = {}
        for name, instruction in list(self._open.items()):
            if instruction.terms.delivery.amount.asset == series:
                del self._open[name]
                if instruction.accepted:
                    self._released += 1
                    self._owe(instruction.terms, -1, touched)
                    _add(expected, _moves(instruction.terms, "reserved", "free"))
        found = _summed(p for p in receipt.postings if p.partition == "reserved")
        wanted = {key: delta for key, delta in expected.items() if key[2] == "reserved"}
        if found != _nonzero(wanted):
            self._wrong(record, f"redeeming {series} didn't release what its instructions held")

    def _owe(self, terms: DvpPropose, sign: int, touched: dict[_Reserved, None]) -> None:
        for leg in (terms.delivery, terms.payment):
            key = (leg.source, leg.amount.asset)
            self._owed[key] = self._owed.get(key, 0) + sign * leg.amount.amount
            touched[key] = None

    def _compare(
        self, record: Executed, receipt: Receipt, wanted: Mapping[BalanceKey, int]
    ) -> None:
        found = _summed(receipt.postings)
        if found != _nonzero(wanted):
            legs = sorted({asset for _, asset, _ in found})
            self._wrong(
                record,
                f"{receipt.type} {receipt.number} of {receipt.client} moved {legs or 'nothing'}, "
                "which isn't both of its legs in full",
            )

    def _wrong(self, record: Executed, what: str) -> None:
        self.fail(record.at_us, record.node, record.sequence, what)

    def at_end(self, end: RunEnd) -> None:
        """What validators hold reserved at the end is what live instructions hold."""
        for node, ledger in sorted(end.ledgers.items()):
            if node not in self.context.honest or ledger.height != self._height:
                continue
            held = {
                (account, asset): amount
                for (account, asset, partition), amount in ledger.balances.items()
                if partition == "reserved" and amount
            }
            owed = {key: amount for key, amount in self._owed.items() if amount}
            for key in sorted({**held, **owed}):
                if held.get(key, 0) != owed.get(key, 0):
                    what = f"ends with {held.get(key, 0)} of {key[1]} reserved in {key[0]}, but "
                    what += f"live instructions hold {owed.get(key, 0)}: stranded"
                    self.fail(end.at_us, node, ledger.height, what)

    def held(self) -> str:
        reserved = sum(instruction.accepted for instruction in self._open.values())
        return f"{self._settled} settled whole, {self._released} released, {reserved} reserved"


def _add(into: dict[BalanceKey, int], changes: Mapping[BalanceKey, int]) -> None:
    for key, delta in changes.items():
        into[key] = into.get(key, 0) + delta


def _moves(terms: DvpPropose, source: str, target: str) -> dict[BalanceKey, int]:
    """Both legs' amounts between two partitions of the accounts that give them."""
    changes: dict[BalanceKey, int] = {}
    for leg in (terms.delivery, terms.payment):
        _add(changes, {(leg.source, leg.amount.asset, source): -leg.amount.amount})
        _add(changes, {(leg.source, leg.amount.asset, target): leg.amount.amount})
    return changes


def _settlement(terms: DvpPropose) -> dict[BalanceKey, int]:
    """Both legs' amounts from what is reserved to the accounts that receive them."""
    changes: dict[BalanceKey, int] = {}
    legs: tuple[Leg, Leg] = (terms.delivery, terms.payment)
    for leg in legs:
        _add(changes, {(leg.source, leg.amount.asset, "reserved"): -leg.amount.amount})
        _add(changes, {(leg.target, leg.amount.asset, "free"): leg.amount.amount})
    return changes


def _summed(postings: Iterable[Posting]) -> dict[BalanceKey, int]:
    changes: dict[BalanceKey, int] = {}
    for posting in postings:
        key = (posting.account, posting.asset, posting.partition)
        changes[key] = changes.get(key, 0) + posting.delta
    return _nonzero(changes)


def _nonzero(changes: Mapping[BalanceKey, int]) -> dict[BalanceKey, int]:
    return {key: delta for key, delta in changes.items() if delta}
