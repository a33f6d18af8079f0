"""Conservation of money: balances rebuilt from the journal of postings, in a second ledger.

Per receipt and asset, postings sum to what was minted less what was burned; no supply and no
partition of an account ever falls below zero; and at the end the rebuilt balances are those
of every honest validator (LEDGER.md, invariants 1 to 3).
"""

from __future__ import annotations

from chainsim.checks.context import BalanceKey, CheckContext, LedgerStatus, RunEnd
from chainsim.checks.results import ChainProperty, all_receipts
from chainsim.trace import Executed
from consensus.types import NodeId, Sequence
from nodes.block import Block
from nodes.ledger.receipts import Receipt


class Conservation(ChainProperty):
    """Nothing is created or destroyed but by minting and burning; nobody is overdrawn."""

    name = "conservation"
    kind = "money"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._balances: dict[BalanceKey, int] = dict(context.opening)
        self._supply: dict[str, int] = {}
        for (_, asset, _), amount in context.opening.items():
            self._supply[asset] = self._supply.get(asset, 0) + amount
        self._postings = 0
        self._height: Sequence = 0
        self._past: dict[Sequence, dict[BalanceKey, int]] = {}
        """What each block changed: balances before it, for validators that end behind."""

    def on_block(self, record: Executed, block: Block) -> None:
        undo: dict[BalanceKey, int] = {}
        for receipt in all_receipts(block):
            self._apply(record, receipt, undo)
        self._past[record.sequence] = undo
        self._height = record.sequence

    def _apply(self, record: Executed, receipt: Receipt, undo: dict[BalanceKey, int]) -> None:
        if not receipt.postings and not receipt.minted:
            return
        sums: dict[str, int] = {}
        for posting in receipt.postings:
            self._postings += 1
            key = (posting.account, posting.asset, posting.partition)
            before = self._balances.get(key, 0)
            undo.setdefault(key, before)
            self._balances[key] = before + posting.delta
            sums[posting.asset] = sums.get(posting.asset, 0) + posting.delta
        for posting in receipt.postings:
            key = (posting.account, posting.asset, posting.partition)
            if self._balances[key] < 0:
                self._wrong(record, receipt, f"overdraws {'/'.join(key)} to {self._balances[key]}")
        minted: dict[str, int] = {}
        for asset, amount in receipt.minted:
            minted[asset] = minted.get(asset, 0) + amount
        for asset in {**sums, **minted}:
            moved, made = sums.get(asset, 0), minted.get(asset, 0)
            if moved != made:
                self._wrong(record, receipt, f"posts {moved} of {asset} but minted {made}")
            self._supply[asset] = self._supply.get(asset, 0) + made
            if self._supply[asset] < 0:
                self._wrong(record, receipt, f"leaves a supply of {self._supply[asset]} {asset}")

    def _wrong(self, record: Executed, receipt: Receipt, what: str) -> None:
        who = f"{receipt.type} {receipt.number} of {receipt.client}"
        self.fail(record.at_us, record.node, record.sequence, f"{who} {what}")

    def at_end(self, end: RunEnd) -> None:
        for node, ledger in sorted(end.ledgers.items()):
            # A run that is judged half-way may hold a block that isn't told yet.
            if node in self.context.honest and ledger.height <= self._height:
                self._compare(end.at_us, node, ledger)

    def _compare(self, at_us: int, node: NodeId, ledger: LedgerStatus) -> None:
        rebuilt = self._balances_at(ledger.height)
        for key in sorted({**rebuilt, **ledger.balances}):
            held, journal = ledger.balances.get(key, 0), rebuilt.get(key, 0)
            if held != journal:
                self.fail(
                    at_us,
                    node,
                    ledger.height,
                    f"holds {held} in {'/'.join(key)}, but its postings sum to {journal}",
                )
                return

    def _balances_at(self, height: Sequence) -> dict[BalanceKey, int]:
        balances = dict(self._balances)
        for undone in range(self._height, height, -1):
            balances.update(self._past.get(undone, {}))
        return balances

    def held(self) -> str:
        assets = ", ".join(sorted(self._supply)) or "no asset"
        return f"{self._postings} postings balance and nobody is overdrawn ({assets})"
