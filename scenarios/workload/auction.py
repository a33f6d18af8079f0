"""``auction``: a primary auction, from opening to settlement, with bids from a published log.

The central bank's desk sees the bids and decides the cut-off: the price at which the target is
reached, bids taken from the highest price down. Everything else follows by the ledger's rules.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Annotated

import msgspec

from nodes.ledger import transactions as tx
from nodes.ledger.allotment import allot, clearing
from scenarios.data_files import data_names, data_text
from scenarios.errors import did_you_mean
from scenarios.genesis_spec import PartyId
from scenarios.units import Duration, Money, UnitError, parse_amount
from scenarios.workload.base import Problem, Submission, Workload, sender
from scenarios.workload.bodies import ten_thousandths
from scenarios.workload.context import Context

_MILLION_PAISA = 100_000_000


class LoggedBid(msgspec.Struct, frozen=True):
    """A row of a published bid log: face value in paisa, clean price per 100 in 10^-4."""

    number: int
    amount: int
    price_e4: int

    @property
    def reference(self) -> int:
        """The dealer's own number for it: the log's."""
        return self.number


def bid_logs() -> tuple[str, ...]:
    """The shipped bid logs: ``scenarios/data/NAME-bids.csv``."""
    return data_names("", "-bids.csv")


@cache
def bid_log(name: str) -> tuple[LoggedBid, ...]:
    """The bids of a shipped log, in its order."""
    rows = csv.DictReader(data_text(f"{name}-bids.csv").splitlines())
    return tuple(
        LoggedBid(
            int(row["bid_no"]),
            int(Decimal(row["bid_amount_pkr_m"]) * _MILLION_PAISA),
            ten_thousandths(row["bid_price_per_100"]),
        )
        for row in rows
    )


class Auction(Workload, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="auction"):
    """Bids go to the dealers in turn; each pays from ``DEALER/cash`` into ``DEALER/bonds``."""

    id: Annotated[str, msgspec.Meta(max_length=64)]
    series: str
    target: Money
    """Face value on offer."""
    bids: str
    """A shipped bid log."""
    dealers: tuple[PartyId, ...] = ()
    """Left out: all dealers of genesis."""
    cash: str = "cash"
    securities: str = "bonds"
    """Names of a dealer's accounts after ``DEALER/``."""
    cut_off: Decimal | None = None
    """Clean price per 100; left out: the desk takes bids up to the target."""
    accept: Money | None = None
    """Face value accepted; left out: what reaches the target at the cut-off."""
    opens: Duration
    first_bid: Duration
    bid_interval: Duration = 200_000
    closes: Duration
    allots: Duration
    settles: Duration
    """After the next business day was opened: auctions settle T+1."""

    def submissions(self, context: Context) -> Iterator[Submission]:
        sbp = sender(context.genesis, "sbp")
        cut_off_e4, accepted = self.decision()
        target = parse_amount(self.target).minor
        opening = tx.AuctionOpen(id=self.id, series=self.series, target=target)
        closing = tx.AuctionClose(auction=self.id, cutoff_e4=cut_off_e4, amount=accepted)
        yield _submission(self.opens, sbp, opening)
        for index, (dealer, bid) in enumerate(self._bids(context)):
            yield _submission(self.first_bid + index * self.bid_interval, dealer, bid)
        yield _submission(self.closes, sbp, closing)
        yield _submission(self.allots, sbp, self._allotment(context))
        yield _submission(self.settles, sbp, tx.AuctionSettle(auction=self.id))

    def decision(self) -> tuple[int, int]:
        """The desk's cut-off (10^-4) and the face value that it accepts (minor units)."""
        target = parse_amount(self.target).minor
        cut_off_e4, amount = clearing(bid_log(self.bids), target)
        if self.cut_off is not None:
            cut_off_e4 = ten_thousandths(self.cut_off)
            taken = sum(bid.amount for bid in bid_log(self.bids) if bid.price_e4 >= cut_off_e4)
            amount = min(taken, target)
        return cut_off_e4, parse_amount(self.accept).minor if self.accept else amount

    def _dealers(self, context: Context) -> tuple[str, ...]:
        dealers = tuple(p.id for p in context.genesis.parties if p.role == "dealer")
        return self.dealers or dealers

    def _bids(self, context: Context) -> list[tuple[str, tx.Bid]]:
        """Every bid with the dealer that makes it."""
        dealers = self._dealers(context)
        named = [(dealers[i % len(dealers)], bid) for i, bid in enumerate(bid_log(self.bids))]
        return [
            (
                dealer,
                tx.Bid(
                    auction=self.id,
                    reference=bid.reference,
                    amount=bid.amount,
                    cash_account=f"{dealer}/{self.cash}",
                    securities_account=f"{dealer}/{self.securities}",
                    price_e4=bid.price_e4,
                ),
            )
            for dealer, bid in named
        ]

    def _allotment(self, context: Context) -> tx.AuctionAllot:
        """What follows from the decision; every validator computes it again."""
        log = bid_log(self.bids)
        shares = allot(log, *self.decision(), context.genesis.policies.pro_rata_step)
        dealers = {bid.reference: dealer for dealer, bid in self._bids(context)}
        return tx.AuctionAllot(
            auction=self.id,
            allotments=tuple(
                tx.Allotment(dealers[bid.reference], bid.reference, shares[bid.number])
                for bid in log
                if bid.number in shares
            ),
        )

    def problems(self, context: Context) -> Iterator[Problem]:
        if self.bids not in bid_logs():
            hint = did_you_mean(self.bids, bid_logs())
            yield Problem("bids", f'unknown bid log "{self.bids}"{hint}')
        series = [item.id for item in context.genesis.series]
        if self.series not in series:
            hint = did_you_mean(self.series, series)
            yield Problem("series", f'unknown series "{self.series}"{hint}')
        if not any(party.role == "sbp" for party in context.genesis.parties):
            yield Problem("", "needs a party with the role sbp in genesis")
        yield from self._dealer_problems(context)
        yield from self._amount_problems()
        yield from self._time_problems(context)

    def _dealer_problems(self, context: Context) -> Iterator[Problem]:
        known = {p.id: p.role for p in context.genesis.parties}
        accounts = [account.id for account in context.genesis.accounts]
        if not self._dealers(context):
            yield Problem("dealers", "genesis has no party with the role dealer")
        for index, dealer in enumerate(self._dealers(context)):
            path = f"dealers[{index}]" if self.dealers else "dealers"
            if dealer not in known:
                hint = did_you_mean(dealer, known)
                yield Problem(path, f'unknown party "{dealer}"{hint}')
            elif known[dealer] != "dealer":
                yield Problem(path, f'"{dealer}" has the role {known[dealer]}, not dealer')
            else:
                for name in (f"{dealer}/{self.cash}", f"{dealer}/{self.securities}"):
                    if name not in accounts:
                        hint = did_you_mean(name, accounts)
                        yield Problem(path, f'"{dealer}" has no account "{name}"{hint}')

    def _amount_problems(self) -> Iterator[Problem]:
        for field, money in (("target", self.target), ("accept", self.accept)):
            if money is not None and parse_amount(money).asset != "PKR":
                yield Problem(field, "wanted an amount in PKR")
        if not parse_amount(self.target).minor:
            yield Problem("target", "wanted an amount above zero")
        if self.cut_off is not None:
            try:
                ten_thousandths(self.cut_off)
            except UnitError as error:
                yield Problem("cut_off", str(error))

    def _time_problems(self, context: Context) -> Iterator[Problem]:
        bids = len(bid_log(self.bids)) if self.bids in bid_logs() else 1
        last_bid = self.first_bid + (bids - 1) * self.bid_interval
        order = (
            ("opens", self.opens),
            ("first_bid", self.first_bid),
            ("closes", self.closes),
            ("allots", self.allots),
            ("settles", self.settles),
        )
        for (earlier, first), (later, second) in pairwise(order):
            if second <= first:
                yield Problem(later, f"wanted a time later than {earlier}")
        if self.first_bid < self.closes <= last_bid:
            seconds = f"{last_bid // 1_000_000}.{last_bid % 1_000_000 // 1000:03d} s"
            yield Problem("closes", f"wanted a time later than the last bid, {seconds}")
        if self.settles > context.duration_us:
            yield Problem("settles", "later than the end of the run (duration)")


def _submission(at_us: int, party: str, body: tx.AnyBody) -> Submission:
    return Submission(at_us, party, tx.TYPES[type(body)], tx.Transaction(body).encode())
