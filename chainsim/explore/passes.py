"""The steps of shrinking: each makes simpler candidates of a scenario, boldest first.

A pass is a pure function to candidates; ``shrink`` takes the first one that still fails alike and
asks the pass again. To add one, write it and its line in ``PASSES``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from chainsim.explore.aside import without_idle_intruder
from chainsim.explore.reseating import without_idle_observers
from nodes.ledger.transactions import Transfer, decode
from scenarios.faults import Fault
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.schema import Scenario
from scenarios.units import Amount, show_amount
from scenarios.workload.plan import submissions
from scenarios.workload.script import Script, Step
from scenarios.workload.transfers import Transfers

T = TypeVar("T")

Pass = Callable[[Scenario], Iterator[Scenario]]

TIMES: Final = ("at", "for_", "until", "every", "when", "downtime")
"""When a fault acts: other passes see to that, as a fault without an end is outside the model."""

ROUND_US: Final = 10_000
"""Times are rounded to this where it makes no difference."""


def spelt_out(scenario: Scenario) -> Scenario:
    """Every ``transfers`` as a script of its single transactions; the run stays the same."""
    keys = Keys(scenario.seed, scenario.consensus.signatures)
    genesis = make_genesis(scenario, keys)
    workloads = []
    for index, workload in enumerate(scenario.workload):
        if isinstance(workload, Transfers):
            alone = _only(scenario, index)
            planned = list(submissions(alone, genesis, keys))
            if any(workload is other for other in scenario.workload[:index]):
                return scenario
            workloads.append(Script(steps=tuple(_step(item) for item in planned)))
        else:
            workloads.append(workload)  # type: ignore[arg-type]
    return msgspec.structs.replace(scenario, workload=tuple(workloads))


def _only(scenario: Scenario, index: int) -> Scenario:
    """Workload ``index`` alone; those before it are emptied, as its draws hang on its place.
    Without faults: what changes of the committee submit stays with them."""
    kept = [
        workload if place == index else Script(steps=())
        for place, workload in enumerate(scenario.workload[: index + 1])
    ]
    return msgspec.structs.replace(scenario, workload=tuple(kept), faults=())


def _step(submission: Any) -> Step:
    transaction = decode(submission.operation)
    assert transaction is not None
    body = transaction.body
    assert isinstance(body, Transfer)
    amount = show_amount(Amount(body.amount.amount, body.amount.asset))
    fields = {"source": body.source, "target": body.target, "amount": amount}
    return Step(at=submission.at_us, from_=submission.party, tx="TRANSFER", body=fields)


def without_parts(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """The items without all, without each half, each quarter … down to without each single one."""
    size = len(items)
    while size:
        for start in range(0, len(items), size):
            yield (*items[:start], *items[start + size :])
        size //= 2


def drop_faults(scenario: Scenario) -> Iterator[Scenario]:
    """Fewer faults."""
    for faults in without_parts(scenario.faults):
        yield msgspec.structs.replace(scenario, faults=faults)


def drop_workload(scenario: Scenario) -> Iterator[Scenario]:
    """Fewer workloads, then fewer transactions of each script."""
    for workload in without_parts(scenario.workload):
        yield msgspec.structs.replace(scenario, workload=workload)
    for index, script in enumerate(scenario.workload):
        if isinstance(script, Script):
            for steps in without_parts(script.steps):
                changed = list(scenario.workload)
                changed[index] = Script(steps=steps)
                yield msgspec.structs.replace(scenario, workload=tuple(changed))


def fewer_validators(scenario: Scenario) -> Iterator[Scenario]:
    """Without observers that nothing is about, then without one validator: down to four, below
    which nothing is tolerated."""
    yield without_idle_intruder(without_idle_observers(scenario))
    if len(scenario.validators) <= 4:
        return
    for gone in reversed(scenario.validators):
        validators = tuple(v for v in scenario.validators if v is not gone)
        faults = tuple(
            kept for fault in scenario.faults if (kept := _without_node(fault, gone.id)) is not None
        )
        yield msgspec.structs.replace(scenario, validators=validators, faults=faults)


def shorten(scenario: Scenario) -> Iterator[Scenario]:
    """Less virtual time."""
    for share in (8, 4, 2):
        yield msgspec.structs.replace(scenario, duration=max(1, scenario.duration // share))


def narrow_windows(scenario: Scenario) -> Iterator[Scenario]:
    """Faults that last half as long, or begin at a rounder time."""
    for index, fault in enumerate(scenario.faults):
        for name in ("for_", "downtime"):
            length_us = getattr(fault, name, None)
            if length_us is not None and length_us > 2 * ROUND_US:
                yield _with_fault(scenario, index, {name: _rounded(length_us // 2)})
        for name in ("at", "for_"):
            at_us = getattr(fault, name)
            if at_us is not None and at_us % ROUND_US:
                yield _with_fault(scenario, index, {name: _rounded(at_us)})


def fewer_nodes(scenario: Scenario) -> Iterator[Scenario]:
    """Faults that hit fewer nodes."""
    for index, fault in enumerate(scenario.faults):
        for name in ("nodes", "from_", "to", "receivers", "types", "changes"):
            several = getattr(fault, name, ())
            if isinstance(several, tuple) and len(several) > 1:
                for left in without_parts(several):
                    if left:
                        yield _with_fault(scenario, index, {name: left})


def fewer_views(scenario: Scenario) -> Iterator[Scenario]:
    """Twins that are divided by view for fewer views, or talk to everybody in one."""
    for index, fault in enumerate(scenario.faults):
        groups = getattr(fault, "groups", ())
        if getattr(fault, "behaviour", "") != "twins" or len(groups) <= 2:
            continue
        for kept in range(2, len(groups), 2):
            if all(groups[:kept]) or kept > 2:
                yield _with_fault(scenario, index, {"groups": groups[:kept]})
        everybody = tuple(v.id for v in scenario.validators if v.id not in fault.selectors())
        for place in range(0, len(groups), 2):
            pair = (everybody, everybody)
            if groups[place : place + 2] != pair:
                changed = (*groups[:place], *pair, *groups[place + 2 :])
                yield _with_fault(scenario, index, {"groups": changed})


def simpler_faults(scenario: Scenario) -> Iterator[Scenario]:
    """Fields of a fault back at their defaults, one at a time: the options of hostile nodes too."""
    for index, fault in enumerate(scenario.faults):
        for field in msgspec.structs.fields(fault):
            if field.name in TIMES or field.required:
                continue
            default = field.default
            if default is msgspec.NODEFAULT or getattr(fault, field.name) == default:
                continue
            yield _with_fault(scenario, index, {field.name: default})
        if fault.when is not None and fault.when.count > 1:
            when = msgspec.structs.replace(fault.when, count=1)
            yield _with_fault(scenario, index, {"when": when})


PASSES: Final[dict[str, Pass]] = {
    "fewer faults": drop_faults,
    "less work": drop_workload,
    "fewer validators": fewer_validators,
    "less time": shorten,
    "simpler faults": simpler_faults,
    "fewer views": fewer_views,
    "fewer nodes": fewer_nodes,
    "narrower windows": narrow_windows,
}
"""In the order in which they are tried."""


def size_of(scenario: Scenario) -> int:
    """Faults, validators, transactions, and fields of faults that aren't at their defaults."""
    keys = Keys(scenario.seed, scenario.consensus.signatures)
    genesis = make_genesis(scenario, keys)
    transactions = sum(1 for _ in submissions(scenario, genesis, keys))
    options = sum(
        1
        for fault in scenario.faults
        for field in msgspec.structs.fields(fault)
        if field.default is not msgspec.NODEFAULT
        and field.name not in TIMES
        and getattr(fault, field.name) != field.default
    )
    return len(scenario.faults) + len(scenario.validators) + transactions + options


