"""ASSET_REGISTER: what the ministry lets and leases back; an asset backs one sukuk only."""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.codes import E_BACKING, E_DUP, Refused
from nodes.ledger.instruments import CURRENCY
from nodes.ledger.records import FederalAsset, Series, Supply
from nodes.ledger.transactions import AssetRegister


def register(act: Act, body: AssetRegister) -> None:
    """ASSET_REGISTER: under a new id, with a title document that no other asset has."""
    if act.get(("asset", body.id)) is not None:
        raise Refused(E_DUP, f"asset {body.id} is registered")
    other: str | None = act.get(("title", body.title))
    if other is not None:
        raise Refused(E_BACKING, f"its title is that of {other}")
    if body.value.asset != CURRENCY:
        raise Refused(E_BACKING, f"assets are valued in {CURRENCY}")
    asset = FederalAsset(id=body.id, title=body.title, value=body.value.amount)
    act.put(("asset", body.id), asset)
    act.put(("title", body.title), body.id)


def encumber(act: Act, series: Series) -> None:
    """A new sukuk takes its underlying asset, if that is still free. E_BACKING if it isn't."""
    if series.instrument != "sukuk":
        return
    asset: FederalAsset | None = act.get(("asset", series.underlying))
    if asset is None:
        raise Refused(E_BACKING, f"no asset {series.underlying} is registered")
    user: str | None = act.get(("backs", asset.id))
    if user is not None:
        raise Refused(E_BACKING, f"{asset.id} backs {user}")
    act.put(("backs", asset.id), series.id)


def check_backing(act: Act, series: Series, amount: int) -> None:
    """E_BACKING if ``amount`` more of a sukuk would exceed the value of its asset."""
    if series.instrument != "sukuk":
        return
    asset: FederalAsset = act.get(("asset", series.underlying))
    supply: Supply = act.get(("supply", series.id)) or Supply()
    outstanding = supply.issued - supply.redeemed + amount
    if outstanding > asset.value:
        raise Refused(E_BACKING, f"{asset.id} is worth {asset.value}, not {outstanding}")
