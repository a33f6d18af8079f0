"""From the ``[genesis]`` section to the ledger's ``Genesis``.

A shipped genesis is laid under the scenario's own section: parties, accounts and series by id
(fields that are written replace those below), FX fixes by date, policies one by one. Every
validator's seat comes from ``[[validators]]``; keys derive from the seed.
"""

from __future__ import annotations

import csv
import datetime
import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar

import msgspec

from nodes.ledger.genesis import Genesis, OpeningBalance, Policies, Seat, TrustedIssuers
from nodes.ledger.records import (
    NO_RULES,
    OPEN_ENDED,
    Account,
    FederalAsset,
    FxFix,
    Party,
    Rules,
    Series,
)
from scenarios.convert import FAILED, Converter, entries, whole
from scenarios.data_files import data_names, data_text
from scenarios.errors import ScenarioError, did_you_mean, quoted
from scenarios.genesis_spec import (
    PARTY_ROLES,
    AccountSpec,
    CrowdSpec,
    FxSpec,
    GenesisSpec,
    PartySpec,
    PolicySpec,
    RulesSpec,
    SeriesSpec,
)
from scenarios.keys import Keys
from scenarios.schema import Scenario, ledger_nodes, seats
from scenarios.units import UnitError, parse_amount
from scenarios.workload.bodies import ten_thousandths

NOTHING: Final = "none"
"""``include = "none"``: start from an empty ledger."""

DEFAULT_CITY: Final = "karachi"

S = TypeVar("S", bound=msgspec.Struct)


def shipped_geneses() -> tuple[str, ...]:
    """What ``genesis.include`` may name besides "none"."""
    return data_names("genesis-", ".toml")


def shipped_calendars() -> tuple[str, ...]:
    """What ``genesis.calendar`` may name."""
    return data_names("calendar-", ".csv")


@cache
def shipped_genesis(name: str) -> GenesisSpec:
    """A shipped section as it is written. Raises ``FileNotFoundError``."""
    if name == NOTHING:
        return GenesisSpec(include=NOTHING)
    converter = Converter({})
    text = data_text(f"genesis-{name}.toml")
    spec = converter.struct(GenesisSpec, tomllib.loads(text, parse_float=Decimal))
    assert not converter.errors, f"genesis-{name}: {converter.errors}"
    assert isinstance(spec, GenesisSpec)
    return spec


@cache
def holidays(name: str) -> tuple[datetime.date, ...]:
    """Bank holidays of a shipped calendar, in order. Raises ``FileNotFoundError``."""
    rows = csv.DictReader(data_text(f"calendar-{name}.csv").splitlines())
    return tuple(sorted(datetime.date.fromisoformat(row["date"]) for row in rows))


def overlay(below: GenesisSpec, above: GenesisSpec) -> GenesisSpec:
    """``above`` laid over ``below``; only what ``above`` says replaces anything."""
    return GenesisSpec(
        include=NOTHING,
        calendar=above.calendar if above.calendar is not None else below.calendar,
        currencies=above.currencies if above.currencies is not None else below.currencies,
        regulations_commenced=(
            above.regulations_commenced
            if above.regulations_commenced is not None
            else below.regulations_commenced
        ),
        parties=_by_key(below.parties, above.parties, "id"),
        accounts=_by_key(below.accounts, above.accounts, "id"),
        crowds=_by_key(below.crowds, above.crowds, "id"),
        series=_by_key(below.series, above.series, "id"),
        assets=_by_key(below.assets, above.assets, "id"),
        fx=_by_key(below.fx, above.fx, "date"),
        policies=_over(below.policies, above.policies),
    )


def _by_key(below: Iterable[S], above: Iterable[S], key: str) -> tuple[S, ...]:
    items = {getattr(item, key): item for item in below}
    for item in above:
        if not whole(getattr(item, key, FAILED)):
            continue  # reported already
        name = getattr(item, key)
        items[name] = _over(items[name], item) if name in items else item
    return tuple(items.values())


def _over(below: S, above: S) -> S:
    written = {
        name: value
        for name in above.__struct_fields__
        if (value := getattr(above, name)) is not None
    }
    return msgspec.structs.replace(below, **written)


def merged(scenario: Scenario) -> GenesisSpec:
    """The whole section: the shipped one (if it exists) with the scenario's own laid over it."""
    include = scenario.genesis.include
    below = shipped_genesis(include if include in shipped_geneses() else NOTHING)
    return overlay(below, scenario.genesis)


