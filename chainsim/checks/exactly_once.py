"""Exactly once: a request takes effect at most once per (client, number) (rule 30)."""

from __future__ import annotations

from chainsim.checks.context import CheckContext
from chainsim.checks.results import ENVELOPE_CODES, ChainProperty
from chainsim.trace import Executed
from consensus.types import Sequence
from nodes.block import Block


class ExactlyOnce(ChainProperty):
    """A request may be ordered twice; the second time it gets an envelope code and does nothing."""

    name = "exactly-once"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._effective: dict[tuple[str, int], Sequence] = {}
        self._repeats = 0

    def on_block(self, record: Executed, block: Block) -> None:
        for receipt in block.receipts:
            if not receipt.client:
                continue  # the ledger's own housekeeping, not a request
            key = (receipt.client, receipt.number)
            who = f"request {receipt.number} of {receipt.client}"
            if receipt.code in ENVELOPE_CODES:
                self._repeats += key in self._effective
                if receipt.postings or receipt.minted:
                    self.fail(
                        record.at_us,
                        record.node,
                        record.sequence,
                        f"{who} failed with {receipt.code} and still moved balances",
                    )
                continue
            first = self._effective.setdefault(key, record.sequence * 1_000_000 + receipt.index)
            if first != record.sequence * 1_000_000 + receipt.index:
                self.fail(
                    record.at_us,
                    record.node,
                    record.sequence,
                    f"{who} took effect again: first at height {first // 1_000_000}",
                )

    def held(self) -> str:
        return (
            f"{len(self._effective)} requests took effect once; {self._repeats} repeats did nothing"
        )
