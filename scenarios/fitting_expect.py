"""Does ``[expect]`` name things that exist, and can each of its lines fail?"""

from __future__ import annotations

from collections.abc import Iterator

from nodes.ledger.receipts import SYSTEM_TYPES
from nodes.ledger.transactions import BODIES
from scenarios.convert import entries, whole
from scenarios.errors import ScenarioError, did_you_mean, quoted, unknown
from scenarios.faults import FAULTS
from scenarios.fitting_genesis import can_make_genesis
from scenarios.genesis import members, merged
from scenarios.metrics import BESIDE, METRICS, comparable
from scenarios.schema import (
    MILESTONES,
    SOMETIMES,
    Expect,
    ExpectBalance,
    ExpectMetric,
    ExpectReceipts,
    Scenario,
    ledger_nodes,
    seats,
)
from scenarios.units import parse_amount
from scenarios.workload.bodies import CODES
from scenarios.workload.script import Script, Step


def expect_problems(scenario: Scenario) -> Iterator[ScenarioError]:
    """Everything wrong with the section that its fields alone don't show."""
    yield from _names(scenario)
    yield from _receipts(scenario.expect)
    yield from _balances(scenario)
    yield from _metrics(scenario.expect)


def _names(scenario: Scenario) -> Iterator[ScenarioError]:
    expect = scenario.expect
    ids = [validator.id for validator in seats(scenario)]
    for path, culprit in entries("expect.culprits", expect.culprits, str):
        if culprit not in ids:
            yield unknown(path, "validator", culprit, ids)
    events = (*SOMETIMES, *MILESTONES, *FAULTS)
    for path, event in entries("expect.sometimes", expect.sometimes, str):
        if event not in events:
            yield unknown(path, "event", event, events)
    roles = sorted({node.role for node in ledger_nodes(scenario)})
    for path, role in entries("expect.halt_alone_never", expect.halt_alone_never, str):
        if roles and role not in roles:
            hint = did_you_mean(role, roles)
            yield ScenarioError(path, f'no validator has the role "{role}"{hint}')


def _receipts(expect: Expect) -> Iterator[ScenarioError]:
    types = (*BODIES, *SYSTEM_TYPES)
    for path, row in entries("expect.receipts", expect.receipts, ExpectReceipts):
        if whole(row.tx) and row.tx not in types:
            yield unknown(f"{path}.tx", "transaction", row.tx, types)
        if row.code not in CODES:
            yield unknown(f"{path}.code", "code", row.code, CODES)
        bounds = row.min is not None or row.max is not None
        if row.count is not None and bounds:
            yield ScenarioError(path, "wanted count, or min and max, not both")
        if row.count is None and not bounds:
            yield ScenarioError(path, "wanted count, min or max")


def _metrics(expect: Expect) -> Iterator[ScenarioError]:
    for path, metric in entries("expect.metric", expect.metric, ExpectMetric):
        if not whole(metric):
            continue
        if metric.name not in METRICS:
            yield unknown(f"{path}.name", "metric", metric.name, METRICS)
        elif metric.name.startswith(BESIDE) and expect.beside is None:
            message = 'needs another run to compare with: expect.beside = "undisturbed"'
            yield ScenarioError(f"{path}.name", message)
        elif comparable(metric.name, metric.value) is None:
            message = f"wanted {METRICS[metric.name]}, got {quoted(metric.value)}"
            yield ScenarioError(f"{path}.value", message)


def _balances(scenario: Scenario) -> Iterator[ScenarioError]:
    if not can_make_genesis(scenario):
        return
    spec = merged(scenario)
    created = _created(scenario)
    accounts = account_names(scenario)
    assets = [*(spec.currencies or ("PKR",)), *(item.id for item in spec.series), *created]
    for path, row in entries("expect.balance", scenario.expect.balance, ExpectBalance):
        if whole(row.account) and row.account not in accounts:
            yield unknown(f"{path}.account", "account", row.account, accounts)
        if whole(row.amount) and (asset := parse_amount(row.amount).asset) not in assets:
            yield unknown(f"{path}.amount", "currency or series", asset, assets)


def account_names(scenario: Scenario) -> list[str]:
    """The accounts of genesis, and those that scripts open (with the series that they define)."""
    spec = merged(scenario)
    crowded = (item.id for crowd in spec.crowds if whole(crowd) for item in members(crowd))
    return [*(account.id for account in spec.accounts), *_created(scenario), *crowded]


def _created(scenario: Scenario) -> list[str]:
    """Ids of accounts and series that scripts bring into being while the run goes on."""
    scripts = entries("workload", scenario.workload, Script)
    steps = [step for _, script in scripts for _, step in entries("steps", script.steps, Step)]
    kinds = ("ACCOUNT_OPEN", "SERIES_DEFINE")
    return [str(step.body.get("id", "")) for step in steps if step.tx in kinds]
