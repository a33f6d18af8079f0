"""Business days and the rates fixed on them: DAY_OPEN, FX_FIX."""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.calendar import next_business_day, previous_business_day
from nodes.ledger.codes import E_DATE, E_DUP, E_FX_STALE, E_LATE, Refused
from nodes.ledger.records import Day, FxFix
from nodes.ledger.state import DAY, LATEST_FX
from nodes.ledger.transactions import DayOpen, FxFixing


def open_day(act: Act, body: DayOpen) -> None:
    """DAY_OPEN: the first business day of genesis, then one after the other."""
    current: Day | None = act.get(DAY)
    genesis = act.genesis
    wanted = (
        genesis.first_business_day
        if current is None
        else next_business_day(current.date, genesis.closed)
    )
    if body.date != wanted:
        raise Refused(E_DATE, f"the next business day is {wanted}")
    act.put(DAY, Day(wanted))


def fix_fx(act: Act, body: FxFixing) -> None:
    """FX_FIX: today's rate, once."""
    today = act.today()
    if body.date < today:
        raise Refused(E_LATE, f"today is {today}")
    if body.date > today:
        raise Refused(E_DATE, f"today is {today}")
    key = ("fx", body.date.isoformat())
    if act.get(key) is not None:
        raise Refused(E_DUP, f"the rate of {body.date} is fixed")
    fix = FxFix(date=body.date, rate_e4=body.rate_e4)
    act.put(key, fix)
    act.put(LATEST_FX, fix)


def current_fx(act: Act) -> FxFix:
    """The latest rate; E_FX_STALE if it is older than the policy allows, or there is none."""
    oldest = act.today()
    for _ in range(act.genesis.policies.fx_max_age_business_days):
        oldest = previous_business_day(oldest, act.genesis.closed)
    fix: FxFix | None = act.get(LATEST_FX)
    if fix is None or fix.date < oldest:
        raise Refused(E_FX_STALE, f"no rate since {oldest}")
    return fix
