"""The life of a security: terms, auctions, days and fixings, coupons, redemption, metal."""

from __future__ import annotations

import datetime
from typing import Annotated

import msgspec

from nodes.ledger.bodies import (
    Amount,
    Body,
    Digest,
    Index,
    Money,
    Name,
    NewName,
    Price,
    Text,
    TimeUs,
)
from nodes.ledger.records import (
    MAX_AMOUNT,
    MAX_RATE_E4,
    NO_RULES,
    OPEN_ENDED,
    InstrumentName,
    Rules,
)


class AssetRegister(Body, frozen=True, kw_only=True, tag="ASSET_REGISTER"):
    """A federal asset that may back one sukuk."""

    id: NewName
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    """Opaque reference of the title document."""
    value: Money


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


class DayOpen(Body, frozen=True, kw_only=True, tag="DAY_OPEN"):
    """Opens the next business date: the only source of dates."""

    date: datetime.date


class FxFixing(Body, frozen=True, kw_only=True, tag="FX_FIX"):
    """The rate of the current business date: PKR per USD, 10^-4."""

    date: datetime.date
    rate_e4: Annotated[int, msgspec.Meta(gt=0, le=MAX_RATE_E4)]


class PriceFixing(Body, frozen=True, kw_only=True, tag="PRICE_FIX"):
    """The price of a metal on the current business date: PKR per fine ounce, 10^-4."""

    date: datetime.date
    metal: NewName
    price_e4: Annotated[int, msgspec.Meta(gt=0, le=10**13)]


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


class Redeem(Body, frozen=True, kw_only=True, tag="REDEEM"):
    """The issuer pays the face value to the holders, whose securities end."""

    series: Name
    limit: Annotated[int, msgspec.Meta(gt=0, lt=2**31)] | None = None
    """How many accounts this transaction redeems; None: all that are left."""


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
