"""Central-bank money: CASH_MINT, CASH_BURN."""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.codes import E_FUNDS, Refused
from nodes.ledger.compliance import check_covered, check_inflow, verified_account
from nodes.ledger.transactions import CashBurn, CashMint


def mint_cash(act: Act, body: CashMint) -> None:
    """CASH_MINT: into a verified account; a client's only if its custodian may take it in."""
    _check_currency(act, body.amount.asset)
    account = verified_account(act, body.account)
    if account.custodian:
        check_inflow(act, account)
    act.mint(account.id, body.amount.asset, body.amount.amount)


def burn_cash(act: Act, body: CashBurn) -> None:
    """CASH_BURN: out of free cash; the account's owner co-signs (roles.csv)."""
    _check_currency(act, body.amount.asset)
    check_covered(act, body.account, body.amount.asset, body.amount.amount, E_FUNDS)
    act.burn(body.account, body.amount.asset, body.amount.amount)


def _check_currency(act: Act, asset: str) -> None:
    if asset not in act.genesis.currencies:
        raise Refused(E_FUNDS, f"{asset} is not a currency of this chain")
