"""Conditions on holders and quantities that several transactions share (after ERC-3643).

With these differences, chosen deliberately: sender *and* recipient must be verified, and
nothing is minted while paused.
"""

from __future__ import annotations

from nodes.ledger.access import licence_holder
from nodes.ledger.act import Act
from nodes.ledger.claims import consume_approval, find_approval, has_claim, is_verified
from nodes.ledger.codes import (
    E_CAP,
    E_COUNTRY,
    E_DENOM,
    E_FROZEN,
    E_LICENCE,
    E_MAXBAL,
    E_TOPIC,
    E_TRAVEL,
    E_UNVERIFIED,
    E_WINDOW,
    Refused,
)
from nodes.ledger.records import Account, Day, Party, Series, Supply, Window
from nodes.ledger.state import DAY


def verified_account(act: Act, id_: str) -> Account:
    """The account ``id_``; E_UNVERIFIED unless it exists and it and its owner are verified."""
    account = act.account(id_)
    if account is None or not account.verified:
        raise Refused(E_UNVERIFIED, f"no verified account {id_}")
    owner = act.party(account.owner)
    if owner is None or not is_verified(act, owner):
        raise Refused(E_UNVERIFIED, f"the owner of {id_} is not verified")
    return account


def firm_of(act: Act, account: Account) -> Party | None:
    """The VASP that keeps ``account``, as its custodian or its owner; None if none does.

    What a client has with a dealer is bound by no licence, whoever else it is a client of.
    """
    if account.custodian:
        custodian = act.party(account.custodian)
        return custodian if custodian is not None and custodian.role == "vasp" else None
    owner = act.party(account.owner)
    return None if owner is None else licence_holder(act, owner)


def check_inflow(act: Act, account: Account) -> None:
    """E_LICENCE if the firm that keeps ``account`` may take nothing in now.

    Where policy lets holders of an NOC keep client assets, they do from their goAML stage on.
    """
    firm = firm_of(act, account)
    if firm is None:
        return
    if firm.licence not in act.genesis.policies.custody_states:
        raise Refused(E_LICENCE, f"licence of {firm.id} is {firm.licence}")
    if firm.licence == "NOC_GRANTED" and not firm.goaml:
        raise Refused(E_LICENCE, f"{firm.id} is not registered with goAML")


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


def check_holder(act: Act, series: Series, account: Account, amount: int) -> None:
    """E_COUNTRY, E_TOPIC or E_MAXBAL if the account's owner may not take ``amount`` more."""
    rules = series.rules
    owner = act.party(account.owner)
    assert owner is not None, "accounts belong to parties"
    if rules.countries and owner.country not in rules.countries:
        raise Refused(E_COUNTRY, f"{owner.id} is from {owner.country}")
    for topic in rules.topics:
        if not has_claim(act, owner.id, topic):
            raise Refused(E_TOPIC, f"{owner.id} has no claim of the topic {topic}")
    if rules.max_balance:
        accounts = act.group("accounts", owner.id)
        held = sum(act.balance(id_, series.id).total for id_ in accounts)
        if held + amount > rules.max_balance:
            raise Refused(E_MAXBAL, f"{owner.id} would hold {held + amount} {series.id}")


def check_supply(act: Act, series: Series, amount: int) -> None:
    """E_CAP if ``amount`` more would exceed the series' own limit."""
    limit = series.rules.supply_limit
    supply: Supply = act.get(("supply", series.id)) or Supply()
    if limit and supply.issued - supply.redeemed + amount > limit:
        raise Refused(E_CAP, f"at most {limit} {series.id} may be outstanding")


def check_rules(
    act: Act, asset: str, source: Account, target: Account, amount: int, *, consume: bool = True
) -> None:
    """The modules of a series, if that is what moves from one identity to another.

    With ``consume`` the transfer happens now: it counts in its window, and its approval is used.
    """
    series = act.series(asset)
    if series is None or source.owner == target.owner:
        return
    check_holder(act, series, target, amount)
    if series.rules.window_limit:
        _check_window(act, series, source.owner, amount, consume=consume)
    if series.rules.approval:
        approval = find_approval(act, source.owner, series.id, amount)
        if approval is None:
            raise Refused(E_TOPIC, f"{source.owner} has no approval to send {amount}")
        if consume:
            consume_approval(act, source.owner, series.id, approval)


def _check_window(act: Act, series: Series, owner: str, amount: int, *, consume: bool) -> None:
    """E_WINDOW if the holder would send more than the limit in one window of business dates."""
    today: Day | None = act.get(DAY)
    if today is None:
        raise Refused(E_WINDOW, "no business day is open")
    key = ("window", owner, series.id)
    window: Window | None = act.get(key)
    if window is None or (today.date - window.start).days >= series.rules.window_days:
        window = Window(today.date, 0)
    sent = window.sent + amount
    if sent > series.rules.window_limit:
        raise Refused(E_WINDOW, f"{owner} would send {sent} since {window.start}")
    if consume:
        act.put(key, Window(window.start, sent))
