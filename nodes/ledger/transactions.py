"""What can be ordered: one frozen body per transaction type, and the envelope around it.

``Request.operation`` is ``Transaction(...).encode()``. The rest of the envelope (chain id,
sender, request number, signatures) is the ``Request`` itself. ``BODIES`` names every type that
this ledger executes; what is none of them is E_SCHEMA.

Amounts are ints in minor units. Where the asset isn't given by the context it comes with the
amount, as ``Money``. Fields in 10^-4 end in ``_e4``.
"""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

import msgspec

from consensus.encoding import encode
from nodes.ledger.records import (
    MAX_AMOUNT,
    MAX_RATE_E4,
    NO_RULES,
    OPEN_ENDED,
    InstrumentName,
    Licence,
    Role,
    Rules,
)

Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=64)]
"""Refers to something that exists: a party, an account, an auction."""

NewName: TypeAlias = Annotated[
    str, msgspec.Meta(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]*$")
]
"""The id of something new."""

Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=256)]
Key: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Digest: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Amount: TypeAlias = Annotated[int, msgspec.Meta(gt=0, le=MAX_AMOUNT)]
"""Minor units, above zero."""

Price: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
"""10^-4 per 100 of face, or of a percentage, or of PKR per USD."""

Index: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
TimeUs: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount (minor units) of an asset: a currency or a series."""

    asset: Name
    amount: Amount


class Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """Base of all bodies."""


class PartyRegister(Body, frozen=True, kw_only=True, tag="PARTY_REGISTER"):
    """A new party. Investors are registered by their custodian, others by PVARA or SBP."""

    id: NewName
    role: Role
    public_key: Key
    lei: Text = ""
    name: Text = ""
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "PK"
    verified: bool = True


class KeyRotate(Body, frozen=True, kw_only=True, tag="KEY_ROTATE"):
    """The sender's key becomes ``new_public_key``, co-signing as the sender."""

    new_public_key: Key


class RegulationsCommence(Body, frozen=True, kw_only=True, tag="REGULATIONS_COMMENCE"):
    """From now on licences can be applied for."""


class LicenceSet(Body, frozen=True, kw_only=True, tag="LICENCE_SET"):
    """Move a VASP along an edge of the licence machine."""

    party: Name
    state: Licence


class GoamlAttest(Body, frozen=True, kw_only=True, tag="GOAML_ATTEST"):
    """The VASP is registered with the FMU's goAML."""

    party: Name


class SecpIncorporate(Body, frozen=True, kw_only=True, tag="SECP_INCORPORATE"):
    """The VASP's subsidiary is incorporated."""

    party: Name


class AccountOpen(Body, frozen=True, kw_only=True, tag="ACCOUNT_OPEN"):
    """An account for ``owner``: the sender's own client, or the sender itself."""

    id: NewName
    owner: Name


class SeriesDefine(Body, frozen=True, kw_only=True, tag="SERIES_DEFINE"):
    """Terms of a new security; fields as in ``records.Series``."""

    id: NewName
    instrument: InstrumentName
    issue_date: datetime.date
    maturity_date: datetime.date = OPEN_ENDED
    denomination: Amount
    issuer_account: Name
    currency: Name = "PKR"
    coupon_e4: Price = 0
    isin: Text = ""
    name: Text = ""
    rules: Rules = NO_RULES
    """Compliance modules."""
    underlying: Name = ""
    """Of a sukuk: the registered asset that backs it, and nothing else."""
    sealed: bool = False
    """Auctions take commitments first."""
    metal: Name = ""
    """Of a commodity: what PRICE_FIX prices."""


class FxFixing(Body, frozen=True, kw_only=True, tag="FX_FIX"):
    """The rate of the current business date: PKR per USD, 10^-4."""

    date: datetime.date
    rate_e4: Annotated[int, msgspec.Meta(gt=0, le=MAX_RATE_E4)]


class PriceFixing(Body, frozen=True, kw_only=True, tag="PRICE_FIX"):
    """The price of a metal on the current business date: PKR per fine ounce, 10^-4."""

    date: datetime.date
    metal: NewName
    price_e4: Annotated[int, msgspec.Meta(gt=0, le=10**13)]


