"""``days``: the central bank opens each business day, and fixes its exchange rate."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

import msgspec

from nodes.ledger.calendar import next_business_day
from nodes.ledger.transactions import DayOpen, FxFixing, Transaction
from scenarios.units import Duration, UnitError
from scenarios.workload.base import Problem, Submission, Workload, sender
from scenarios.workload.bodies import ten_thousandths
from scenarios.workload.context import Context


class Days(Workload, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="days"):
    """Day k (from 0) opens at ``start + k * calendar.day``.

    The first is ``calendar.start``; the next ones follow the calendar of genesis. The rate is
    fixed ``fx_after`` after the opening, so that it can't overtake it.
    """

    start: Duration = 500_000
    count: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    """Left out: as many as begin before the end of the run."""
    pkr_per_usd: Decimal | None = None
    """Fixed every day; left out: nobody fixes it."""
    fx_after: Duration = 500_000

    def _dates(self, context: Context) -> Iterator[tuple[int, datetime.date]]:
        day, at_us, opened = context.genesis.first_business_day, self.start, 0
        while opened < (self.count or opened + 1) and at_us < context.duration_us:
            yield at_us, day
            day = next_business_day(day, context.genesis.closed)
            at_us += context.day_us
            opened += 1

    def submissions(self, context: Context) -> Iterator[Submission]:
        sbp = sender(context.genesis, "sbp")
        for at_us, date in self._dates(context):
            yield Submission(at_us, sbp, "DAY_OPEN", Transaction(DayOpen(date=date)).encode())
            if self.pkr_per_usd is not None:
                fix = FxFixing(date=date, rate_e4=ten_thousandths(self.pkr_per_usd))
                yield Submission(at_us + self.fx_after, sbp, "FX_FIX", Transaction(fix).encode())

    def problems(self, context: Context) -> Iterator[Problem]:
        if not any(party.role == "sbp" for party in context.genesis.parties):
            yield Problem("", "needs a party with the role sbp in genesis")
        if self.fx_after >= context.day_us:
            yield Problem("fx_after", "wanted less than calendar.day")
        if self.start >= context.duration_us:
            yield Problem("start", "later than the end of the run (duration)")
        if self.pkr_per_usd is not None:
            try:
                if not 0 < ten_thousandths(self.pkr_per_usd) <= 10**9:
                    raise UnitError("wanted a rate above zero")
            except UnitError as error:
                yield Problem("pkr_per_usd", str(error))
