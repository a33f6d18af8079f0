"""Light observers: what was proven to one that executes nothing is what honest validators executed.

A header it believes is the one that they derived at that height, a receipt is in their block, a
balance is what genesis gave and all receipts up to that height moved (PBFT rule 29).
"""

from __future__ import annotations

from chainsim.checks.base import Check, short
from chainsim.checks.context import BalanceKey, CheckContext
from chainsim.checks.results import all_receipts
from chainsim.trace import Executed, Proven, Record
from consensus.types import Digest, Sequence
from nodes.block import Block
from nodes.ledger.receipts import Receipt

PARTITIONS = ("free", "reserved", "frozen")


class LightObservers(Check):
    """Headers, receipts and balances as the honest validators have them."""

    name = "light-observers"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        # Where nobody watches, nothing is kept.
        self.subscribes = (Executed, Proven) if context.watchers else ()
        self._headers: dict[Sequence, Digest] = {}
        self._receipts: dict[Digest, Receipt] = {}
        self._moves: dict[BalanceKey, list[tuple[Sequence, int]]] = {}
        self._compared = {"blocks": 0, "receipt": 0, "balance": 0}

    def on_record(self, record: Record) -> None:
        if type(record) is Executed:
            if record.node in self.context.honest and record.sequence not in self._headers:
                self._headers[record.sequence] = record.header_hash
                if record.block is not None:
                    self._keep(record.block)
        elif type(record) is Proven and record.node in self.context.watchers:
            problem = self._problem(record)
            self._compared[record.what] += 1
            if problem:
                self.fail(record.at_us, record.node, record.sequence, problem)

    def _keep(self, block: Block) -> None:
        for receipt in all_receipts(block):
            self._receipts[receipt.digest] = receipt
            for posting in receipt.postings:
                key = posting.account, posting.asset, posting.partition
                self._moves.setdefault(key, []).append((block.header.height, posting.delta))

    def _problem(self, record: Proven) -> str:
        if record.what == "blocks":
            return self._block_problem(record)
        if record.what == "receipt":
            return self._receipt_problem(record)
        held = tuple(
            self._balance((record.account, record.asset, partition), record.sequence)
            for partition in PARTITIONS
        )
        if held == record.amounts:
            return ""
        told = ", ".join(str(amount) for amount in record.amounts)
        true = ", ".join(str(amount) for amount in held)
        return f"believes that {record.account} holds {told} {record.asset}; it is {true}"

    def _block_problem(self, record: Proven) -> str:
        header = self._headers.get(record.sequence)
        if header is None:
            return f"believes header {short(record.digest)}; nobody honest executed that block"
        if header != record.digest:
            return f"believes header {short(record.digest)}; it is {short(header)}"
        return ""

    def _receipt_problem(self, record: Proven) -> str:
        receipt = self._receipts.get(record.digest)
        if receipt is None or receipt.height != record.sequence:
            return f"believes receipt {short(record.digest)}, which nobody honest made"
        concerned = [receipt.client, *(posting.account for posting in receipt.postings)]
        if record.account not in concerned:
            return f"believes that receipt {short(record.digest)} is of {record.account}"
        return ""

    def _balance(self, key: BalanceKey, height: Sequence) -> int:
        moved = sum(delta for at, delta in self._moves.get(key, ()) if at <= height)
        return self.context.opening.get(key, 0) + moved

    def held(self) -> str:
        if not self.context.watchers:
            return "nobody watches without a ledger"
        blocks, receipts, balances = self._compared.values()
        return (
            f"{receipts} receipts, {balances} balances and {blocks} headers proven to "
            f"{len(self.context.watchers)} are as executed"
        )
