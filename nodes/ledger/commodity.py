"""Tokenised metal: VAULT_ATTEST, COMMODITY_MINT, COMMODITY_REDEEM; unit 0.001 fine ounce.

A vault attests the bars that it keeps for a series: all of them, each time. A bar backs one series;
what is outstanding never exceeds the fine weight of the bars that nobody else has a claim on. An
attestation that is too old stops minting, not redemption. Redeemed metal leaves the vault, so it
backs nothing more, even before the next attestation. A mint takes its value at the price and the
exchange rate of the day from the programme.
"""

from __future__ import annotations

from msgspec.structs import replace

from nodes.ledger.act import Act
from nodes.ledger.calendar import business_days_before
from nodes.ledger.codes import (
    E_BACKING,
    E_DUP,
    E_FREE_BAL,
    E_ROLE,
    E_STALE_ATTEST,
    Refused,
)
from nodes.ledger.compliance import (
    check_covered,
    check_holder,
    check_inflow,
    check_supply,
    verified_account,
)
from nodes.ledger.days import current_fx, current_price
from nodes.ledger.metals import value_cents
from nodes.ledger.programme import release, take
from nodes.ledger.records import Attestation, Series, Supply
from nodes.ledger.transactions import CommodityMint, CommodityRedeem, VaultAttest


def attest(act: Act, body: VaultAttest) -> None:
    """VAULT_ATTEST: the whole inventory for one series, which must cover what is outstanding."""
    series = _commodity(act, body.series)
    before: Attestation | None = act.get(("attestation", series.id))
    if before is not None and before.vault != act.sender.id:
        raise Refused(E_BACKING, f"{before.vault} keeps the metal of {series.id}")
    serials = tuple(bar.serial for bar in body.bars)
    if len(dict.fromkeys(serials)) != len(serials):
        raise Refused(E_DUP, "a bar is listed twice")
    for serial in serials:
        backed: str | None = act.get(("bar", serial))
        if backed not in (None, series.id):
            raise Refused(E_BACKING, f"bar {serial} backs {backed}")
    weight = sum(bar.fine_units for bar in body.bars if not bar.encumbered)
    outstanding = _outstanding(act, series)
    if weight < outstanding:
        raise Refused(E_BACKING, f"{weight} units don't cover {outstanding} outstanding")
    for serial in before.bars if before is not None else ():
        act.put(("bar", serial), None)
    for serial in serials:
        act.put(("bar", serial), series.id)
    attestation = Attestation(
        vault=act.sender.id, date=act.today(), bars=serials, fine_units=weight
    )
    act.put(("attestation", series.id), attestation)
    act.note("series", series.id)
    act.note("fine_units", weight)


def mint(act: Act, body: CommodityMint) -> None:
    """COMMODITY_MINT: against attested metal, within series limit and programme."""
    series = _commodity(act, body.series)
    account = verified_account(act, body.account)
    check_inflow(act, account)
    check_holder(act, series, account, body.amount)
    attestation = _fresh_attestation(act, series)
    if _outstanding(act, series) + body.amount > attestation.fine_units:
        raise Refused(E_BACKING, f"{attestation.fine_units} units are attested")
    check_supply(act, series, body.amount)
    price, fix = current_price(act, series.metal), current_fx(act)
    cents = value_cents(body.amount, price.price_e4, fix.rate_e4)
    act.mint(account.id, series.id, body.amount, cents)
    act.note("price_e4", price.price_e4)
    act.note("fx_e4", fix.rate_e4)
    take(act, cents)


def redeem(act: Act, body: CommodityRedeem) -> None:
    """COMMODITY_REDEEM: the owner gets metal, the vault countersigns that it handed it out."""
    series = _commodity(act, body.series)
    account = act.account(body.account)
    if account is None or account.owner != act.sender.id:
        raise Refused(E_ROLE, f"{act.sender.id} doesn't own {body.account}")
    attestation: Attestation | None = act.get(("attestation", series.id))
    if attestation is None or attestation.vault not in [party.id for party in act.cosigners]:
        raise Refused(E_ROLE, f"the vault that keeps {series.id} must co-sign")
    check_covered(act, account.id, series.id, body.amount, E_FREE_BAL)
    cents = act.burn(account.id, series.id, body.amount)
    left = attestation.fine_units - body.amount
    act.put(("attestation", series.id), replace(attestation, fine_units=left))
    act.note("fine_units", left)
    if cents:
        release(act, cents)


def _commodity(act: Act, id_: str) -> Series:
    series = act.series(id_)
    if series is None or series.instrument != "commodity":
        raise Refused(E_BACKING, f"no commodity {id_}")
    return series


def _outstanding(act: Act, series: Series) -> int:
    supply: Supply = act.get(("supply", series.id)) or Supply()
    return supply.issued - supply.redeemed


def _fresh_attestation(act: Act, series: Series) -> Attestation:
    """The vault's word; E_STALE_ATTEST if it is older than the policy allows, or there is none."""
    days = act.genesis.policies.attestation_max_age_business_days
    oldest = business_days_before(act.today(), days, act.genesis.closed)
    attestation: Attestation | None = act.get(("attestation", series.id))
    if attestation is None or attestation.date < oldest:
        raise Refused(E_STALE_ATTEST, f"nothing attested for {series.id} since {oldest}")
    return attestation
