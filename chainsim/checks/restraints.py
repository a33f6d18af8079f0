"""What freezes and licences hold back.

A frozen quantity falls only by UNFREEZE, by an ordered transfer, or when its series is redeemed
(then it becomes frozen cash); and what clients have with a firm that may not keep client assets
only falls. Exceptions of the latter, by policy: coupons and redemptions, which the issuer owes
whoever keeps the account, and settlement of what was fully reserved before a suspension
(LEDGER.md, invariants 7 and 8).
"""

from __future__ import annotations

from typing import Final

from chainsim.checks.context import CheckContext
from chainsim.checks.results import ChainProperty
from chainsim.trace import Executed
from nodes.block import Block
from nodes.ledger.receipts import Receipt
from nodes.ledger.transactions import AccountOpen, Body, LicenceSet, Redeem, decode

UNFREEZES: Final = ("UNFREEZE", "FORCED_TRANSFER", "REDEEM")
OWED_BY_ISSUERS: Final = ("COUPON_PAY", "REDEEM")


class Restraints(ChainProperty):
    """Nothing leaves a freeze without an order; nothing flows in to a firm without a licence."""

    name = "restraints"
    kind = "money"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        genesis = context.genesis
        parties = genesis.parties if genesis else ()
        self._licences: dict[str, str] = {p.id: p.licence for p in parties if p.role == "vasp"}
        self._keeper: dict[str, str] = {}
        """Client account -> the firm that keeps it."""
        for account in genesis.accounts if genesis else ():
            self._keeper[account.id] = account.custodian
        self._unfrozen = self._inflows = 0

    def on_block(self, record: Executed, block: Block) -> None:
        for receipt in block.system_receipts:
            self._judge(record, receipt, None)
        for request, receipt in zip(block.batch.requests, block.receipts, strict=False):
            if receipt.code != "OK":
                continue
            transaction = decode(request.operation)
            body = None if transaction is None else transaction.body
            self._judge(record, receipt, body)
            match body:
                case LicenceSet(party=party, state=state):
                    self._licences[party] = state
                case AccountOpen(id=account, owner=owner) if owner != receipt.client:
                    self._keeper[account] = receipt.client

    def _judge(self, record: Executed, receipt: Receipt, body: Body | None) -> None:
        changes: dict[tuple[str, str], int] = {}
        for posting in receipt.postings:
            place = (posting.account, posting.asset)
            changes[place] = changes.get(place, 0) + posting.delta
            if posting.partition == "frozen" and posting.delta < 0:
                self._unfrozen += 1
                redeemed = isinstance(body, Redeem) and body.series != posting.asset
                if receipt.type not in UNFREEZES or redeemed:
                    what = f"takes {-posting.delta} {posting.asset} that is frozen"
                    self._wrong(record, receipt, f"{what} in {posting.account}")
        for (account, asset), change in changes.items():
            firm = self._keeper.get(account, "")
            if change > 0 and firm in self._licences:
                self._inflows += 1
                if not self._may_take_in(firm, receipt.type):
                    state = self._licences[firm]
                    what = f"brings {change} {asset} to {account} at {firm}, which is {state}"
                    self._wrong(record, receipt, what)

    def _may_take_in(self, firm: str, type_name: str) -> bool:
        assert self.context.genesis is not None
        policies = self.context.genesis.policies
        licence = self._licences[firm]
        if licence in policies.custody_states or type_name in OWED_BY_ISSUERS:
            return True
        settles = licence == "SUSPENDED" and policies.suspended_settlement == "settle"
        return settles and type_name == "DVP_SETTLE"

    def _wrong(self, record: Executed, receipt: Receipt, what: str) -> None:
        who = f"{receipt.type} {receipt.number} of {receipt.client or 'the ledger'}"
        self.fail(record.at_us, record.node, record.sequence, f"{who} {what}")

    def held(self) -> str:
        return f"{self._unfrozen} unfrozen by order, {self._inflows} inflows to licensed firms"
