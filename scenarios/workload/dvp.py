"""``dvp``: houses trade a series against cash, delivery versus payment, at a steady rate."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from nodes.ledger import transactions as tx
from scenarios.errors import did_you_mean
from scenarios.genesis_spec import PartyId
from scenarios.rng import Stream
from scenarios.units import Duration, Rate, UnitError
from scenarios.workload.base import Problem, Submission, Workload
from scenarios.workload.bodies import ten_thousandths
from scenarios.workload.context import Context

_HOUR_US = 3_600_000_000
_PER_100_E4 = 1_000_000


class Dvp(Workload, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="dvp"):
    """The k-th trade is proposed ``k / rate`` after ``start``, accepted and settled a step later.

    Seller, buyer, units and price are drawn. A house sells from ``HOUSE/bonds`` into
    ``HOUSE/cash`` and buys the other way round. One trade in ``cancel_one_in`` is cancelled
    instead of settled.
    """

    rate: Rate
    start: Duration = 1_000_000
    stop: Duration
    series: str
    between: tuple[PartyId, ...]
    """Houses: at least two."""
    securities: str = "bonds"
    cash: str = "cash"
    units: int = 10
    """The largest trade, in units of the denomination."""
    lowest: Decimal = Decimal(94)
    highest: Decimal = Decimal(98)
    """Price per 100, at most four decimals."""
    step: Duration = 2_000_000
    """From proposing to accepting, and from there to settling."""
    deadline: Duration = 60_000_000
    """After the proposal."""
    cancel_one_in: int = 0
    """0: none is cancelled."""

    def submissions(self, context: Context) -> Iterator[Submission]:
        steps = sorted(self._steps(context), key=lambda item: item.at_us)
        yield from (item for item in steps if item.at_us < context.duration_us)

    def _steps(self, context: Context) -> Iterator[Submission]:
        stream = context.stream("dvp")
        unit = next(s.denomination for s in context.genesis.series if s.id == self.series)
        count = 0
        while (at_us := self.start + count * _HOUR_US // self.rate) < self.stop:
            count += 1
            first = stream.below(len(self.between))
            second = (first + 1 + stream.below(len(self.between) - 1)) % len(self.between)
            seller, buyer = self.between[first], self.between[second]
            name = f"{self.series}/{context.index}/{count}"
            yield _submission(
                at_us, seller, self._proposal(name, seller, buyer, unit, at_us, stream)
            )
            yield _submission(at_us + self.step, buyer, tx.DvpAccept(id=name))
            cancelled = self.cancel_one_in and count % self.cancel_one_in == 0
            end: tx.AnyBody = tx.DvpCancel(id=name) if cancelled else tx.DvpSettle(id=name)
            yield _submission(at_us + 2 * self.step, buyer, end)

    def _proposal(
        self, name: str, seller: str, buyer: str, unit: int, at_us: int, stream: Stream
    ) -> tx.DvpPropose:
        face = unit * (1 + stream.below(self.units))
        low, high = ten_thousandths(self.lowest), ten_thousandths(self.highest)
        paid = face * (low + stream.below(high - low + 1)) // _PER_100_E4
        return tx.DvpPropose(
            id=name,
            counterparty=buyer,
            delivery=tx.Leg(
                f"{seller}/{self.securities}",
                f"{buyer}/{self.securities}",
                tx.Money(self.series, face),
            ),
            payment=tx.Leg(f"{buyer}/{self.cash}", f"{seller}/{self.cash}", tx.Money("PKR", paid)),
            deadline_us=at_us + self.deadline,
        )

    def problems(self, context: Context) -> Iterator[Problem]:
        known = [item.id for item in context.genesis.series]
        if self.series not in known:
            hint = did_you_mean(self.series, known)
            yield Problem("series", f'unknown series "{self.series}"{hint}')
        if self.start >= self.stop:
            yield Problem("stop", "wanted a time later than start")
        if self.stop > context.duration_us:
            yield Problem("stop", "later than the end of the run (duration)")
        if len(self.between) < 2:
            yield Problem("between", "wanted at least two houses")
        accounts = [account.id for account in context.genesis.accounts]
        for index, house in enumerate(self.between):
            if house in self.between[:index]:
                yield Problem(f"between[{index}]", f'"{house}" appears twice')
            for name in (f"{house}/{self.cash}", f"{house}/{self.securities}"):
                if name not in accounts:
                    hint = did_you_mean(name, accounts)
                    yield Problem(f"between[{index}]", f'"{house}" has no account "{name}"{hint}')
        if self.units < 1:
            yield Problem("units", "wanted at least 1")
        if self.cancel_one_in < 0:
            yield Problem("cancel_one_in", "wanted 0 or more")
        try:
            if not 0 < ten_thousandths(self.lowest) <= ten_thousandths(self.highest):
                yield Problem("highest", "wanted no less than lowest, both above zero")
        except UnitError as error:
            yield Problem("lowest", str(error))


def _submission(at_us: int, party: str, body: tx.AnyBody) -> Submission:
    return Submission(at_us, party, tx.TYPES[type(body)], tx.Transaction(body).encode())
