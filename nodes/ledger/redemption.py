"""REDEEM: at maturity the issuer pays the face value, and the securities end.

On the payment day of the maturity date or later, after the last coupon. Instructions over the
series that are still live are cancelled first, so nothing stays reserved; what is frozen of a
holding becomes frozen cash under the same orders. What a holding takes of the programme is
released with it.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import islice

from nodes.ledger.act import Act
from nodes.ledger.codes import E_DUP, E_FUNDS, E_NOT_DUE, E_NOT_MATURE, Refused
from nodes.ledger.compliance import check_covered
from nodes.ledger.coupons import credit, days_late
from nodes.ledger.programme import release
from nodes.ledger.records import Flag, Freeze, Order, Series
from nodes.ledger.restraint import order_more
from nodes.ledger.schedule import payment_day
from nodes.ledger.settlement import release_all
from nodes.ledger.transactions import Redeem


def redeem(act: Act, body: Redeem) -> None:
    """REDEEM: the holders in order of their accounts' ids, at most ``limit`` of them."""
    series = _mature(act, body.series)
    act.note("series", series.id)
    for id_ in release_all(act, series.id):
        act.note("dvp", id_)
    holders = act.group("holders", series.id)
    page = list(islice(holders, body.limit))
    is_over = next(holders, None) is None
    total = sum(act.balance(account, series.id).total for account in page)
    check_covered(act, series.issuer_account, series.currency, total, E_FUNDS)
    if total:
        act.post(series.issuer_account, series.currency, "free", -total)
    cents = sum(_redeem_one(act, series, account) for account in page)
    act.note("paid", total)
    act.note("holders", len(page))
    if cents:
        release(act, cents)
    if is_over:
        act.put(("redeemed", series.id), Flag(by=(act.sender.id,)))
        pays = payment_day(series.maturity_date, act.genesis.closed)
        act.note("payment_date", pays)
        act.note("days_late", days_late(pays, act.today(), act.genesis.closed))


def _mature(act: Act, id_: str) -> Series:
    series = act.series(id_)
    if series is None:
        raise Refused(E_NOT_MATURE, f"no series {id_}")
    if act.get(("redeemed", id_)) is not None:
        raise Refused(E_DUP, f"{id_} is redeemed")
    pays = payment_day(series.maturity_date, act.genesis.closed)
    if act.today() < pays:
        raise Refused(E_NOT_MATURE, f"{id_} is redeemed on {pays}")
    if act.get(("upcoming", id_)) is not None:
        raise Refused(E_NOT_DUE, "the last coupon is paid first")
    return series


def _redeem_one(act: Act, series: Series, account: str) -> int:
    """Face value for a holding, which ends; returns the US cents that it took of the programme."""
    held = act.balance(account, series.id)
    assert not held.reserved, "live instructions over the series were cancelled"
    credit(act, series, account, held.total, Fraction(held.frozen, held.total))
    cents = 0
    if held.free:
        cents += act.burn(account, series.id, held.free)
    if held.frozen:
        freeze: Freeze = act.get(("freeze", account, series.id))
        for order in freeze.orders:
            order_more(act, account, series.id, Order(order.by, order.order, -order.amount))
        cents += act.burn(account, series.id, held.frozen, "frozen")
    return cents
