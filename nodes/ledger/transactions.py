"""What can be ordered: one frozen body per transaction type, and the envelope around it.

``Request.operation`` is ``Transaction(...).encode()``. The rest of the envelope (chain id,
sender, request number, signatures) is the ``Request`` itself. ``BODIES`` names every type that
this ledger executes; what is none of them is E_SCHEMA.

Amounts are ints in minor units. Where the asset isn't given by the context it comes with the
amount, as ``Money``. Fields in 10^-4 end in ``_e4``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Final, TypeAlias, cast

import msgspec

from consensus.encoding import encode
from nodes.ledger.bodies import Body, Money
from nodes.ledger.bodies_issue import (
    Allotment,
    AssetRegister,
    AuctionAllot,
    AuctionClose,
    AuctionOpen,
    AuctionSettle,
    Bar,
    Bid,
    BidCommit,
    BidReveal,
    CommodityMint,
    CommodityRedeem,
    CouponDeclare,
    CouponPay,
    DayOpen,
    FxFixing,
    PriceFixing,
    Redeem,
    SeriesDefine,
    VaultAttest,
)
from nodes.ledger.bodies_money import (
    CashBurn,
    CashMint,
    DvpAccept,
    DvpCancel,
    DvpPropose,
    DvpSettle,
    ForcedTransfer,
    FreezeOrder,
    Leg,
    Transfer,
    UnfreezeOrder,
)
from nodes.ledger.bodies_standing import (
    AccountOpen,
    ClaimAdd,
    ClaimRevoke,
    Evidence,
    GoamlAttest,
    KeyRotate,
    LicenceSet,
    PartyRegister,
    Pause,
    RegulationsCommence,
    SecpIncorporate,
    Unpause,
    ValidatorUpdate,
)

__all__ = [
    "BODIES",
    "TYPES",
    "AccountOpen",
    "Allotment",
    "AnyBody",
    "AssetRegister",
    "AuctionAllot",
    "AuctionClose",
    "AuctionOpen",
    "AuctionSettle",
    "Bar",
    "Bid",
    "BidCommit",
    "BidReveal",
    "Body",
    "CashBurn",
    "CashMint",
    "ClaimAdd",
    "ClaimRevoke",
    "CommodityMint",
    "CommodityRedeem",
    "CouponDeclare",
    "CouponPay",
    "DayOpen",
    "DvpAccept",
    "DvpCancel",
    "DvpPropose",
    "DvpSettle",
    "Evidence",
    "ForcedTransfer",
    "FreezeOrder",
    "FxFixing",
    "GoamlAttest",
    "KeyRotate",
    "Leg",
    "LicenceSet",
    "Money",
    "PartyRegister",
    "Pause",
    "PriceFixing",
    "Redeem",
    "RegulationsCommence",
    "SecpIncorporate",
    "SeriesDefine",
    "Transaction",
    "Transfer",
    "UnfreezeOrder",
    "Unpause",
    "ValidatorUpdate",
    "VaultAttest",
    "body_of",
    "decode",
    "type_of",
]

AnyBody: TypeAlias = (
    PartyRegister
    | KeyRotate
    | RegulationsCommence
    | LicenceSet
    | GoamlAttest
    | SecpIncorporate
    | AccountOpen
    | SeriesDefine
    | FxFixing
    | AuctionOpen
    | Bid
    | AuctionClose
    | AuctionAllot
    | AuctionSettle
    | CashMint
    | CashBurn
    | Transfer
    | DvpPropose
    | DvpAccept
    | DvpSettle
    | DvpCancel
    | FreezeOrder
    | UnfreezeOrder
    | Pause
    | Unpause
    | DayOpen
    | CouponDeclare
    | CouponPay
    | Redeem
    | ClaimAdd
    | ClaimRevoke
    | ForcedTransfer
    | ValidatorUpdate
    | AssetRegister
    | BidCommit
    | BidReveal
    | Evidence
    | PriceFixing
    | VaultAttest
    | CommodityMint
    | CommodityRedeem
)

BODIES: Final[dict[str, type[Body]]] = {
    "PARTY_REGISTER": PartyRegister,
    "KEY_ROTATE": KeyRotate,
    "REGULATIONS_COMMENCE": RegulationsCommence,
    "LICENCE_SET": LicenceSet,
    "GOAML_ATTEST": GoamlAttest,
    "SECP_INCORPORATE": SecpIncorporate,
    "ACCOUNT_OPEN": AccountOpen,
    "SERIES_DEFINE": SeriesDefine,
    "FX_FIX": FxFixing,
    "AUCTION_OPEN": AuctionOpen,
    "BID": Bid,
    "AUCTION_CLOSE": AuctionClose,
    "AUCTION_ALLOT": AuctionAllot,
    "AUCTION_SETTLE": AuctionSettle,
    "CASH_MINT": CashMint,
    "CASH_BURN": CashBurn,
    "TRANSFER": Transfer,
    "DVP_PROPOSE": DvpPropose,
    "DVP_ACCEPT": DvpAccept,
    "DVP_SETTLE": DvpSettle,
    "DVP_CANCEL": DvpCancel,
    "FREEZE": FreezeOrder,
    "UNFREEZE": UnfreezeOrder,
    "PAUSE": Pause,
    "UNPAUSE": Unpause,
    "DAY_OPEN": DayOpen,
    "COUPON_DECLARE": CouponDeclare,
    "COUPON_PAY": CouponPay,
    "REDEEM": Redeem,
    "CLAIM_ADD": ClaimAdd,
    "CLAIM_REVOKE": ClaimRevoke,
    "FORCED_TRANSFER": ForcedTransfer,
    "VALIDATOR_UPDATE": ValidatorUpdate,
    "ASSET_REGISTER": AssetRegister,
    "BID_COMMIT": BidCommit,
    "BID_REVEAL": BidReveal,
    "EVIDENCE": Evidence,
    "PRICE_FIX": PriceFixing,
    "VAULT_ATTEST": VaultAttest,
    "COMMODITY_MINT": CommodityMint,
    "COMMODITY_REDEEM": CommodityRedeem,
}
"""By the names of LEDGER.md."""

TYPES: Final[dict[type[Body], str]] = {body: name for name, body in BODIES.items()}


class Transaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operation's bytes hold: when it stops being valid, and what it asks for."""

    body: AnyBody
    expiry_height: Annotated[int, msgspec.Meta(ge=0, lt=2**62)] = 0
    """The last height at which it may execute; 0 for no expiry."""

    @property
    def type(self) -> str:
        """Name of the body's type, as in LEDGER.md."""
        return TYPES[type(self.body)]

    def encode(self) -> bytes:
        """Canonical bytes for ``Request.operation``."""
        return encode(self)


_DECODER: Final = msgspec.msgpack.Decoder(Transaction)


@lru_cache(maxsize=1 << 12)
def decode(operation: bytes) -> Transaction | None:
    """The transaction that ``operation`` holds, or None if it holds none (E_SCHEMA).

    Remembered: the validators of one process all decode the same bytes.
    """
    try:
        return _DECODER.decode(operation)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return None


def type_of(operation: bytes) -> str:
    """The type's name for displays; ``"?"`` if the operation is malformed."""
    transaction = decode(operation)
    return transaction.type if transaction is not None else "?"


def body_of(type_name: str, fields: dict[str, Any]) -> AnyBody:
    """A body from plain values (strings, ints, dates, bytes), as a scenario gives them.

    Raises ``KeyError`` for an unknown type and ``msgspec.ValidationError`` (with the path of
    the field) for fields that don't fit.
    """
    return cast(AnyBody, msgspec.convert(fields, BODIES[type_name], str_keys=True))
