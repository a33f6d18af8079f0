"""What authorities order: FREEZE, UNFREEZE, FORCED_TRANSFER of holdings; PAUSE and UNPAUSE."""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.codes import E_AMOUNT, E_NO_ORDER, E_STATE, E_UNVERIFIED, Refused
from nodes.ledger.compliance import check_denomination, check_inflow, verified_account
from nodes.ledger.records import Flag, Freeze, Order
from nodes.ledger.state import PAUSED
from nodes.ledger.transactions import ForcedTransfer, FreezeOrder, Pause, UnfreezeOrder, Unpause


def freeze(act: Act, body: FreezeOrder) -> None:
    """FREEZE: free quantity becomes frozen under an order of the sender's."""
    asset, amount = body.amount.asset, body.amount.amount
    if not body.order:
        raise Refused(E_NO_ORDER, "an order reference is needed")
    if act.balance(body.account, asset).free < amount:
        raise Refused(E_AMOUNT, "more than is free")
    check_denomination(act, asset, amount)
    order_more(act, body.account, asset, Order(act.sender.id, body.order, amount))
    act.move(asset, amount, (body.account, "free"), (body.account, "frozen"))


def unfreeze(act: Act, body: UnfreezeOrder) -> None:
    """UNFREEZE: only what the sender froze under that order."""
    asset, amount = body.amount.asset, body.amount.amount
    held = next(
        (
            order.amount
            for order in orders_on(act, body.account, asset)
            if (order.by, order.order) == (act.sender.id, body.order)
        ),
        0,
    )
    if not held:
        raise Refused(E_NO_ORDER, f"{act.sender.id} froze nothing there under that order")
    if held < amount:
        raise Refused(E_AMOUNT, f"only {held} is frozen under that order")
    check_denomination(act, asset, amount)
    order_more(act, body.account, asset, Order(act.sender.id, body.order, -amount))
    act.move(asset, amount, (body.account, "frozen"), (body.account, "free"))


def forced_transfer(act: Act, body: ForcedTransfer) -> None:
    """FORCED_TRANSFER: what is free goes first; only the shortfall is taken from what is frozen.

    Of frozen quantity, what the same order keeps frozen goes first, then the oldest order's.
    """
    asset, amount = body.amount.asset, body.amount.amount
    if not body.order:
        raise Refused(E_NO_ORDER, "an order reference is needed")
    source = act.account(body.source)
    if source is None:
        raise Refused(E_UNVERIFIED, f"no account {body.source}")
    target = verified_account(act, body.target)
    check_inflow(act, target)
    check_denomination(act, asset, amount)
    held = act.balance(source.id, asset)
    if held.free + held.frozen < amount or source.id == target.id:
        raise Refused(E_AMOUNT, f"{source.id} has {held.free + held.frozen} {asset} to take")
    shortfall = max(0, amount - held.free)
    if amount > shortfall:
        act.move(asset, amount - shortfall, (source.id, "free"), (target.id, "free"))
    if shortfall:
        _take_frozen(act, body, shortfall)
        act.move(asset, shortfall, (source.id, "frozen"), (target.id, "free"))
    act.note("order", body.order)
    act.note("unfrozen", shortfall)


def _take_frozen(act: Act, body: ForcedTransfer, left: int) -> None:
    """Take ``left`` off the orders that keep the holding frozen."""
    asset = body.amount.asset
    orders = orders_on(act, body.source, asset)
    for order in sorted(orders, key=lambda order: order.order != body.order):
        taken = min(order.amount, left)
        if taken:
            order_more(act, body.source, asset, Order(order.by, order.order, -taken))
            left -= taken
    assert not left, "orders keep frozen what is frozen"


def orders_on(act: Act, account: str, asset: str) -> tuple[Order, ...]:
    """The orders that keep something of a holding frozen, oldest first."""
    freeze: Freeze | None = act.get(("freeze", account, asset))
    return () if freeze is None else freeze.orders


def order_more(act: Act, account: str, asset: str, change: Order) -> None:
    """Add (or with a negative amount take off) what one order keeps frozen of a holding."""
    orders = {(o.by, o.order): o.amount for o in orders_on(act, account, asset)}
    name = (change.by, change.order)
    orders[name] = orders.get(name, 0) + change.amount
    left = tuple(Order(by, order, amount) for (by, order), amount in orders.items() if amount)
    assert all(order.amount > 0 for order in left)
    act.put(("freeze", account, asset), Freeze(left) if left else None)


def pause(act: Act, body: Pause) -> None:
    """PAUSE: what roles.csv marks "no" is refused from the next transaction on."""
    if act.get(PAUSED) is not None:
        raise Refused(E_STATE, "paused already")
    act.put(PAUSED, Flag(by=(act.sender.id, *(party.id for party in act.cosigners))))


def unpause(act: Act, body: Unpause) -> None:
    """UNPAUSE: everything goes on."""
    if act.get(PAUSED) is None:
        raise Refused(E_STATE, "not paused")
    act.put(PAUSED, None)
