"""``coupons``: the central bank declares and pays what falls due, and redeems what matures."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from nodes.ledger import transactions as tx
from nodes.ledger.calendar import next_business_day
from nodes.ledger.records import Series
from nodes.ledger.schedule import payment_day, schedule
from scenarios.errors import did_you_mean
from scenarios.units import Duration
from scenarios.workload.base import Problem, Submission, Workload, sender
from scenarios.workload.context import Context

ROLES = ("sbp", "mof")
"""Who must be there: who pays, and whose account is debited."""


MOST_DAYS: Final = 10_000
"""Forty years of business days; each is looked at before the run."""


class Coupons(Workload, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="coupons"):
    """Day k begins at ``start + k * calendar.day``, as in the workload ``days``.

    On each payment day: COUPON_DECLARE ``declare_after`` the beginning, COUPON_PAY ``pay_after``,
    then REDEEM if the series matures. The issuer's account must hold the money.
    """

    start: Duration = 500_000
    """Of day 0: the ``start`` of ``days``."""
    series: tuple[str, ...] = ()
    """Left out: all of genesis."""
    declare_after: Duration = 2_000_000
    pay_after: Duration = 4_000_000
    redeem_after: Duration = 8_000_000
    page: Annotated[int, msgspec.Meta(ge=1, le=10**6)] | None = None
    """Accounts that one COUPON_PAY pays; left out: all."""
    pages: Annotated[int, msgspec.Meta(ge=1, le=10**5)] = 1
    """How many COUPON_PAY are sent; those that come after the end get E_DUP."""
    page_interval: Duration = 200_000
    attempts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    """The desk goes through it again on so many business days; what is done gets E_DUP."""

    def submissions(self, context: Context) -> Iterator[Submission]:
        sbp = sender(context.genesis, "sbp")
        planned = [
            (at_us, body)
            for day_us, day in self._days(context)
            for item in self._series(context)
            for at_us, body in self._due(context, item, day, day_us)
        ]
        for at_us, body in sorted(planned, key=lambda entry: entry[0]):
            if at_us < context.duration_us:
                operation = tx.Transaction(body).encode()
                yield Submission(at_us, sbp, tx.TYPES[type(body)], operation)

    def _days(self, context: Context) -> Iterator[tuple[int, datetime.date]]:
        """When each business day begins."""
        at_us, day = self.start, context.genesis.first_business_day
        while at_us < context.duration_us:
            yield at_us, day
            at_us, day = at_us + context.day_us, next_business_day(day, context.genesis.closed)

    def _series(self, context: Context) -> list[Series]:
        return [s for s in context.genesis.series if not self.series or s.id in self.series]

    def _due(
        self, context: Context, series: Series, day: datetime.date, day_us: int
    ) -> Iterator[tuple[int, tx.AnyBody]]:
        """What the desk sends on ``day``: for what falls due, and once more for what did lately."""
        closed = context.genesis.closed
        for coupon in schedule(series, closed):
            if self._is_turn(coupon.payment_date, day, closed):
                number = coupon.number
                declaration = tx.CouponDeclare(series=series.id, number=number)
                yield day_us + self.declare_after, declaration
                for page in range(self.pages):
                    payment = tx.CouponPay(series=series.id, number=number, limit=self.page)
                    yield day_us + self.pay_after + page * self.page_interval, payment
        if self._is_turn(payment_day(series.maturity_date, closed), day, closed):
            yield day_us + self.redeem_after, tx.Redeem(series=series.id)

    def _is_turn(
        self, due: datetime.date, day: datetime.date, closed: frozenset[datetime.date]
    ) -> bool:
        """Whether ``day`` is ``due`` or one of the next attempts."""
        for _ in range(self.attempts):
            if due == day:
                return True
            due = next_business_day(due, closed)
        return False

    def problems(self, context: Context) -> Iterator[Problem]:
        for role in ROLES:
            if not any(party.role == role for party in context.genesis.parties):
                yield Problem("", f"needs a party with the role {role} in genesis")
        known = [item.id for item in context.genesis.series]
        for index, name in enumerate(self.series):
            if name not in known:
                hint = did_you_mean(name, known)
                yield Problem(f"series[{index}]", f'unknown series "{name}"{hint}')
        if self.declare_after >= self.pay_after:
            yield Problem("pay_after", "wanted a time later than declare_after")
        last_page = self.pay_after + (self.pages - 1) * self.page_interval
        if self.redeem_after <= last_page:
            yield Problem("redeem_after", "wanted a time later than the last page")
        if self.redeem_after >= context.day_us:
            yield Problem("redeem_after", "wanted less than calendar.day")
            return
        if context.duration_us // context.day_us > MOST_DAYS:
            message = f"the run would have more than {MOST_DAYS} business days"
            yield Problem("", f"{message}: make calendar.day longer or duration shorter")
            return
        due = (
            self._due(context, item, day, day_us)
            for day_us, day in self._days(context)
            for item in self._series(context)
        )
        if all(next(found, None) is None for found in due):
            yield Problem("", "nothing falls due before the end of the run")
