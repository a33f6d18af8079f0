"""The values that the ledger's state holds: parties, accounts, series and their like.

All are frozen; a change is a new value under the same key. Money is in minor units of its
asset: paisa for PKR and for the face value of PKR series, cents for USD. Prices, percentages
and exchange rates are integers of 10^-4 and their names end in ``_e4``.
"""

from __future__ import annotations

import datetime
from typing import Final, Literal

import msgspec

from consensus.types import Member, ScheduledChange

Role = Literal["mof", "sbp", "pvara", "secp", "vasp", "dealer", "vault", "investor", "validator"]
"""Ledger role, as in roles.csv; ``validator`` is who runs a node and is nothing else here.

Whether a party has a vote says the configuration, not its role: the State Bank is ``sbp``."""

Licence = Literal["NONE", "NOC_GRANTED", "APPLIED", "LICENSED", "SUSPENDED", "REVOKED", "LAPSED"]
"""State of a VASP's licence (see ``licensing``)."""

InstrumentName = Literal["pib", "mtb", "sukuk", "commodity"]
"""As in ``instruments.INSTRUMENTS``."""

MAX_AMOUNT: Final = 10**17
"""Largest amount in one transaction, in minor units: what doesn't fit is E_SCHEMA."""

MAX_SUPPLY: Final = 4 * 10**18
"""Largest supply of one asset, in minor units: every balance fits a signed 64-bit integer."""

OPEN_ENDED: Final = datetime.date(2200, 12, 31)
"""Maturity of what never matures: a commodity."""

MAX_RATE_E4: Final = 10**9
"""Largest exchange rate, PKR per USD in 10^-4."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may send transactions: its role, key and standing."""

    id: str
    role: Role
    public_key: bytes
    licence: Licence = "NONE"
    """Binds VASPs, and investors through a VASP custodian; of others it is not looked at."""
    custodian: str = ""
    """Of an investor: the VASP or dealer that registered it."""
    lei: str = ""
    name: str = ""
    country: str = "PK"
    verified: bool = True
    """Identity checked (by the registering party); accounts open for verified owners only."""
    goaml: bool = False
    incorporated: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Holds balances of any asset. ``custodian`` is empty for an owner's own (house) account."""

    id: str
    owner: str
    custodian: str = ""
    verified: bool = True


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Compliance modules of a series (after ERC-3643); what is empty or zero asks for nothing."""

    countries: tuple[str, ...] = ()
    """Where holders must be from, two capital letters each."""
    topics: tuple[str, ...] = ()
    """Claims that holders must have, e.g. "accredited"."""
    max_balance: int = 0
    """The most that one identity may hold over all its accounts, minor units."""
    supply_limit: int = 0
    """The most that may be outstanding, minor units."""
    window_days: int = 0
    """Length of the window, from a holder's first transfer in it; 1 is that day alone."""
    window_limit: int = 0
    """The most that a holder may send within one window, minor units."""
    approval: bool = False
    """Each transfer needs, and consumes, an approval claim of its sender."""


NO_RULES: Final = Rules()


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of one security; its asset id is ``id``, its quantity is face value in minor units."""

    id: str
    instrument: InstrumentName
    issue_date: datetime.date
    maturity_date: datetime.date
    denomination: int
    """Face value of one unit, minor units: PKR 100,000 is 10_000_000 paisa."""
    issuer_account: str
    """Where proceeds go and coupons come from; its owner is the ministry."""
    currency: str = "PKR"
    coupon_e4: int = 0
    """Annual coupon in percent, 10^-4: 7.00 % is 70_000. Zero for bills."""
    isin: str = ""
    name: str = ""
    rules: Rules = NO_RULES
    underlying: str = ""
    """Of a sukuk: the registered asset that backs it."""
    sealed: bool = False
    """Auctions take commitments first and bids when the window is over."""
    metal: str = ""
    """Of a commodity: what PRICE_FIX prices, e.g. "gold"."""


class FederalAsset(msgspec.Struct, frozen=True, kw_only=True):
    """A federal asset that may back a sukuk (see ``federal_assets``)."""

    id: str
    title: str
    """Reference of its title document, opaque here."""
    value: int
    """Paisa."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What an issuer says of a party under one topic (see ``claims``)."""

    issuer: str
    expires: datetime.date | None = None
    """The last business date on which it counts."""
    amount: int = 0
    """Of an approval: the largest transfer that it is good for."""


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """All claims of one topic and scope about a party, oldest first."""

    claims: tuple[Claim, ...]


class Window(msgspec.Struct, frozen=True, array_like=True):
    """What a holder has sent of a series since a business date."""

    start: datetime.date
    sent: int


class Balance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One account's holding of one asset, by partition (after ERC-1410)."""

    free: int = 0
    reserved: int = 0
    frozen: int = 0
    locked_cents: int = 0
    """What this holding takes of the programme: US cents at the rates of its issues."""

    @property
    def total(self) -> int:
        """Over all partitions."""
        return self.free + self.reserved + self.frozen


NO_BALANCE: Final = Balance()


