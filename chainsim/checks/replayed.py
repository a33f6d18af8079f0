"""Executing the chain again from genesis gives the same receipts and roots at every height.

By a ledger of its own that has seen nothing of the run (LEDGER.md, invariant 11). Each receipt is
a leaf under its block's receipts root, so whoever holds the header can have any change proven.
"""

from __future__ import annotations

from chainsim.checks.context import CheckContext
from chainsim.checks.results import ChainProperty
from chainsim.trace import Executed
from nodes.block import Block
from nodes.ledger.execution import Ledger


class Replayed(ChainProperty):
    """What validators executed follows from genesis and the blocks alone."""

    name = "replay-from-genesis"
    kind = "safety"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        genesis = context.genesis
        self._ledger = None if genesis is None else Ledger(genesis, None, context.verifier)
        self._time_us = 0
        self._waiting: dict[int, tuple[Executed, Block]] = {}

    def on_block(self, record: Executed, block: Block) -> None:
        """Heights may arrive out of order: a laggard may be the first honest one to report."""
        self._waiting[record.sequence] = (record, block)
        ledger = self._ledger
        while ledger is not None and ledger.height + 1 in self._waiting:
            record, block = self._waiting.pop(ledger.height + 1)
            self._execute(ledger, record, block)

    def _execute(self, ledger: Ledger, record: Executed, block: Block) -> None:
        outcome = ledger.execute_block(record.sequence, self._time_us, block.batch)
        self._time_us = outcome.time_us
        header = block.header
        for what, got, wanted in (
            ("time", outcome.time_us, header.time_us),
            ("transactions root", outcome.transactions_root, header.transactions_root),
            ("receipts", outcome.receipts, block.receipts),
            ("system receipts", outcome.system_receipts, block.system_receipts),
            ("receipts root", outcome.receipts_root, header.receipts_root),
            ("state root", outcome.state_root, header.state_root),
            ("reply root", outcome.reply_root, block.reply_root),
        ):
            if got != wanted:
                words = f"from genesis the block gives another {what}"
                self.fail(record.at_us, record.node, record.sequence, words)
                return

    def held(self) -> str:
        if self._ledger is None:
            return "a chain without a genesis"
        return f"{self._ledger.height} blocks give the same receipts and roots again"
