"""The programme cap, in a second book: exact fractions of a US cent, holding by holding.

An issue takes the value of its quantity at the rate (and for metal the price) that its receipt
names; what moves takes its share along; what is burned gives its share back. The ledger rounds up,
so what it counts is never less than what is counted here (LEDGER.md, invariant 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from chainsim.checks.context import CheckContext
from chainsim.checks.results import ChainProperty, all_receipts
from chainsim.trace import Executed
from nodes.block import Block
from nodes.ledger.receipts import Receipt

_CENTS_E4 = 10_000
_OUNCE = 1_000
_Place = tuple[str, str]
"""(account, asset)"""


class ProgrammeCap(ChainProperty):
    """What is outstanding, valued at the rates of its issues, stays within the cap."""

    name = "programme-cap"
    kind = "money"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        genesis = context.genesis
        self._cap_cents = genesis.policies.programme_cap_cents if genesis else 0
        self._currencies = frozenset(genesis.currencies) if genesis else frozenset[str]()
        self._held: dict[_Place, int] = {}
        self._cents: dict[_Place, Fraction] = {}
        self._total = self._highest = Fraction(0)
        for opening in genesis.balances if genesis else ():
            place = (opening.account, opening.asset)
            self._held[place] = self._held.get(place, 0) + opening.amount
            if opening.fx_rate_e4:
                self._add(place, Fraction(opening.amount * _CENTS_E4, opening.fx_rate_e4))

    def _add(self, place: _Place, cents: Fraction) -> None:
        self._cents[place] = self._cents.get(place, Fraction(0)) + cents
        self._total += cents

    def on_block(self, record: Executed, block: Block) -> None:
        if self.context.genesis is None:
            return
        for receipt in all_receipts(block):
            if receipt.postings:
                self._follow(receipt)
            if self._total > self._cap_cents:
                what = f"{receipt.type} leaves {int(self._total)} US cents outstanding"
                what += f", the programme's cap is {self._cap_cents}"
                self.fail(record.at_us, record.node, record.sequence, what)
        self._highest = max(self._highest, self._total)

    def _follow(self, receipt: Receipt) -> None:
        """Move, add and give back shares as quantities moved."""
        changes: dict[str, dict[str, int]] = {}
        for posting in receipt.postings:
            if posting.asset not in self._currencies:
                moved = changes.setdefault(posting.asset, {})
                moved[posting.account] = moved.get(posting.account, 0) + posting.delta
        for asset, moved in changes.items():
            self._move(receipt, asset, moved)

    def _move(self, receipt: Receipt, asset: str, moved: Mapping[str, int]) -> None:
        freed = Fraction(0)
        for account, delta in moved.items():
            if delta < 0:
                place = (account, asset)
                share = self._cents.get(place, Fraction(0)) * -delta / self._held[place]
                self._add(place, -share)
                freed += share
        gained = sum(delta for delta in moved.values() if delta > 0)
        minted = dict(receipt.minted).get(asset, 0)
        if minted > 0:
            freed += _issue_cents(receipt, minted)
        for account, delta in moved.items():
            if delta > 0:
                self._add((account, asset), freed * delta / gained)
        for account, delta in moved.items():
            place = (account, asset)
            self._held[place] = self._held.get(place, 0) + delta

    def held(self) -> str:
        dollars = int(self._highest) // 100
        return f"at most USD {dollars:,} outstanding, the cap is {self._cap_cents // 100:,}"


def _issue_cents(receipt: Receipt, minted: int) -> Fraction:
    """The value of an issue: face in paisa at a rate, or 0.001 ounces at a price and a rate."""
    results = dict(receipt.data)
    rate_e4 = int(results["fx_e4"])
    if "price_e4" in results:
        return Fraction(100 * minted * int(results["price_e4"]), _OUNCE * rate_e4)
    return Fraction(minted * _CENTS_E4, rate_e4)
