"""The first state of a chain, and its identity: the hash of all of it is the chain id.

A scenario's ``[genesis]`` and ``[[validators]]`` become one ``Genesis``; nothing else about
the ledger is configured anywhere. ``problems`` names everything that is wrong at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, Literal

import msgspec

from consensus.encoding import digest_of
from consensus.lazy import lazy
from consensus.types import Committee, Digest, Member
from nodes.ledger import bonds
from nodes.ledger.calendar import is_business_day
from nodes.ledger.identifiers import valid_lei
from nodes.ledger.instruments import EARLIEST_YEAR, LATEST_YEAR, term_problems
from nodes.ledger.pricing import PER_100_E4, locked_value_cents
from nodes.ledger.records import (
    MAX_AMOUNT,
    MAX_RATE_E4,
    MAX_SUPPLY,
    Account,
    FederalAsset,
    FxFix,
    Licence,
    Party,
    Series,
)


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A validator of the first committee, in proposer order."""

    id: str
    public_key: bytes
    role: str = "other"
    """Validator role of SCENARIOS.md: ministry, central-bank, licensor, registrar, …"""


class OpeningBalance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds at height 0, in minor units of ``asset``."""

    account: str
    asset: str
    amount: int
    fx_rate_e4: int = 0
    """Of a series under the programme: PKR per USD (10^-4) locked when it was issued."""


class TrustedIssuers(msgspec.Struct, frozen=True, kw_only=True):
    """Whose claims PVARA trusts for a topic."""

    topic: str
    issuers: tuple[str, ...]
    """Ledger roles or ids of parties."""


CLAIM_TOPICS: Final = (
    TrustedIssuers(topic="identity", issuers=("pvara", "vasp", "dealer")),
    TrustedIssuers(topic="accredited", issuers=("vasp", "dealer")),
    TrustedIssuers(topic="approval", issuers=("pvara", "vasp", "dealer")),
)


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """Choices where the record is silent; part of the chain id."""

    programme_cap_cents: int = 200_000_000_000
    """USD 2 billion outstanding, at the rates locked at issue."""
    request_window: int = 64
    """w of PBFT rule 30: request numbers that may be open at once per party."""
    fx_max_age_business_days: int = 1
    """A mint of securities wants a rate fixed today or at most so many business days ago."""
    attestation_max_age_business_days: int = 1
    """A mint of metal wants an attestation of today or at most so many business days ago."""
    custody_states: tuple[Licence, ...] = ("LICENSED",)
    """Licence states in which a VASP may take client assets in."""
    suspended_settlement: Literal["settle", "cancel"] = "settle"
    """What a suspended VASP may do with an instruction that was fully reserved before."""
    travel_rule_threshold: int | None = None
    """Cash transfers of at least so many minor units between customers or houses of two VASPs
    carry a travel-rule hash; None switches the rule off."""
    pro_rata_step: int = 5_000_000_000
    """Allotments at the cut-off price round to the nearest multiple: PKR 50 million."""
    ncb_share_e4: int = 5_000
    """Ceiling of a non-competitive bid in percent of the target, 10^-4: 0.5 %."""
    ncb_floor: int = 2_500_000_000
    """The ceiling is at least this: PKR 25 million."""
    ncb_limit: int = 50_000_000_000
    """The ceiling is at most this: PKR 500 million."""
    claim_topics: tuple[TrustedIssuers, ...] = CLAIM_TOPICS
    """What may be claimed of a party, and by whom."""


class Genesis(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that a chain starts from."""

    chain: str
    """Name of the chain."""
    validators: tuple[Seat, ...]
    parties: tuple[Party, ...]
    first_business_day: date
    """Date of the first DAY_OPEN."""
    accounts: tuple[Account, ...] = ()
    currencies: tuple[str, ...] = ("PKR",)
    series: tuple[Series, ...] = ()
    assets: tuple[FederalAsset, ...] = ()
    """Federal assets registered before the chain began; a sukuk of genesis names one."""
    balances: tuple[OpeningBalance, ...] = ()
    fx_fixes: tuple[FxFix, ...] = ()
    """Rates fixed before the chain began, oldest first."""
    holidays: tuple[date, ...] = ()
    """Bank holidays, reviewed, in order; Saturdays and Sundays need not be listed."""
    regulations_commenced: bool = False
    checkpoint_interval: int = 10
    """K of PBFT rule 9: the last slot of an epoch is a multiple of it (rule 27)."""
    window: int = 20
    """L: slots in flight above a stable checkpoint."""
    policies: Policies = Policies()

    @lazy
    def hash(self) -> Digest:
        """The chain id: SHA-256 over all fields."""
        return digest_of("genesis", self)

    @lazy
    def committee(self) -> Committee:
        """The configuration of epoch 0."""
        return Committee(0, (Member(seat.id, seat.public_key) for seat in self.validators))

    @lazy
    def closed(self) -> frozenset[date]:
        """The holidays, for look-ups."""
        return frozenset(self.holidays)

    def problems(self) -> list[str]:
        """Everything that is wrong with this genesis, each with its path; empty if nothing is."""
        return [
            *_check_names(self),
            *_check_dates_and_policies(self),
            *_check_parties(self),
            *_check_assets(self),
        ]


def _duplicates(path: str, names: Iterable[str]) -> Iterator[str]:
    seen: dict[str, None] = {}
    for name in names:
        if name in seen:
            yield f'{path}: "{name}" appears twice'
        seen[name] = None