class Supply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was ever issued (minted) and redeemed (burned) of an asset."""

    issued: int = 0
    redeemed: int = 0


class Programme(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Use of the programme cap: USD cents at the rates locked at each issue."""

    locked_cents: int = 0


class FxFix(msgspec.Struct, frozen=True, kw_only=True):
    """The central bank's rate of a business date: PKR for one USD, 10^-4."""

    date: datetime.date
    rate_e4: int


class PriceFix(msgspec.Struct, frozen=True, kw_only=True):
    """The central bank's price of a metal on a business date: PKR per fine ounce, 10^-4."""

    date: datetime.date
    metal: str
    price_e4: int


class Attestation(msgspec.Struct, frozen=True, kw_only=True):
    """What a vault keeps for a commodity series (see ``commodity``)."""

    vault: str
    date: datetime.date
    bars: tuple[str, ...]
    """Serials, encumbered ones included."""
    fine_units: int
    """Unencumbered fine weight in 0.001 ounce, less what was handed out since."""


class Day(msgspec.Struct, frozen=True):
    """The business date in force, opened by DAY_OPEN."""

    date: datetime.date


class Flag(msgspec.Struct, frozen=True):
    """Paused, or regulations commenced: set by the named parties."""

    by: tuple[str, ...]


class Order(msgspec.Struct, frozen=True, array_like=True):
    """What one order, referred to opaquely, keeps frozen; ``by`` is the authority that gave it."""

    by: str
    order: str
    amount: int


class Freeze(msgspec.Struct, frozen=True, array_like=True):
    """All orders that keep something of one asset frozen in one account, oldest first."""

    orders: tuple[Order, ...]


class Upcoming(msgspec.Struct, frozen=True, array_like=True):
    """The first coupon of a series that isn't paid; changes after its record date leave a note."""

    number: int
    record_date: datetime.date


class Recorded(msgspec.Struct, frozen=True, array_like=True):
    """What an account held at a record date, noted when it first changed after that."""

    quantity: int


class Coupon(msgspec.Struct, frozen=True, kw_only=True):
    """A declared coupon and how far its payment has come (see ``coupons``)."""

    series: str
    number: int
    payment_date: datetime.date
    record_date: datetime.date
    total: int
    """Sum of the holders' rounded entitlements, minor units."""
    holders: int
    paid: int = 0
    last: str = ""
    """Accounts up to this one, in order of their ids, have been paid."""
    paid_on: datetime.date | None = None
    """The business date on which the last holder was paid."""


class Lot(msgspec.Struct, frozen=True, array_like=True):
    """One leg of a DvP: ``amount`` of ``asset`` from ``source`` to ``target`` (accounts)."""

    source: str
    target: str
    asset: str
    amount: int


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery-versus-payment instruction (see ``settlement``)."""

    id: str
    proposer: str
    counterparty: str
    delivery: Lot
    payment: Lot
    deadline_us: int
    status: Literal["PROPOSED", "ACCEPTED", "SETTLED", "CANCELLED", "EXPIRED"] = "PROPOSED"

    @property
    def parties(self) -> tuple[str, str]:
        """Both sides."""
        return self.proposer, self.counterparty


class Auction(msgspec.Struct, frozen=True, kw_only=True):
    """An auction of a series (see ``auction``); amounts are face value in minor units."""

    id: str
    series: str
    target: int
    date: datetime.date
    settlement_date: datetime.date
    closes_at_us: int | None = None
    by_rate: bool = False
    """Bids are rental rates of a new sukuk: the lowest is best, and everybody pays par."""
    status: Literal["OPEN", "CLOSED", "ALLOTTED", "SETTLED"] = "OPEN"
    bids: int = 0
    """How many were taken; they are numbered from 1 as they came."""
    cutoff_e4: int = 0
    """Price, or with ``by_rate`` the rental rate."""
    amount: int = 0
    """Accepted from competitive bids."""
    ncb_price_e4: int = 0
    """What non-competitive bids pay: the price of the weighted-average yield."""


class BidEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One bid of an auction."""

    number: int
    """Order of arrival."""
    dealer: str
    reference: int
    """The dealer's own number."""
    amount: int
    price_e4: int | None
    """None for a non-competitive bid, and where bids are rates."""
    rate_e4: int | None
    """Rental rate in percent, where bids are rates."""
    cash_account: str
    securities_account: str
    investor: str
    """Owner of both accounts: the dealer itself, or of a non-competitive bid its client."""
    allotted: int = 0
    status: Literal["TAKEN", "ALLOTTED", "SETTLED", "LAPSED"] = "TAKEN"


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """The validators in force, and the change that is ordered (PBFT rule 27)."""

    epoch: int
    members: tuple[Member, ...]
    scheduled: ScheduledChange | None = None


class Removals(msgspec.Struct, frozen=True, array_like=True):
    """Validators whose licence was revoked and that still have a seat, in order of revocation."""

    validators: tuple[str, ...]


class Flagged(msgspec.Struct, frozen=True, kw_only=True):
    """Proven misbehaviour of a validator, under ("flagged", validator, kind)."""

    by: str
    """Who sent the evidence."""
    epoch: int
    """In which it was done."""
    height: int
    """Of the block that holds the evidence."""
    removal_proposed: bool
