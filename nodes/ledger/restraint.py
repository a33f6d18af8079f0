"""What authorities stop: FREEZE and UNFREEZE of a holding, PAUSE and UNPAUSE of the ledger."""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.codes import E_AMOUNT, E_NO_ORDER, E_STATE, Refused
from nodes.ledger.compliance import check_denomination
from nodes.ledger.records import Flag, Freeze
from nodes.ledger.state import PAUSED, Key
from nodes.ledger.transactions import FreezeOrder, Pause, UnfreezeOrder, Unpause


def _freeze_key(act: Act, body: FreezeOrder | UnfreezeOrder) -> Key:
    return ("freeze", body.account, body.amount.asset, act.sender.id, body.order)


def freeze(act: Act, body: FreezeOrder) -> None:
    """FREEZE: free quantity becomes frozen under an order of the sender's."""
    asset, amount = body.amount.asset, body.amount.amount
    if not body.order:
        raise Refused(E_NO_ORDER, "an order reference is needed")
    if act.balance(body.account, asset).free < amount:
        raise Refused(E_AMOUNT, "more than is free")
    check_denomination(act, asset, amount)
    key = _freeze_key(act, body)
    held: Freeze | None = act.get(key)
    act.put(key, Freeze(act.sender.id, amount + (held.amount if held else 0)))
    act.move(asset, amount, (body.account, "free"), (body.account, "frozen"))


def unfreeze(act: Act, body: UnfreezeOrder) -> None:
    """UNFREEZE: only what the sender froze under that order."""
    asset, amount = body.amount.asset, body.amount.amount
    key = _freeze_key(act, body)
    held: Freeze | None = act.get(key)
    if held is None:
        raise Refused(E_NO_ORDER, f"{act.sender.id} froze nothing there under that order")
    if held.amount < amount:
        raise Refused(E_AMOUNT, f"only {held.amount} is frozen under that order")
    check_denomination(act, asset, amount)
    left = held.amount - amount
    act.put(key, Freeze(act.sender.id, left) if left else None)
    act.move(asset, amount, (body.account, "frozen"), (body.account, "free"))


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