def make_genesis(scenario: Scenario, keys: Keys) -> Genesis:
    """The first state of the scenario's chain. The scenario has been checked (``problems``)."""
    spec = merged(scenario)
    given = {
        name: value
        for name in ("currencies", "regulations_commenced")
        if (value := getattr(spec, name)) is not None
    }
    rates = {
        item.id: ten_thousandths(item.pkr_per_usd)
        for item in spec.series
        if item.pkr_per_usd is not None
    }
    accounts = (*spec.accounts, *(item for crowd in spec.crowds for item in members(crowd)))
    return Genesis(
        chain=scenario.name,
        validators=tuple(
            Seat(id=v.id, public_key=keys.validator(v.id).public_key, role=v.role)
            for v in seats(scenario)
        ),
        parties=tuple(_parties(scenario, spec, keys)),
        first_business_day=scenario.calendar.start,
        accounts=tuple(
            Account(id=item.id, owner=item.owner or "", custodian=item.custodian or "")
            for item in accounts
        ),
        series=tuple(_series(item) for item in spec.series),
        assets=tuple(
            FederalAsset(
                id=item.id,
                title=item.title or item.id,
                value=parse_amount(item.value).minor if item.value is not None else 0,
            )
            for item in spec.assets
        ),
        balances=tuple(
            OpeningBalance(
                account=account.id,
                asset=amount.asset,
                amount=amount.minor,
                fx_rate_e4=rates.get(amount.asset, 0),
            )
            for account in accounts
            for amount in map(parse_amount, account.balance or ())
        ),
        fx_fixes=tuple(
            FxFix(date=fix.date, rate_e4=ten_thousandths(fix.pkr_per_usd))
            for fix in sorted(spec.fx, key=lambda fix: fix.date)
        ),
        holidays=holidays(spec.calendar) if spec.calendar else (),
        policies=_policies(spec.policies),
        checkpoint_interval=scenario.consensus.checkpoint_interval,
        window=scenario.consensus.window,
        **given,
    )


def members(crowd: CrowdSpec) -> Iterator[AccountSpec]:
    """The accounts of a crowd, in order."""
    for number in range(1, (crowd.count or 0) + 1):
        yield AccountSpec(
            id=f"{crowd.id}/{number:05d}",
            owner=crowd.owner,
            custodian=crowd.custodian,
            balance=crowd.balance,
        )


def client_cities(scenario: Scenario) -> dict[str, str]:
    """Party id -> the city where its client runs."""
    cities = {node.id: node.city for node in ledger_nodes(scenario)}
    return {
        party.id: party.city or cities.get(party.id) or DEFAULT_CITY
        for party in merged(scenario).parties
    }


def _parties(scenario: Scenario, spec: GenesisSpec, keys: Keys) -> Iterator[Party]:
    """The parties that are written, and who runs a node and is nothing else on the ledger."""
    known: dict[str, object] = {}
    for party in spec.parties:
        known[party.id] = party
        yield _party(party, keys)
    for node in ledger_nodes(scenario):
        if node.id not in known:
            known[node.id] = node
            yield Party(id=node.id, role="validator", public_key=keys.party(node.id).public_key)


def _party(spec: PartySpec, keys: Keys) -> Party:
    fields = {
        name: value
        for name in spec.__struct_fields__
        if name not in ("id", "role", "city") and (value := getattr(spec, name)) is not None
    }
    role: Any = PARTY_ROLES[spec.role or ""]
    return Party(id=spec.id, role=role, public_key=keys.party(spec.id).public_key, **fields)


def _series(spec: SeriesSpec) -> Series:
    assert spec.instrument is not None, "checked by merged_problems"
    assert spec.denomination is not None
    assert spec.issue_date is not None
    return Series(
        id=spec.id,
        instrument=spec.instrument,
        issue_date=spec.issue_date,
        maturity_date=spec.maturity_date or OPEN_ENDED,
        denomination=parse_amount(spec.denomination).minor,
        issuer_account=spec.issuer_account or "",
        currency=spec.currency or "PKR",
        coupon_e4=ten_thousandths(spec.coupon or Decimal(0)),
        isin=spec.isin or "",
        name=spec.name or "",
        rules=_rules(spec.rules) if spec.rules is not None else NO_RULES,
        underlying=spec.underlying or "",
        sealed=bool(spec.sealed),
        metal=spec.metal or "",
    )


def _rules(spec: RulesSpec) -> Rules:
    return Rules(
        countries=spec.countries,
        topics=spec.topics,
        window_days=spec.window_days or 0,
        approval=spec.approval,
        **{
            name: parse_amount(amount).minor
            for name in ("max_balance", "supply_limit", "window_limit")
            if (amount := getattr(spec, name)) is not None
        },
    )


_POLICY_NAMES: Final = {"programme_cap": "programme_cap_cents", "ncb_share": "ncb_share_e4"}
_POLICY_ASSETS: Final = {"programme_cap": "USD"}
"""Currency of a policy's amount, where it isn't PKR."""
_AMOUNTS: Final = (
    "programme_cap",
    "travel_rule_threshold",
    "pro_rata_step",
    "ncb_floor",
    "ncb_limit",
)


