"""The ``[genesis]`` section as it is written: a shipped start, then overrides by id.

Every field that a shipped genesis may already give is optional here; ``scenarios.genesis``
lays the sections over each other and makes the ledger's ``Genesis`` of the result.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, get_args

import msgspec

from nodes.ledger.records import InstrumentName, Licence
from nodes.ledger.records import Role as LedgerRole
from scenarios.units import Money

LEDGER_ROLES: Final[tuple[str, ...]] = get_args(LedgerRole)

PARTY_ROLES: Final[dict[str, str]] = {
    **{role: role for role in LEDGER_ROLES},
    "ministry": "mof",
    "central-bank": "sbp",
    "licensor": "pvara",
    "registrar": "secp",
    "exchange": "vasp",
    "bank": "dealer",
}
"""What may be written as a party's role -> its ledger role: the validator roles mean theirs."""

PartyId = Annotated[
    str,
    msgspec.Meta(
        pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=64,
        description="an id of lower-case letters, digits and single hyphens",
    ),
]
AccountId = Annotated[
    str,
    msgspec.Meta(
        pattern="^[a-z0-9]+([/-][a-z0-9]+)*$",
        max_length=128,
        description='an account id, like "exchange-a/cash"',
    ),
]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the tables: immutable, fields by name only."""


class PartySpec(_Table, frozen=True, kw_only=True):
    """A party of the ledger. Left-out fields keep what ``include`` says of the same id."""

    id: PartyId
    role: str | None = None
    """mof, sbp, pvara, secp, vasp, dealer, vault, investor; or the validator role that has
    one of these as its counterpart (ministry, central-bank, exchange …)."""
    name: str | None = None
    city: str | None = None
    """Where its client runs; default: its validator's city, else karachi."""
    licence: Licence | None = None
    custodian: PartyId | None = None
    """Of an investor: the exchange or dealer that registered it."""
    lei: str | None = None
    country: (
        Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$", description="two capital letters")] | None
    ) = None
    verified: bool | None = None
    goaml: bool | None = None
    incorporated: bool | None = None


class AccountSpec(_Table, frozen=True, kw_only=True):
    """An account with what it holds at the start (``balance`` replaces the included one)."""

    id: AccountId
    owner: PartyId | None = None
    custodian: PartyId | None = None
    balance: tuple[Money, ...] | None = None


class CrowdSpec(_Table, frozen=True, kw_only=True):
    """Many equal accounts of one owner, ``ID/00001`` and so on: a custodian's pseudonyms."""

    id: PartyId
    owner: PartyId | None = None
    custodian: PartyId | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=100_000)] | None = None
    balance: tuple[Money, ...] | None = None
    """What each of them holds."""


class RulesSpec(_Table, frozen=True, kw_only=True):
    """Compliance modules of a series; what is left out asks for nothing."""

    countries: tuple[
        Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$", description="two capital letters")], ...
    ] = ()
    topics: tuple[str, ...] = ()
    max_balance: Money | None = None
    supply_limit: Money | None = None
    window_days: Annotated[int, msgspec.Meta(ge=1, le=366)] | None = None
    window_limit: Money | None = None
    approval: bool = False


class SeriesSpec(_Table, frozen=True, kw_only=True):
    """A series of government securities that exists at the start."""

    id: str
    instrument: InstrumentName | None = None
    issue_date: datetime.date | None = None
    maturity_date: datetime.date | None = None
    denomination: Money | None = None
    issuer_account: AccountId | None = None
    currency: str | None = None
    coupon: Decimal | None = None
    """Percent a year, like 7.00."""
    isin: str | None = None
    name: str | None = None
    pkr_per_usd: Decimal | None = None
    """The rate at which what is held at the start counts towards the programme; left out: it
    was issued outside the programme."""
    rules: RulesSpec | None = None
    underlying: str | None = None
    """Of a sukuk: the asset that backs it."""
    sealed: bool | None = None
    metal: str | None = None
    """Of a commodity."""


class AssetSpec(_Table, frozen=True, kw_only=True):
    """A federal asset that is registered at the start."""

    id: str
    title: str | None = None
    value: Money | None = None


class FxSpec(_Table, frozen=True, kw_only=True):
    """A rate fixed before the chain began."""

    date: datetime.date
    pkr_per_usd: Decimal


class PolicySpec(_Table, frozen=True, kw_only=True):
    """Choices where the public record is silent; what is left out keeps its default."""

    programme_cap: Money | None = None
    request_window: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    fx_max_age_business_days: Annotated[int, msgspec.Meta(ge=0, le=366)] | None = None
    attestation_max_age_business_days: Annotated[int, msgspec.Meta(ge=0, le=366)] | None = None
    custody_states: tuple[Licence, ...] | None = None
    suspended_settlement: Literal["settle", "cancel"] | None = None
    travel_rule_threshold: Money | None = None
    pro_rata_step: Money | None = None
    ncb_share: Decimal | None = None
    """Percent of the target."""
    ncb_floor: Money | None = None
    ncb_limit: Money | None = None
    claim_topics: dict[str, tuple[str, ...]] | None = None
    """Topic -> whose claims are trusted, by ledger role or party id; replaces the default."""


class GenesisSpec(_Table, frozen=True, kw_only=True):
    """What the ledger holds before the first block."""

    include: str = "cash"
    """A shipped genesis (scenarios/data/genesis-NAME.toml); "none" starts from nothing."""
    calendar: str | None = None
    """A shipped, reviewed list of bank holidays (scenarios/data/calendar-NAME.csv)."""
    currencies: tuple[str, ...] | None = None
    regulations_commenced: bool | None = None
    parties: tuple[PartySpec, ...] = ()
    accounts: tuple[AccountSpec, ...] = ()
    crowds: tuple[CrowdSpec, ...] = ()
    series: tuple[SeriesSpec, ...] = ()
    assets: tuple[AssetSpec, ...] = ()
    fx: tuple[FxSpec, ...] = ()
    policies: PolicySpec = PolicySpec()
