"""``transfers``: cash moves between accounts at a steady rate."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.ledger.genesis import Genesis
from nodes.ledger.records import Account
from nodes.ledger.transactions import Money as Quantity
from nodes.ledger.transactions import Transaction, Transfer
from scenarios.errors import did_you_mean
from scenarios.genesis_spec import AccountId
from scenarios.units import Duration, Money, Rate, parse_amount
from scenarios.workload.base import Problem, Submission, Workload
from scenarios.workload.context import Context

_HOUR_US = 3_600_000_000
_SENDERS = ("dealer", "sbp")
"""Roles that may always transfer; a VASP may while it is licensed."""


class Transfers(Workload, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="transfers"):
    """The k-th transfer is sent ``k / rate`` after ``start``, the last one before ``stop``.

    Source, target and amount are drawn. What an account receives may be spent again, so with
    amounts that are large beside the balances some transfers end in E_FREE_BAL.
    """

    rate: Rate
    start: Duration = 1_000_000
    stop: Duration
    between: tuple[AccountId, ...] = ()
    """Left out: all accounts that hold the asset at the start and whose owner may send."""
    smallest: Money = "1.00 PKR"
    largest: Money = "1000.00 PKR"

    def accounts(self, genesis: Genesis) -> tuple[Account, ...]:
        """The accounts between which cash moves, in the order of genesis."""
        if self.between:
            return tuple(account for account in genesis.accounts if account.id in self.between)
        asset = parse_amount(self.smallest).asset
        parties = {party.id: party for party in genesis.parties}
        funded = {balance.account for balance in genesis.balances if balance.asset == asset}
        return tuple(
            account
            for account in genesis.accounts
            if account.id in funded
            and (
                parties[account.owner].role in _SENDERS
                or (
                    parties[account.owner].role == "vasp"
                    and parties[account.owner].licence == "LICENSED"
                )
            )
        )

    def submissions(self, context: Context) -> Iterator[Submission]:
        stream = context.stream("transfers")
        accounts = self.accounts(context.genesis)
        low, high = parse_amount(self.smallest), parse_amount(self.largest)
        count = 0
        while (at_us := self.start + count * _HOUR_US // self.rate) < self.stop:
            count += 1
            first = stream.below(len(accounts))
            second = (first + 1 + stream.below(len(accounts) - 1)) % len(accounts)
            source, target = accounts[first], accounts[second]
            amount = low.minor + stream.below(high.minor - low.minor + 1)
            body = Transfer(source=source.id, target=target.id, amount=Quantity(low.asset, amount))
            yield Submission(at_us, source.owner, "TRANSFER", Transaction(body).encode())

    def problems(self, context: Context) -> Iterator[Problem]:
        low, high = parse_amount(self.smallest), parse_amount(self.largest)
        if self.start >= self.stop:
            yield Problem("stop", "wanted a time later than start")
        elif self.stop > context.duration_us:
            yield Problem("stop", "later than the end of the run (duration)")
        if low.asset != high.asset:
            yield Problem("largest", f"wanted {low.asset} as in smallest, got {high.asset}")
        elif low.minor > high.minor:
            yield Problem("largest", "wanted no less than smallest")
        if low.minor < 1:
            yield Problem("smallest", "wanted an amount above zero")
        known = {account.id for account in context.genesis.accounts}
        for index, name in enumerate(self.between):
            if name not in known:
                hint = did_you_mean(name, known)
                yield Problem(f"between[{index}]", f'unknown account "{name}"{hint}')
            elif name in self.between[:index]:
                yield Problem(f"between[{index}]", f'"{name}" appears twice')
        if len(self.accounts(context.genesis)) < 2:
            where = "between" if self.between else ""
            yield Problem(where, f"needs two accounts that hold {low.asset} and may send it")