def _check_names(genesis: Genesis) -> Iterator[str]:
    yield from _duplicates("validators", (seat.id for seat in genesis.validators))
    yield from _duplicates("parties", (party.id for party in genesis.parties))
    yield from _duplicates("parties.public_key", (p.public_key.hex() for p in genesis.parties))
    yield from _duplicates("parties.lei", (party.lei for party in genesis.parties if party.lei))
    yield from _duplicates("series.isin", (item.isin for item in genesis.series if item.isin))
    yield from _duplicates("accounts", (account.id for account in genesis.accounts))
    assets = (*genesis.currencies, *(series.id for series in genesis.series))
    yield from _duplicates("currencies and series", assets)
    yield from _duplicates("assets", (asset.id for asset in genesis.assets))
    yield from _duplicates("assets.title", (asset.title for asset in genesis.assets))
    backing = (item.underlying for item in genesis.series if item.underlying)
    yield from _duplicates("series.underlying", backing)
    yield from _duplicates("fx_fixes", (fix.date.isoformat() for fix in genesis.fx_fixes))
    if not genesis.validators:
        yield "validators: at least one is needed"


_RANGES: Final[dict[str, tuple[int, int]]] = {
    "programme_cap_cents": (0, MAX_SUPPLY),
    "request_window": (1, 1 << 16),
    "fx_max_age_business_days": (0, 366),
    "attestation_max_age_business_days": (0, 366),
    "travel_rule_threshold": (0, MAX_SUPPLY),
    "pro_rata_step": (1, MAX_AMOUNT),
    "ncb_share_e4": (0, PER_100_E4),
    "ncb_floor": (0, MAX_AMOUNT),
    "ncb_limit": (0, MAX_AMOUNT),
}
"""Policies that are numbers, and from what to what they may go."""


def _check_dates_and_policies(genesis: Genesis) -> Iterator[str]:
    first = genesis.first_business_day
    if not EARLIEST_YEAR <= first.year <= LATEST_YEAR:
        yield f"first_business_day: the year must be from {EARLIEST_YEAR} to {LATEST_YEAR}"
    elif not is_business_day(first, genesis.closed):
        yield f"first_business_day: {first} is a weekend or a holiday"
    for index, fix in enumerate(genesis.fx_fixes):
        if not 0 < fix.rate_e4 <= MAX_RATE_E4:
            yield f"fx_fixes[{index}].rate_e4: must be above 0 and at most {MAX_RATE_E4}"
    for name, (low, high) in _RANGES.items():
        value = getattr(genesis.policies, name)
        if value is not None and not low <= value <= high:
            yield f"policies.{name}: must be from {low} to {high}"
    if genesis.policies.pro_rata_step % bonds.DENOMINATION:
        yield f"policies.pro_rata_step: must be a multiple of {bonds.DENOMINATION}"


def _check_parties(genesis: Genesis) -> Iterator[str]:
    parties = {party.id: party for party in genesis.parties}
    for index, party in enumerate(genesis.parties):
        if party.lei and not valid_lei(party.lei):
            yield f'parties[{index}].lei: the check digits of "{party.lei}" are wrong'
        if party.custodian and party.custodian not in parties:
            yield f'parties[{index}].custodian: unknown party "{party.custodian}"'
        if party.role == "investor" and not party.custodian:
            yield f'parties[{index}].custodian: investor "{party.id}" needs one'
    for index, account in enumerate(genesis.accounts):
        for field, name in (("owner", account.owner), ("custodian", account.custodian)):
            if name not in parties and (name or field == "owner"):
                yield f'accounts[{index}].{field}: unknown party "{name}"'


def _check_assets(genesis: Genesis) -> Iterator[str]:
    accounts = {account.id: account for account in genesis.accounts}
    ministry = {party.id for party in genesis.parties if party.role == "mof"}
    series = {item.id: item for item in genesis.series}
    values = {asset.id: asset.value for asset in genesis.assets}
    for index, item in enumerate(genesis.series):
        for problem in term_problems(item):
            yield f"series[{index}]: {problem}"
        if item.currency not in genesis.currencies:
            yield f'series[{index}].currency: unknown currency "{item.currency}"'
        holder = accounts.get(item.issuer_account)
        if holder is None or holder.owner not in ministry:
            yield f"series[{index}].issuer_account: must be an account of the ministry"
        if item.underlying and item.underlying not in values:
            yield f'series[{index}].underlying: unknown asset "{item.underlying}"'
    totals: dict[str, int] = {}
    locked_cents = 0
    for index, balance in enumerate(genesis.balances):
        path = f"balances[{index}]"
        if balance.account not in accounts:
            yield f'{path}.account: unknown account "{balance.account}"'
        if balance.asset not in series and balance.asset not in genesis.currencies:
            yield f'{path}.asset: unknown asset "{balance.asset}"'
        if balance.asset in series and series[balance.asset].instrument == "commodity":
            yield f"{path}.asset: metal is minted against an attestation, not given at the start"
        if balance.amount <= 0:
            yield f"{path}.amount: must be positive"
        elif balance.asset in series and balance.amount % series[balance.asset].denomination:
            yield f"{path}.amount: not a multiple of the denomination"
        if balance.fx_rate_e4 < 0:
            yield f"{path}.fx_rate_e4: must not be negative"
        elif balance.fx_rate_e4:
            locked_cents += locked_value_cents(balance.amount, balance.fx_rate_e4)
        totals[balance.asset] = totals.get(balance.asset, 0) + balance.amount
    if locked_cents > genesis.policies.programme_cap_cents:
        yield f"balances: {locked_cents} US cents of the programme exceed its cap"
    for asset, total in totals.items():
        if total > MAX_SUPPLY:
            yield f"balances: more than {MAX_SUPPLY} minor units of {asset}"
        backing = series[asset].underlying if asset in series else ""
        if total > values.get(backing, total):
            yield f"balances: more {asset} than its asset is worth"
