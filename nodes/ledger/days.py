"""Business days and the rates fixed on them: DAY_OPEN, FX_FIX, PRICE_FIX."""

from __future__ import annotations

from datetime import date

from nodes.ledger.act import Act
from nodes.ledger.calendar import business_days_before, next_business_day
from nodes.ledger.codes import E_DATE, E_DUP, E_FX_STALE, E_LATE, Refused
from nodes.ledger.records import Day, FxFix, PriceFix
from nodes.ledger.state import DAY, LATEST_FX
from nodes.ledger.transactions import DayOpen, FxFixing, PriceFixing


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
    key = ("fx", _date_of_fixing(act, body.date))
    if act.get(key) is not None:
        raise Refused(E_DUP, f"the rate of {body.date} is fixed")
    fix = FxFix(date=body.date, rate_e4=body.rate_e4)
    act.put(key, fix)
    act.put(LATEST_FX, fix)


def fix_price(act: Act, body: PriceFixing) -> None:
    """PRICE_FIX: today's price of a metal, once."""
    key = ("price", body.metal, _date_of_fixing(act, body.date))
    if act.get(key) is not None:
        raise Refused(E_DUP, f"the price of {body.metal} on {body.date} is fixed")
    fix = PriceFix(date=body.date, metal=body.metal, price_e4=body.price_e4)
    act.put(key, fix)
    act.put(("price", body.metal), fix)


def _date_of_fixing(act: Act, day: date) -> str:
    """Today, as it is written in keys. E_LATE or E_DATE for another day."""
    today = act.today()
    if day < today:
        raise Refused(E_LATE, f"today is {today}")
    if day > today:
        raise Refused(E_DATE, f"today is {today}")
    return day.isoformat()


def current_fx(act: Act) -> FxFix:
    """The latest rate; E_FX_STALE if it is older than the policy allows, or there is none."""
    fix: FxFix | None = act.get(LATEST_FX)
    oldest = _oldest(act)
    if fix is None or fix.date < oldest:
        raise Refused(E_FX_STALE, f"no rate since {oldest}")
    return fix


def current_price(act: Act, metal: str) -> PriceFix:
    """The latest price of a metal; as stale as a rate may be, or E_FX_STALE."""
    fix: PriceFix | None = act.get(("price", metal))
    oldest = _oldest(act)
    if fix is None or fix.date < oldest:
        raise Refused(E_FX_STALE, f"no price of {metal} since {oldest}")
    return fix


def _oldest(act: Act) -> date:
    """The earliest date of a fixing that may still be used."""
    days = act.genesis.policies.fx_max_age_business_days
    return business_days_before(act.today(), days, act.genesis.closed)
