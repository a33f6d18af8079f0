"""Coupons: each holder gets each coupon once, exactly what its holding earned, from the issuer.

Holdings are rebuilt from postings and kept at the close before each payment day, as business days
are opened. Whatever a COUPON_PAY then says it paid is compared with the entitlements that follow
from them: to whom, how much, and to nobody twice; when it says that all are paid, all must be
(LEDGER.md, invariant 6).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from chainsim.checks.context import CheckContext
from chainsim.checks.results import ChainProperty
from chainsim.trace import Executed
from nodes.block import Block
from nodes.ledger.coupons import entitlement
from nodes.ledger.instruments import instrument_of
from nodes.ledger.receipts import Receipt
from nodes.ledger.records import Series
from nodes.ledger.schedule import schedule
from nodes.ledger.series import from_body
from nodes.ledger.transactions import CouponPay, DayOpen, SeriesDefine, decode

PAID_IN_FULL: Final = "days_late"
"""The result in whose presence a receipt says that nobody is left to be paid."""


class _Coupon(msgspec.Struct):
    """What is owed to each account still, and who was paid."""

    owed: dict[str, int]
    paid: dict[str, int] = msgspec.field(default_factory=dict)


class Coupons(ChainProperty):
    """Nobody is paid twice, short or by the way."""

    name = "coupons"
    kind = "money"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        genesis = context.genesis
        self._series: dict[str, Series] = {}
        self._holdings: dict[str, dict[str, int]] = {}
        """Quantity by series and account, over all partitions."""
        self._coupons: dict[tuple[str, int], _Coupon] = {}
        self._payments = 0
        self._closed = genesis.closed if genesis else frozenset()
        for series in genesis.series if genesis else ():
            self._add(series)
        for (account, asset, _), amount in context.opening.items():
            self._change(account, asset, amount)

    def _add(self, series: Series) -> None:
        self._series[series.id] = series
        self._holdings[series.id] = {}

    def _change(self, account: str, asset: str, delta: int) -> None:
        holdings = self._holdings.get(asset)
        if holdings is not None:
            holdings[account] = holdings.get(account, 0) + delta

    def on_block(self, record: Executed, block: Block) -> None:
        for receipt in block.system_receipts:
            self._follow(receipt)
        for request, receipt in zip(block.batch.requests, block.receipts, strict=False):
            if receipt.code != "OK":
                continue
            transaction = decode(request.operation)
            match transaction.body if transaction is not None else None:
                case DayOpen() as opened:
                    self._close_of_day_before(opened)
                case SeriesDefine() as body:
                    self._add(from_body(body))
                case CouponPay() as body:
                    self._on_payment(record, receipt, body)
            self._follow(receipt)

    def _follow(self, receipt: Receipt) -> None:
        for posting in receipt.postings:
            self._change(posting.account, posting.asset, posting.delta)

    def _close_of_day_before(self, opened: DayOpen) -> None:
        for series in self._series.values():
            for coupon in schedule(series, self._closed):
                if coupon.payment_date == opened.date:
                    rate_e4 = instrument_of(series).coupon_e4(series, coupon.number)
                    held = self._holdings[series.id].items()
                    owed = {account: entitlement(amount, rate_e4) for account, amount in held}
                    self._coupons[series.id, coupon.number] = _Coupon(
                        {account: amount for account, amount in owed.items() if amount}
                    )

    def _on_payment(self, record: Executed, receipt: Receipt, body: CouponPay) -> None:
        series = self._series.get(body.series)
        coupon = self._coupons.get((body.series, body.number))
        if series is None or coupon is None:
            self._wrong(record, body, "was paid though its payment day has not been opened")
            return
        for problem in self._problems(series, coupon, receipt):
            self._wrong(record, body, problem)
        if any(name == PAID_IN_FULL for name, _ in receipt.data) and coupon.owed:
            account = min(coupon.owed)
            what = f"is over, but {len(coupon.owed)} are unpaid, {account} among them"
            self._wrong(record, body, what)

    def _problems(self, series: Series, coupon: _Coupon, receipt: Receipt) -> Iterator[str]:
        """Compare one page of payments, and count it as paid."""
        credited: dict[str, int] = {}
        debit = 0
        for posting in receipt.postings:
            if posting.delta > 0:
                credited[posting.account] = credited.get(posting.account, 0) + posting.delta
            elif posting.account == series.issuer_account and posting.partition == "free":
                debit -= posting.delta
            else:
                yield f"took {-posting.delta} from {posting.account}"
        if debit != sum(credited.values()):
            yield f"debits the issuer by {debit} and pays {sum(credited.values())}"
        for account, amount in sorted(credited.items()):
            self._payments += 1
            owed = coupon.owed.pop(account, 0)
            if account in coupon.paid:
                yield f"pays {account} again"
            elif amount != owed:
                yield f"pays {amount} to {account}, which is owed {owed}"
            coupon.paid[account] = amount

    def _wrong(self, record: Executed, body: CouponPay, what: str) -> None:
        name = f"coupon {body.number} of {body.series}"
        self.fail(record.at_us, record.node, record.sequence, f"{name} {what}")

    def held(self) -> str:
        coupons = [coupon for coupon in self._coupons.values() if coupon.paid]
        waiting = sum(1 for coupon in self._coupons.values() if coupon.owed)
        return f"{self._payments} payments of {len(coupons)} coupons, {waiting} due and not over"