class Bar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bar in the vault; fine weight in 0.001 ounce."""

    serial: Name
    fine_units: Amount
    encumbered: bool = False
    """Somebody else has a claim on it: it backs nothing."""


class VaultAttest(Body, frozen=True, kw_only=True, tag="VAULT_ATTEST"):
    """All bars that the vault keeps for a commodity series today."""

    series: Name
    bars: tuple[Bar, ...]


class CommodityMint(Body, frozen=True, kw_only=True, tag="COMMODITY_MINT"):
    """Units of 0.001 fine ounce come into being against attested metal."""

    series: Name
    account: Name
    amount: Amount


class CommodityRedeem(Body, frozen=True, kw_only=True, tag="COMMODITY_REDEEM"):
    """The sender takes metal out; the vault co-signs."""

    series: Name
    account: Name
    amount: Amount


class Evidence(Body, frozen=True, kw_only=True, tag="EVIDENCE"):
    """A validator's misbehaviour, proven by messages that it signed."""

    misbehaviour: Annotated[bytes, msgspec.Meta(max_length=1 << 20)]
    """Encoded ``consensus.misbehaviour.Misbehaviour``."""
    propose_removal: bool = False


class AuctionOpen(Body, frozen=True, kw_only=True, tag="AUCTION_OPEN"):
    """Bids are taken today; settlement is on the next business day (T+1)."""

    id: NewName
    series: Name
    target: Amount
    """Face value, minor units."""
    closes_at_us: TimeUs | None = None
    """Block time after which bids are late, besides AUCTION_CLOSE; None: no such time."""


class Bid(Body, frozen=True, kw_only=True, tag="BID"):
    """A bid for face value. Without a price it is non-competitive, on behalf of an investor."""

    auction: Name
    reference: Index
    """The dealer's own number for it: (dealer, reference) names the bid."""
    amount: Amount
    cash_account: Name
    securities_account: Name
    price_e4: Price | None = None
    """Clean, per 100 of face, 10^-4."""
    rate_e4: Price | None = None
    """Rental rate in percent, 10^-4, for a new sukuk; then there is no price."""


class BidCommit(Body, frozen=True, kw_only=True, tag="BID_COMMIT"):
    """A sealed bid: the hash of what BID_REVEAL will say (``sealed_bids.commitment_to``)."""

    auction: Name
    reference: Index
    commitment: Digest


class BidReveal(Body, frozen=True, kw_only=True, tag="BID_REVEAL"):
    """Opens a sealed bid; fields as in BID."""

    auction: Name
    reference: Index
    amount: Amount
    cash_account: Name
    securities_account: Name
    price_e4: Price | None = None
    rate_e4: Price | None = None
    salt: Annotated[bytes, msgspec.Meta(min_length=16, max_length=32)]
    """At least 128 bits that nobody else knows."""


class AssetRegister(Body, frozen=True, kw_only=True, tag="ASSET_REGISTER"):
    """A federal asset that may back one sukuk."""

    id: NewName
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    """Opaque reference of the title document."""
    value: Money


class AuctionClose(Body, frozen=True, kw_only=True, tag="AUCTION_CLOSE"):
    """SBP's decision: everything above the cut-off, and pro rata at it, up to ``amount``."""

    auction: Name
    cutoff_e4: Price
    """A price, or where bids are rates, a rate."""
    amount: Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]
    """Face value accepted from competitive bids, minor units; 0 rejects all bids."""


class Allotment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Face value that a bid gets, minor units."""

    dealer: Name
    reference: Index
    amount: Amount


class AuctionAllot(Body, frozen=True, kw_only=True, tag="AUCTION_ALLOT"):
    """The allotment that follows from the close (bids that get nothing left out), any order."""

    auction: Name
    allotments: tuple[Allotment, ...]


class AuctionSettle(Body, frozen=True, kw_only=True, tag="AUCTION_SETTLE"):
    """Mint against cash, atomically per bid."""

    auction: Name


class CashMint(Body, frozen=True, kw_only=True, tag="CASH_MINT"):
    """Central-bank money comes into being."""

    account: Name
    amount: Money
    physical: bool = False
    """Paid in as notes (matters for reports of large cash transactions)."""


class CashBurn(Body, frozen=True, kw_only=True, tag="CASH_BURN"):
    """Central-bank money goes out of being; the account's owner co-signs."""

    account: Name
    amount: Money
    physical: bool = False


