"""Where the money is, from the receipts of executed blocks: a third set of books.

``Money`` adds up postings and mints of each block, so "supply equal" compares what is held with
what was ever issued, and a DvP is followed from proposal to settlement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chainsim.settlement_summary import DVP_STEPS
from nodes.block import Block
from nodes.ledger.receipts import Receipt


class Money:
    """The books of one run; amounts in minor units."""

    def __init__(self, opening: Mapping[tuple[str, str, str], int]) -> None:
        self.held: Final[dict[tuple[str, str], int]] = {}
        """(account, asset) -> all partitions together."""
        self.total: Final[dict[str, int]] = {}
        """Asset -> what all accounts hold."""
        self.issued: Final[dict[str, int]] = {}
        """Asset -> what was ever minted, less what was burned."""
        self.reserved = 0
        """Postings to reserved less those from it: legs that wait."""
        self.dvp: Final[dict[str, int]] = dict.fromkeys(DVP_STEPS.values(), 0)
        self.half_settled = 0
        """DvPs of which only one asset moved: must stay 0."""
        self.overdrawn = 0
        """Balances below zero: must stay 0."""
        self.refused = 0
        for (account, asset, _), amount in opening.items():
            self._move(account, asset, amount)
            self.issued[asset] = self.issued.get(asset, 0) + amount

    @property
    def open_dvps(self) -> int:
        """Proposed, and neither settled nor given up."""
        done = self.dvp["settled"] + self.dvp["cancelled"] + self.dvp["expired"]
        return self.dvp["proposed"] - done

    def unequal(self) -> list[str]:
        """Assets whose holdings don't sum to what was issued: must be none."""
        return [
            asset
            for asset in {**self.issued, **self.total}
            if self.issued.get(asset, 0) != self.total.get(asset, 0)
        ]

    def on_block(self, block: Block) -> None:
        """The chain grew."""
        for receipt in (*block.system_receipts, *block.receipts):
            if receipt.code != "OK":
                self.refused += 1
                continue
            if receipt.postings or receipt.minted:
                self._post(receipt)
            step = DVP_STEPS.get(receipt.type)
            if step is not None:
                self.dvp[step] += 1
                if step == "settled" and len({p.asset for p in receipt.postings}) != 2:
                    self.half_settled += 1

    def _post(self, receipt: Receipt) -> None:
        for posting in receipt.postings:
            self._move(posting.account, posting.asset, posting.delta)
        for posting in receipt.postings:
            if self.held[posting.account, posting.asset] < 0:
                self.overdrawn += 1
        for asset, amount in receipt.minted:
            self.issued[asset] = self.issued.get(asset, 0) + amount

    def _move(self, account: str, asset: str, amount: int) -> None:
        self.held[account, asset] = self.held.get((account, asset), 0) + amount
        self.total[asset] = self.total.get(asset, 0) + amount
