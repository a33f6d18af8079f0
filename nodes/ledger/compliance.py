"""Conditions on holders and quantities that several transactions share (after ERC-3643).

With these differences, chosen deliberately: sender *and* recipient must be verified, and
nothing is minted while paused.
"""

from __future__ import annotations

from nodes.ledger.access import licence_holder
from nodes.ledger.act import Act
from nodes.ledger.codes import E_DENOM, E_FROZEN, E_LICENCE, E_TRAVEL, E_UNVERIFIED, Refused
from nodes.ledger.records import Account, Party


def verified_account(act: Act, id_: str) -> Account:
    """The account ``id_``; E_UNVERIFIED unless it exists and it and its owner are verified."""
    account = act.account(id_)
    if account is None or not account.verified:
        raise Refused(E_UNVERIFIED, f"no verified account {id_}")
    owner = act.party(account.owner)
    if owner is None or not owner.verified:
        raise Refused(E_UNVERIFIED, f"the owner of {id_} is not verified")
    return account


def firm_of(act: Act, account: Account) -> Party | None:
    """The VASP that keeps ``account``, as its custodian or its owner; None if none does."""
    if account.custodian:
        custodian = act.party(account.custodian)
        if custodian is not None and custodian.role == "vasp":
            return custodian
    owner = act.party(account.owner)
    return None if owner is None else licence_holder(act, owner)


def check_inflow(act: Act, account: Account) -> None:
    """E_LICENCE if the firm that keeps ``account`` may take nothing in now."""
    firm = firm_of(act, account)
    if firm is not None and firm.licence not in act.genesis.policies.custody_states:
        raise Refused(E_LICENCE, f"licence of {firm.id} is {firm.licence}")


def check_denomination(act: Act, asset: str, amount: int) -> None:
    """E_DENOM unless a quantity of a series is a multiple of its denomination."""
    series = act.series(asset)
    if series is not None and amount % series.denomination:
        raise Refused(E_DENOM, f"not a multiple of {series.denomination}")


def check_covered(act: Act, account: str, asset: str, amount: int, shortfall: str) -> None:
    """E_FROZEN if only a freeze stands in the way of ``amount``, else ``shortfall``."""
    held = act.balance(account, asset)
    if held.free < amount:
        code = E_FROZEN if held.free + held.frozen >= amount else shortfall
        raise Refused(code, f"{account} has {held.free} {asset} free")


def check_travel_rule(
    act: Act, source: Account, target: Account, asset: str, amount: int, travel_hash: bytes | None
) -> None:
    """E_TRAVEL if cash above the threshold goes from one VASP to another without a hash."""
    threshold = act.genesis.policies.travel_rule_threshold
    if threshold is None or amount < threshold or travel_hash is not None:
        return
    if asset not in act.genesis.currencies:
        return
    sending, receiving = firm_of(act, source), firm_of(act, target)
    if sending is not None and receiving is not None and sending.id != receiving.id:
        raise Refused(E_TRAVEL, f"from {threshold} {asset} on, a travel-rule hash is needed")
