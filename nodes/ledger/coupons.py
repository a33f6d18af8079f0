"""Coupons and rentals: COUPON_DECLARE, COUPON_PAY.

Entitled is who held at the close of the business day before the payment. The State Bank declares
a coupon on its payment date or later: that fixes the total of what each account is owed, rounded
once, half up, to the minor unit. Paying then debits the issuer by exactly what the accounts get,
all at once or page by page in order of their ids; nobody is paid twice, as the coupon remembers
how far it has come. Of a holding that is frozen when it is paid, the coupon is frozen too, under
the same orders.

Nothing is copied at the record date: an account's holding is noted when it first changes after
it (``Act.post``), and an account that hasn't changed holds now what it held then.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from heapq import merge
from itertools import groupby, islice

from msgspec.structs import replace

from nodes.ledger.act import Act
from nodes.ledger.calendar import next_business_day
from nodes.ledger.codes import E_DUP, E_FUNDS, E_NOT_DUE, Refused
from nodes.ledger.compliance import check_covered
from nodes.ledger.instruments import instrument_of
from nodes.ledger.pricing import round_half_up, share_of_face
from nodes.ledger.records import Coupon, Order, Recorded, Series, Upcoming
from nodes.ledger.restraint import order_more, orders_on
from nodes.ledger.schedule import schedule
from nodes.ledger.transactions import CouponDeclare, CouponPay


def declare(act: Act, body: CouponDeclare) -> None:
    """COUPON_DECLARE: coupons come one after the other, each from its payment date on."""
    series, upcoming = _next_coupon(act, body.series, body.number)
    if act.get(coupon_key(series.id, body.number)) is not None:
        raise Refused(E_DUP, f"coupon {body.number} of {series.id} is declared")
    dates = schedule(series, act.genesis.closed)[upcoming.number - 1]
    if act.today() < dates.payment_date:
        raise Refused(E_NOT_DUE, f"it is paid on {dates.payment_date}")
    owed = [amount for _, amount in _entitled(act, series, body.number)]
    coupon = Coupon(
        series=series.id,
        number=body.number,
        payment_date=dates.payment_date,
        record_date=dates.record_date,
        total=sum(owed),
        holders=len(owed),
    )
    act.put(coupon_key(series.id, body.number), coupon)
    act.note("series", series.id)
    act.note("coupon", body.number)
    act.note("payment_date", coupon.payment_date)
    act.note("record_date", coupon.record_date)
    act.note("holders", coupon.holders)
    act.note("total", coupon.total)


def pay(act: Act, body: CouponPay) -> None:
    """COUPON_PAY: the accounts after the last one that was paid."""
    series, _ = _next_coupon(act, body.series, body.number)
    coupon: Coupon | None = act.get(coupon_key(series.id, body.number))
    if coupon is None:
        raise Refused(E_NOT_DUE, f"coupon {body.number} of {series.id} is not declared")
    entitled = _entitled(act, series, body.number, coupon.last)
    page = list(islice(entitled, body.limit))
    is_over = next(entitled, None) is None
    total = sum(amount for _, amount in page)
    check_covered(act, series.issuer_account, series.currency, total, E_FUNDS)
    if total:
        act.post(series.issuer_account, series.currency, "free", -total)
    for account, amount in page:
        credit(act, series, account, amount, _frozen_share(act, series, account, coupon))
        act.put(_recorded_key(series.id, coupon.number, account), None)
    coupon = replace(coupon, paid=coupon.paid + total, last=page[-1][0] if page else coupon.last)
    act.note("series", series.id)
    act.note("coupon", coupon.number)
    act.note("paid", total)
    act.note("holders", len(page))
    if is_over:
        coupon = _finish(act, series, coupon)
    act.put(coupon_key(series.id, coupon.number), coupon)


def coupon_key(series: str, number: int) -> tuple[str, ...]:
    """Where a declared coupon is kept."""
    return ("coupon", series, str(number))


def _recorded_key(series: str, number: int, account: str) -> tuple[str, ...]:
    return ("recorded", series, str(number), account)


def _next_coupon(act: Act, id_: str, number: int) -> tuple[Series, Upcoming]:
    """The series and its first unpaid coupon, which must be ``number``."""
    series = act.series(id_)
    if series is None:
        raise Refused(E_NOT_DUE, f"no series {id_}")
    upcoming: Upcoming | None = act.get(("upcoming", id_))
    last = len(schedule(series, act.genesis.closed))
    if number <= last and (upcoming is None or number < upcoming.number):
        raise Refused(E_DUP, f"coupon {number} of {id_} has been paid")
    if upcoming is None or number > upcoming.number:
        wanted = "none" if upcoming is None else f"coupon {upcoming.number}"
        raise Refused(E_NOT_DUE, f"of {id_} {wanted} is to be paid next")
    return series, upcoming


def _entitled(act: Act, series: Series, number: int, after: str = "") -> Iterator[tuple[str, int]]:
    """(account, what it is owed) after account ``after``, in order; only who is owed something."""
    rate_e4 = instrument_of(series).coupon_e4(series, number)
    recorded = act.group("recorded", series.id, str(number), after=after)
    for account, _ in groupby(merge(recorded, act.group("holders", series.id, after=after))):
        owed = entitlement(_held(act, series, number, account), rate_e4)
        if owed:
            yield account, owed


def entitlement(quantity: int, rate_e4: Fraction) -> int:
    """What a holding is owed at ``rate_e4`` per 100 of face, in minor units."""
    return round_half_up(share_of_face(quantity, rate_e4))


def _held(act: Act, series: Series, number: int, account: str) -> int:
    """The quantity at the record date: as noted, or else unchanged since."""
    noted: Recorded | None = act.get(_recorded_key(series.id, number, account))
    return act.balance(account, series.id).total if noted is None else noted.quantity


def _frozen_share(act: Act, series: Series, account: str, coupon: Coupon) -> Fraction:
    """How much of the holding on which a coupon is paid is frozen, from 0 to 1."""
    held = _held(act, series, coupon.number, account)
    return Fraction(min(act.balance(account, series.id).frozen, held), held)


def credit(act: Act, series: Series, account: str, amount: int, frozen: Fraction) -> None:
    """Pay ``amount`` into an account, a share of it frozen under the orders on the series.

    The frozen part is rounded half up, and divided among the orders in proportion to what each
    keeps frozen, the oldest taking what rounding leaves.
    """
    cash = round_half_up(amount * frozen)
    if amount - cash:
        act.post(account, series.currency, "free", amount - cash)
    if not cash:
        return
    act.post(account, series.currency, "frozen", cash)
    orders = orders_on(act, account, series.id)
    total = sum(order.amount for order in orders)
    shares = [cash * order.amount // total for order in orders]
    shares[0] += cash - sum(shares)
    for order, share in zip(orders, shares, strict=True):
        if share:
            order_more(act, account, series.currency, Order(order.by, order.order, share))


def _finish(act: Act, series: Series, coupon: Coupon) -> Coupon:
    """Everybody is paid: the next coupon's turn."""
    assert coupon.paid == coupon.total, "holdings at a record date don't change any more"
    for account in list(act.group("recorded", series.id, str(coupon.number))):
        act.put(_recorded_key(series.id, coupon.number, account), None)
    following = schedule(series, act.genesis.closed)[coupon.number :]
    later = Upcoming(following[0].number, following[0].record_date) if following else None
    act.put(("upcoming", series.id), later)
    today = act.today()
    act.note("days_late", days_late(coupon.payment_date, today, act.genesis.closed))
    return replace(coupon, paid_on=today)


def days_late(due: date, paid: date, closed: frozenset[date]) -> int:
    """Business days from the day on which something was due to the one on which it was paid."""
    count = 0
    while due < paid:
        due = next_business_day(due, closed)
        count += 1
    return count