def _policies(spec: PolicySpec) -> Policies:
    fields: dict[str, Any] = {}
    for name in spec.__struct_fields__:
        value = getattr(spec, name)
        if value is None:
            continue
        if name in _AMOUNTS:
            value = parse_amount(value).minor
        elif name == "ncb_share":
            value = ten_thousandths(value)
        elif name == "claim_topics":
            value = tuple(
                TrustedIssuers(topic=topic, issuers=issuers) for topic, issuers in value.items()
            )
        fields[_POLICY_NAMES.get(name, name)] = value
    return Policies(**fields)


_KEYS: Final = {
    "parties": "id",
    "accounts": "id",
    "crowds": "id",
    "series": "id",
    "assets": "id",
    "fx": "date",
}
"""What the entries of each table are known by."""


def spec_problems(spec: GenesisSpec) -> Iterator[ScenarioError]:
    """What is wrong with the scenario's own section, before it is laid over the included one."""
    known = (NOTHING, *shipped_geneses())
    if spec.include not in known:
        hint = did_you_mean(spec.include, known)
        yield ScenarioError("genesis.include", f"unknown genesis {quoted(spec.include)}{hint}")
    if spec.calendar is not None and spec.calendar not in shipped_calendars():
        hint = did_you_mean(spec.calendar, shipped_calendars())
        yield ScenarioError("genesis.calendar", f"unknown calendar {quoted(spec.calendar)}{hint}")
    for path, party in entries("genesis.parties", spec.parties, PartySpec):
        if party.role not in (None, *PARTY_ROLES):
            hint = did_you_mean(str(party.role), PARTY_ROLES)
            yield ScenarioError(f"{path}.role", f"unknown role {quoted(party.role)}{hint}")
    for field, key in _KEYS.items():
        seen: dict[Any, int] = {}
        for index, item in enumerate(getattr(spec, field)):
            name = getattr(item, key, None)
            if name in seen:
                place = f"genesis.{field}[{index}].{key}"
                yield ScenarioError(place, f'"{name}" is already genesis.{field}[{seen[name]}]')
            seen.setdefault(name, index)
    yield from _number_problems(spec)


def _number_problems(spec: GenesisSpec) -> Iterator[ScenarioError]:
    numbers: list[tuple[str, Any]] = [("genesis.policies.ncb_share", spec.policies.ncb_share)]
    for path, series in entries("genesis.series", spec.series, SeriesSpec):
        numbers.append((f"{path}.coupon", series.coupon))
        numbers.append((f"{path}.pkr_per_usd", series.pkr_per_usd))
    for path, fix in entries("genesis.fx", spec.fx, FxSpec):
        numbers.append((f"{path}.pkr_per_usd", fix.pkr_per_usd))
    for path, number in numbers:
        if isinstance(number, int | Decimal):
            try:
                if ten_thousandths(number) < 0:
                    raise UnitError("wanted a number of 0 or more")
            except UnitError as error:
                yield ScenarioError(path, f"{error}, got {number}")
    for name in _AMOUNTS:
        value = getattr(spec.policies, name)
        asset = _POLICY_ASSETS.get(name, "PKR")
        if isinstance(value, str) and parse_amount(value).asset != asset:
            yield ScenarioError(f"genesis.policies.{name}", f"wanted an amount in {asset}")


def merged_problems(scenario: Scenario) -> Iterator[ScenarioError]:
    """What is missing once the sections lie over each other; paths name the scenario's entries."""
    spec = merged(scenario)
    places = {
        (field, item.id): f"genesis.{field}[{index}]"
        for field in ("parties", "accounts", "crowds", "series")
        for index, item in enumerate(getattr(scenario.genesis, field))
    }
    for party in spec.parties:
        if party.role is None:
            place = places["parties", party.id]
            yield ScenarioError(f"{place}.role", f'missing: "{party.id}" is a new party')
    for account in spec.accounts:
        if account.owner is None:
            place = places["accounts", account.id]
            yield ScenarioError(f"{place}.owner", f'missing: "{account.id}" is a new account')
    for crowd in spec.crowds:
        for name in ("owner", "count"):
            if getattr(crowd, name) is None:
                place = places["crowds", crowd.id]
                yield ScenarioError(f"{place}.{name}", f'missing: "{crowd.id}" is a new crowd')
    for series in spec.series:
        for name in ("instrument", "issue_date", "maturity_date", "denomination", "issuer_account"):
            if name == "maturity_date" and series.instrument == "commodity":
                continue
            if getattr(series, name) is None:
                place = places["series", series.id]
                yield ScenarioError(f"{place}.{name}", f'missing: "{series.id}" is a new series')
