"""What authorities stop: FREEZE and UNFREEZE of a holding, PAUSE and UNPAUSE of the ledger."""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.codes import E_AMOUNT, E_NO_ORDER, E_STATE, Refused
from nodes.ledger.compliance import check_denomination
from nodes.ledger.records import Flag, Freeze, Order
from nodes.ledger.state import PAUSED
from nodes.ledger.transactions import FreezeOrder, Pause, UnfreezeOrder, Unpause


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
