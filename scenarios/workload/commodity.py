"""``commodity``: a vault attests its bars, metal is minted against them and taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

import msgspec

from nodes.ledger import transactions as tx
from nodes.ledger.calendar import next_business_day
from scenarios.errors import did_you_mean
from scenarios.genesis_spec import AccountId
from scenarios.units import Duration, UnitError
from scenarios.workload.base import Problem, Submission, Workload, sender
from scenarios.workload.bodies import ten_thousandths
from scenarios.workload.context import Context

ROLES = ("sbp", "mof", "vault")
"""Who fixes the price, who mints, who attests."""


class Commodity(Workload, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="commodity"):
    """Day k begins at ``start + k * calendar.day``, as in the workload ``days``.

    Each day the State Bank fixes the price and the vault attests its bars (unless it is silent
    that day), a quarter of the day later metal is minted, half a day later some is redeemed.
    """

    start: Duration = 500_000
    """Of day 0: the ``start`` of ``days``."""
    series: str
    account: AccountId
    """Of an exchange, dealer or investor: gets what is minted and redeems."""
    price: Decimal
    """PKR per fine ounce."""
    bars: int = 4
    bar: int = 400_000
    """Fine weight of a bar in 0.001 ounce."""
    mint: int
    """Units each day; 0.001 ounce is one."""
    redeem: int = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    """How many days; left out: as many as begin before the end of the run."""
    silent: tuple[int, ...] = ()
    """Days, from 0, on which the vault attests nothing."""

    def submissions(self, context: Context) -> Iterator[Submission]:
        genesis = context.genesis
        sbp, mof, vault = (sender(genesis, role) for role in ROLES)
        owner = next(account.owner for account in genesis.accounts if account.id == self.account)
        metal = next(item.metal for item in genesis.series if item.id == self.series)
        at_us, day, number, left = self.start, genesis.first_business_day, 0, self.bars * self.bar
        while at_us < context.duration_us and number < (self.count or number + 1):
            price = tx.PriceFixing(date=day, metal=metal, price_e4=ten_thousandths(self.price))
            yield from _within(context, at_us + 1_000_000, sbp, price)
            if number not in self.silent:
                yield from _within(context, at_us + 1_000_000, vault, self._attestation(left))
            minting = tx.CommodityMint(series=self.series, account=self.account, amount=self.mint)
            yield from _within(context, at_us + context.day_us // 4, mof, minting, sbp)
            if self.redeem:
                redeeming = tx.CommodityRedeem(
                    series=self.series, account=self.account, amount=self.redeem
                )
                yield from _within(context, at_us + context.day_us // 2, owner, redeeming, vault)
                left -= self.redeem
            at_us, day = at_us + context.day_us, next_business_day(day, genesis.closed)
            number += 1

    def _attestation(self, left: int) -> tx.VaultAttest:
        """The bars that are there; of the last one what was redeemed so far is missing."""
        whole, rest = divmod(max(left, 0), self.bar)
        weights = [self.bar] * whole + ([rest] if rest else [])
        bars = tuple(
            tx.Bar(f"{self.series}-{number}", weight) for number, weight in enumerate(weights, 1)
        )
        return tx.VaultAttest(series=self.series, bars=bars)

    def problems(self, context: Context) -> Iterator[Problem]:
        for role in ROLES:
            if not any(party.role == role for party in context.genesis.parties):
                yield Problem("", f"needs a party with the role {role} in genesis")
        known = [s.id for s in context.genesis.series if s.instrument == "commodity"]
        if self.series not in known:
            hint = did_you_mean(self.series, known)
            yield Problem("series", f'unknown commodity "{self.series}"{hint}')
        accounts = [account.id for account in context.genesis.accounts]
        if self.account not in accounts:
            hint = did_you_mean(self.account, accounts)
            yield Problem("account", f'unknown account "{self.account}"{hint}')
        for name in ("bars", "bar", "mint"):
            if getattr(self, name) < 1:
                yield Problem(name, "wanted at least 1")
        if self.redeem < 0:
            yield Problem("redeem", "wanted 0 or more")
        try:
            if ten_thousandths(self.price) <= 0:
                yield Problem("price", "wanted a price above zero")
        except UnitError as error:
            yield Problem("price", str(error))


def _within(
    context: Context, at_us: int, party: str, body: tx.AnyBody, *cosigners: str
) -> Iterator[Submission]:
    if at_us < context.duration_us:
        operation = tx.Transaction(body).encode()
        yield Submission(at_us, party, tx.TYPES[type(body)], operation, cosigners)
