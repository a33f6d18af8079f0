"""SERIES_DEFINE: the ministry's terms, countersigned by the State Bank."""

from __future__ import annotations

from datetime import date

from nodes.ledger.act import Act
from nodes.ledger.calendar import next_business_day
from nodes.ledger.codes import E_DUP, E_TERMS, Refused
from nodes.ledger.federal_assets import encumber
from nodes.ledger.instruments import term_problems
from nodes.ledger.records import Day, Series
from nodes.ledger.schedule import upcoming
from nodes.ledger.state import DAY
from nodes.ledger.transactions import SeriesDefine


def define_series(act: Act, body: SeriesDefine) -> None:
    """A new series under an id that no asset has, and an ISIN that no other series has."""
    if act.series(body.id) is not None or body.id in act.genesis.currencies:
        raise Refused(E_DUP, f"{body.id} exists")
    if body.currency not in act.genesis.currencies:
        raise Refused(E_TERMS, f"currency: {body.currency} is not of this chain")
    account = act.account(body.issuer_account)
    if account is None or account.owner != act.sender.id:
        raise Refused(E_TERMS, "issuer_account: must be the ministry's")
    series = from_body(body)
    problems = term_problems(series)
    if problems:
        raise Refused(E_TERMS, problems[0])
    listed: tuple[str, ...] = ("isin", body.isin)
    if body.isin and act.get(listed) is not None:
        raise Refused(E_DUP, f"{body.isin} is another series'")
    encumber(act, series)
    act.put(("series", body.id), series)
    if body.isin:
        act.put(listed, body.id)
    coupon = upcoming(series, act.genesis.closed, _first_payment(act))
    if coupon is not None:
        act.put(("upcoming", body.id), coupon)


def from_body(body: SeriesDefine) -> Series:
    """The series that a definition makes: its fields are the body's."""
    return Series(**{name: getattr(body, name) for name in body.__struct_fields__})


def _first_payment(act: Act) -> date:
    """The first business day on which somebody may be owed a coupon.

    Today's is owed to those who held at yesterday's close: nobody, as the series is new.
    """
    today: Day | None = act.get(DAY)
    genesis = act.genesis
    if today is None:
        return genesis.first_business_day
    return next_business_day(today.date, genesis.closed)