class Transfer(Body, frozen=True, kw_only=True, tag="TRANSFER"):
    """Free quantity moves, by the owner of ``source``."""

    source: Name
    target: Name
    amount: Money
    travel_hash: Digest | None = None
    """SHA-256 over salt and IVMS101 data, above the travel-rule threshold."""


class Leg(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side of a DvP: ``amount`` from ``source`` to ``target`` (accounts)."""

    source: Name
    target: Name
    amount: Money


class DvpPropose(Body, frozen=True, kw_only=True, tag="DVP_PROPOSE"):
    """Securities against cash, between the sender (either side) and ``counterparty``."""

    id: NewName
    counterparty: Name
    delivery: Leg
    payment: Leg
    deadline_us: TimeUs
    """Block time. Alive up to and including it; released at the start of the first block past."""


class DvpAccept(Body, frozen=True, kw_only=True, tag="DVP_ACCEPT"):
    """The counterparty agrees: both legs are reserved."""

    id: Name


class DvpSettle(Body, frozen=True, kw_only=True, tag="DVP_SETTLE"):
    """Both reserved legs change hands, or neither."""

    id: Name


class DvpCancel(Body, frozen=True, kw_only=True, tag="DVP_CANCEL"):
    """Either party withdraws before settlement; what was reserved is free again."""

    id: Name


class FreezeOrder(Body, frozen=True, kw_only=True, tag="FREEZE"):
    """Free quantity becomes frozen under an order, referred to opaquely."""

    account: Name
    amount: Money
    order: Text


class UnfreezeOrder(Body, frozen=True, kw_only=True, tag="UNFREEZE"):
    """What the same party froze under that order becomes free, in full or in part."""

    account: Name
    amount: Money
    order: Text


class Pause(Body, frozen=True, kw_only=True, tag="PAUSE"):
    """Stops what roles.csv doesn't allow while paused."""


class Unpause(Body, frozen=True, kw_only=True, tag="UNPAUSE"):
    """Ends a pause."""


class DayOpen(Body, frozen=True, kw_only=True, tag="DAY_OPEN"):
    """Opens the next business date: the only source of dates."""

    date: datetime.date


class CouponDeclare(Body, frozen=True, kw_only=True, tag="COUPON_DECLARE"):
    """Coupon ``number`` (from 1) of a series is due: who is entitled to how much is settled."""

    series: Name
    number: Annotated[int, msgspec.Meta(gt=0, lt=1000)]


class CouponPay(Body, frozen=True, kw_only=True, tag="COUPON_PAY"):
    """The issuer pays a declared coupon, to everybody or to the next ``limit`` accounts."""

    series: Name
    number: Annotated[int, msgspec.Meta(gt=0, lt=1000)]
    limit: Annotated[int, msgspec.Meta(gt=0, lt=2**31)] | None = None
    """How many accounts this transaction pays, in order of their ids; None: all that are left."""


class ClaimAdd(Body, frozen=True, kw_only=True, tag="CLAIM_ADD"):
    """The sender vouches for something about a party: its identity, or that it is accredited."""

    subject: Name
    topic: Name
    scope: Name = ""
    """Of an approval: the series."""
    amount: Amount | None = None
    """Of an approval: the largest transfer that it is good for."""
    expires: datetime.date | None = None
    """The last business date on which it counts; None: until it is revoked."""


class ClaimRevoke(Body, frozen=True, kw_only=True, tag="CLAIM_REVOKE"):
    """The sender takes its own claim back."""

    subject: Name
    topic: Name
    scope: Name = ""


class ForcedTransfer(Body, frozen=True, kw_only=True, tag="FORCED_TRANSFER"):
    """Quantity moves by an order, without its owner; frozen quantity if the rest doesn't do."""

    source: Name
    target: Name
    amount: Money
    order: Text


class Redeem(Body, frozen=True, kw_only=True, tag="REDEEM"):
    """The issuer pays the face value to the holders, whose securities end."""

    series: Name
    limit: Annotated[int, msgspec.Meta(gt=0, lt=2**31)] | None = None
    """How many accounts this transaction redeems; None: all that are left."""


class ValidatorUpdate(Body, frozen=True, kw_only=True, tag="VALIDATOR_UPDATE"):
    """Adds a validator (last in proposer order), removes one, or gives one a new key."""

    change: Literal["add", "remove", "rotate"]
    validator: Name
    public_key: Key | None = None
    """Of a validator added or rotated: the key that its votes will verify under."""


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
