"""TRANSFER: the owner of an account moves free quantity to another."""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.codes import E_FREE_BAL, E_ROLE, Refused
from nodes.ledger.compliance import (
    check_covered,
    check_denomination,
    check_inflow,
    check_rules,
    check_travel_rule,
    verified_account,
)
from nodes.ledger.transactions import Transfer


def transfer(act: Act, body: Transfer) -> None:
    """Free to free, between verified accounts, the receiving firm being licensed."""
    asset, amount = body.amount.asset, body.amount.amount
    source = verified_account(act, body.source)
    if source.owner != act.sender.id:
        raise Refused(E_ROLE, f"{act.sender.id} doesn't own {source.id}")
    target = verified_account(act, body.target)
    check_inflow(act, target)
    check_denomination(act, asset, amount)
    check_covered(act, source.id, asset, amount, E_FREE_BAL)
    check_rules(act, asset, source, target, amount)
    check_travel_rule(act, source, target, asset, amount, body.travel_hash)
    act.move(asset, amount, (source.id, "free"), (target.id, "free"))
