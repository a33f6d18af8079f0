"""Securities: whole units, backed where they must be, and gone once they are redeemed.

Terms, assets and attestations are read from genesis and from the ordered transactions themselves;
supplies are rebuilt from receipts (LEDGER.md, invariants 9, 10 and 13).
"""

from __future__ import annotations

from chainsim.checks.context import CheckContext
from chainsim.checks.results import ChainProperty
from chainsim.trace import Executed
from nodes.block import Block
from nodes.ledger.receipts import Receipt
from nodes.ledger.records import Series
from nodes.ledger.series import from_body
from nodes.ledger.transactions import (
    AssetRegister,
    Body,
    CommodityRedeem,
    Redeem,
    SeriesDefine,
    VaultAttest,
    decode,
)


class Securities(ChainProperty):
    """Multiples of the denomination, within what backs them, none left after redemption."""

    name = "securities"
    kind = "money"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        genesis = context.genesis
        self._series: dict[str, Series] = {}
        self._supply: dict[str, int] = {}
        self._values: dict[str, int] = {}
        """Paisa by federal asset."""
        self._metal: dict[str, int] = {}
        """Unencumbered fine weight by series, less what was handed out since its attestation."""
        self._bars: dict[str, str] = {}
        self._redeemed: dict[str, None] = {}
        for asset in genesis.assets if genesis else ():
            self._values[asset.id] = asset.value
        for series in genesis.series if genesis else ():
            self._series[series.id] = series
        for (_, name, _), amount in context.opening.items():
            self._supply[name] = self._supply.get(name, 0) + amount

    def on_block(self, record: Executed, block: Block) -> None:
        for request, receipt in zip(block.batch.requests, block.receipts, strict=False):
            if receipt.code != "OK":
                continue
            transaction = decode(request.operation)
            if transaction is not None:
                self._read(record, receipt, transaction.body)
            self._follow(record, receipt)

    def _read(self, record: Executed, receipt: Receipt, body: Body) -> None:
        match body:
            case SeriesDefine():
                users = [s.id for s in self._series.values() if s.underlying == body.underlying]
                if body.underlying and users:
                    self._wrong(record, receipt, f"{body.underlying} backs {users[0]} already")
                self._series[body.id] = from_body(body)
            case AssetRegister():
                self._values[body.id] = body.value.amount
            case VaultAttest():
                self._attested(record, receipt, body)
            case CommodityRedeem():
                self._metal[body.series] = self._metal.get(body.series, 0) - body.amount
            case Redeem() if any(name == "days_late" for name, _ in receipt.data):
                self._redeemed[body.series] = None

    def _attested(self, record: Executed, receipt: Receipt, body: VaultAttest) -> None:
        self._bars = {bar: user for bar, user in self._bars.items() if user != body.series}
        for bar in body.bars:
            user = self._bars.get(bar.serial)
            if user is not None:
                self._wrong(record, receipt, f"bar {bar.serial} backs {user} already")
            self._bars[bar.serial] = body.series
        weights = [bar.fine_units for bar in body.bars if not bar.encumbered]
        self._metal[body.series] = sum(weights)

    def _follow(self, record: Executed, receipt: Receipt) -> None:
        for posting in receipt.postings:
            series = self._series.get(posting.asset)
            if series is not None and posting.delta % series.denomination:
                what = f"moves {posting.delta} {series.id}, no multiple of {series.denomination}"
                self._wrong(record, receipt, what)
        for asset, amount in receipt.minted:
            self._supply[asset] = self._supply.get(asset, 0) + amount
        touched = dict.fromkeys(asset for asset, _ in receipt.minted)
        for asset in touched | dict.fromkeys(self._metal):
            self._check_supply(record, receipt, asset)

    def _check_supply(self, record: Executed, receipt: Receipt, asset: str) -> None:
        supply, series = self._supply.get(asset, 0), self._series.get(asset)
        if asset in self._redeemed and supply:
            self._wrong(record, receipt, f"leaves {supply} of {asset}, which is redeemed")
        if series is None:
            return
        backed = supply
        if series.instrument == "sukuk":
            backed = self._values.get(series.underlying, 0)
        elif series.instrument == "commodity":
            backed = self._metal.get(asset, 0)
        if supply > backed:
            self._wrong(record, receipt, f"leaves {supply} of {asset}, backed by {backed}")

    def _wrong(self, record: Executed, receipt: Receipt, what: str) -> None:
        who = f"{receipt.type} {receipt.number} of {receipt.client}"
        self.fail(record.at_us, record.node, record.sequence, f"{who}: {what}")

    def held(self) -> str:
        return f"{len(self._series)} series, {len(self._redeemed)} of them redeemed whole"