def _rounded(time_us: int) -> int:
    return max(ROUND_US, time_us // ROUND_US * ROUND_US)


def _with_fault(scenario: Scenario, index: int, changes: dict[str, Any]) -> Scenario:
    """The scenario with a changed fault; unchanged if the fault can't be so."""
    fault = _changed(scenario.faults[index], changes)
    if fault is None:
        return scenario
    faults = (*scenario.faults[:index], fault, *scenario.faults[index + 1 :])
    return msgspec.structs.replace(scenario, faults=faults)


def _changed(fault: Fault, changes: dict[str, Any]) -> Fault | None:
    try:
        return msgspec.structs.replace(fault, **changes)
    except ValueError:
        return None


def _without_node(fault: Fault, gone: str) -> Fault | None:
    """The fault without a validator that is no more; None if nobody is left of it."""
    changes: dict[str, Any] = {}
    for name in (
        "node",
        "nodes",
        "from_",
        "to",
        "receivers",
        "bridge",
        "groups",
        "members",
        "order",
    ):
        value = getattr(fault, name, None)
        left = _without(value, gone)
        if left == value:
            continue
        if not left and name in ("node", "nodes", "from_", "to"):
            return None
        if name == "groups" and not all(left) and len(left) <= 2:
            return None
        changes[name] = left
    if fault.when is not None and fault.when.node == gone:
        changes["when"] = msgspec.structs.replace(fault.when, node=None)
    return _changed(fault, changes) if changes else fault


def _without(value: Any, gone: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_without(item, gone) for item in value if item != gone)
    return None if value == gone else value
