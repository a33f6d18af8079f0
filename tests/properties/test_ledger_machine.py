"""Random days on the ledger: money is conserved, postings tell everything, failures nothing.

A hypothesis state machine sends random transactions, valid and not, some several to a block,
and rebuilds balances from postings alone.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from consensus.messages import Batch, Request
from nodes.ledger.allotment import allot
from nodes.ledger.codes import ENVELOPE
from nodes.ledger.execution import Ledger
from nodes.ledger.receipts import Receipt
from nodes.ledger.transactions import AnyBody, body_of
from tests.unit.ledger.samples import bid_body, dvp_body
from tests.unit.ledger.support import AUCTION_DAY, GENESIS, MILLION, SETTLEMENT_DAY, Desk, money

parties = st.sampled_from([p.id for p in GENESIS.parties])
accounts = st.sampled_from([*(a.id for a in GENESIS.accounts), "nowhere"])
assets = st.sampled_from(["PKR", "pib-51-3y", "mtb-364"])
amounts = st.sampled_from(
    [1, 500_000, 10_000_000, 10 * MILLION, 60 * MILLION, 100 * MILLION, 20_000 * MILLION]
)
ids = st.sampled_from(["d", "e", "f", "g", "h", "i"])
TRADERS = ("exchange-a", "exchange-b", "dealer-1", "ali")
BLOCK = 5
"""Requests that make a block full; ``LedgerMachine.block`` cuts smaller ones."""

Balances = dict[tuple[str, str, str], int]


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.pending: list[Request] = []
        self.blocks: list[Batch] = []
        self.balances: Balances = {(b.account, b.asset, "free"): b.amount for b in GENESIS.balances}
        self.outstanding: dict[str, int] = {}
        for balance in GENESIS.balances:
            so_far = self.outstanding.get(balance.asset, 0)
            self.outstanding[balance.asset] = so_far + balance.amount

    def queue(self, sender: str, type_name: str, *cosigners: str, **fields: Any) -> None:
        self.add(sender, body_of(type_name, fields), *cosigners)

    def add(self, sender: str, body: AnyBody, *cosigners: str) -> None:
        self.pending.append(self.desk.request(sender, body, cosigners))
        if len(self.pending) >= BLOCK:
            self.block(1_000)

    @rule(after_us=st.sampled_from([1, 1_000, 60_000]))
    def block(self, after_us: int) -> None:
        ledger = self.desk.ledger
        before = self.desk.roots()
        batch = Batch(self.desk.time_us + after_us, tuple(self.pending))
        self.pending = []
        self.blocks.append(batch)
        outcome = ledger.execute_block(ledger.height + 1, self.desk.time_us, batch)
        self.desk.time_us = outcome.time_us
        receipts = (*outcome.system_receipts, *outcome.receipts)
        for receipt in receipts:
            self.read(receipt)
        succeeded = [receipt for receipt in receipts if receipt.code == "OK"]
        if not succeeded:
            assert ledger.state_root == before[0], "failures change nothing"
        if all(receipt.code in ENVELOPE for receipt in receipts):
            assert ledger.reply_root == before[1]
        assert len(outcome.receipts) == len(batch.requests) == len(outcome.results)

    def read(self, receipt: Receipt) -> None:
        """Follow the journal; each receipt balances per asset."""
        if receipt.code != "OK":
            assert not receipt.postings
            assert not receipt.minted
        sums: dict[str, int] = {}
        for posting in receipt.postings:
            assert posting.delta
            place = (posting.account, posting.asset, posting.partition)
            self.balances[place] = self.balances.get(place, 0) + posting.delta
            assert self.balances[place] >= 0
            sums[posting.asset] = sums.get(posting.asset, 0) + posting.delta
        assert {asset: total for asset, total in sums.items() if total} == dict(receipt.minted)
        for asset, amount in receipt.minted:
            self.outstanding[asset] = self.outstanding.get(asset, 0) + amount

    @rule(sender=parties, source=accounts, to=accounts, asset=assets, amount=amounts)
    def transfer(self, sender: str, source: str, to: str, asset: str, amount: int) -> None:
        self.queue(sender, "TRANSFER", source=source, target=to, amount=money(amount, asset))

    @rule(who=st.sampled_from(TRADERS), to=accounts, asset=assets, amount=amounts)
    def pay(self, who: str, to: str, asset: str, amount: int) -> None:
        self.transfer(who, f"{who}/main", to, asset, amount)

    @rule(account=accounts, amount=amounts)
    def cash(self, account: str, amount: int) -> None:
        owner = account.split("/", maxsplit=1)[0]
        if owner not in TRADERS:
            owner = "secp"
        self.queue("sbp", "CASH_MINT", account=account, amount=money(amount))
        self.queue("sbp", "CASH_BURN", owner, account=account, amount=money(amount))

    @rule(id_=ids, seller=parties, buyer=parties, face=amounts, price=amounts, swap=st.booleans())
    def propose(self, id_: str, seller: str, buyer: str, face: int, price: int, swap: bool) -> None:
        a, b = f"{seller}/main", f"{buyer}/main"
        body = dvp_body(
            id=id_,
            counterparty=seller if swap else buyer,
            delivery={"source": a, "target": b, "amount": money(face, "pib-51-3y")},
            payment={"source": b, "target": a, "amount": money(price)},
            deadline_us=self.desk.time_us + 4_000,
        )
        self.add(buyer if swap else seller, body)

    @rule(
        id_=ids,
        who=st.sampled_from(TRADERS),
        kind=st.sampled_from(["ACCEPT", "ACCEPT", "SETTLE", "SETTLE", "CANCEL"]),
    )
    def go_on(self, id_: str, who: str, kind: str) -> None:
        self.queue(who, f"DVP_{kind}", id=id_)

    @rule(id_=ids, price=amounts, end=st.sampled_from(["SETTLE", "CANCEL", ""]))
    def trade(self, id_: str, price: int, end: str) -> None:
        """A settlement that goes through if both sides have it."""
        self.propose(id_, "exchange-a", "exchange-b", 10 * MILLION, price, False)
        self.go_on(id_, "exchange-b", "ACCEPT")
        if end:
            self.go_on(id_, "exchange-a", end)

    @rule(
        who=st.sampled_from(["pvara", "sbp", "mof"]),
        account=accounts,
        asset=assets,
        amount=amounts,
        kind=st.sampled_from(["FREEZE", "FREEZE", "UNFREEZE"]),
        order=st.sampled_from(["o-1", "o-2", ""]),
    )
    def freeze(
        self, who: str, account: str, asset: str, amount: int, kind: str, order: str
    ) -> None:
        self.queue(who, kind, account=account, amount=money(amount, asset), order=order)

    @rule(
        party=st.sampled_from(["exchange-a", "exchange-b"]),
        state=st.sampled_from(["SUSPENDED", "LICENSED", "REVOKED"]),
    )
    def licence(self, party: str, state: str) -> None:
        self.queue("pvara", "LICENCE_SET", party=party, state=state)

    @rule(amount=amounts)
    def pause(self, amount: int) -> None:
        self.queue("mof", "PAUSE", "sbp")
        self.pay("exchange-a", "ali/main", "PKR", amount)
        self.queue("pvara", "UNPAUSE", "mof")

    @rule()
    def repeat(self) -> None:
        """Everything of the last block again."""
        if self.blocks:
            self.pending.extend(self.blocks[-1].requests[:BLOCK])

    @rule(dealer=st.sampled_from(["dealer-1", "dealer-2"]), reference=st.integers(1, 9))
    def auction(self, dealer: str, reference: int) -> None:
        """One step of an auction that others may interleave with."""
        self.queue("sbp", "DAY_OPEN", date=AUCTION_DAY)
        self.queue("sbp", "AUCTION_OPEN", id="a", series="pib-51-3y", target=100 * MILLION)
        self.add(dealer, bid_body(dealer, reference, 100 * MILLION, 950_000))

    @rule(wrong=st.sampled_from([0, 0, 1]))
    def decide(self, wrong: int) -> None:
        """Close, allot (sometimes a paisa off) and settle what was bid."""
        self.block(1)
        bids = self.desk.ledger.values("bid")
        shares = allot(bids, 950_000, 100 * MILLION)
        stated = [
            {
                "dealer": bid.dealer,
                "reference": bid.reference,
                "amount": shares[bid.number] + wrong,
            }
            for bid in bids
            if bid.number in shares
        ]
        self.queue("sbp", "AUCTION_CLOSE", auction="a", cutoff_e4=950_000, amount=100 * MILLION)
        self.queue("sbp", "AUCTION_ALLOT", auction="a", allotments=stated)
        self.queue("sbp", "DAY_OPEN", date=SETTLEMENT_DAY)
        self.queue("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=1_570_000)
        self.queue("sbp", "AUCTION_SETTLE", auction="a")

    @invariant()
    def postings_tell_every_balance(self) -> None:
        held: Balances = {}
        for key, balance in self.desk.ledger._state.of_kind("balance"):
            for partition in ("free", "reserved", "frozen"):
                amount = getattr(balance, partition)
                assert amount >= 0
                if amount:
                    held[key[1], key[2], partition] = amount
        assert held == {place: amount for place, amount in self.balances.items() if amount}

    @invariant()
    def supply_is_what_was_minted(self) -> None:
        sums: dict[str, int] = {}
        for (_, asset, _), amount in self.balances.items():
            sums[asset] = sums.get(asset, 0) + amount
        assert sums == {asset: self.outstanding.get(asset, 0) for asset in sums}

    @invariant()
    def audit_is_clean(self) -> None:
        assert self.desk.ledger.audit() == []

    def teardown(self) -> None:
        """Replaying the blocks from genesis gives the same roots."""
        again, time_us = Ledger(GENESIS), 0
        for height, batch in enumerate(self.blocks, 1):
            time_us = again.execute_block(height, time_us, batch).time_us
        assert (again.state_root, again.reply_root) == self.desk.roots()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
