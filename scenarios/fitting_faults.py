"""Do the faults fit the cast, and the fault budget that the scenario says it keeps?"""

from __future__ import annotations

from collections.abc import Iterator

from consensus.types import max_faulty
from scenarios.convert import entries, whole
from scenarios.errors import ScenarioError, did_you_mean, unknown
from scenarios.faults import Fault
from scenarios.faults.byzantine import ByzantineFault
from scenarios.faults.membership import MembershipFault, RotateKey
from scenarios.faults.proactive_recovery import ProactiveRecovery
from scenarios.genesis import merged
from scenarios.schema import Scenario, Validator, followers, light_observers, seats


def fault_problems(scenario: Scenario) -> Iterator[ScenarioError]:
    """What is wrong with faults beyond their own fields and the names in them."""
    yield from _only_validators_lie(scenario)
    yield from _known_clients(scenario)
    yield from _hostile_budget(scenario)
    yield from _membership(scenario)
    yield from _recovery(scenario)


def _only_validators_lie(scenario: Scenario) -> Iterator[ScenarioError]:
    ids = [validator.id for validator in seats(scenario)]
    for path, fault in entries("faults", scenario.faults, ByzantineFault):
        if not whole(fault):
            continue
        for selector in fault.selectors():
            plain = ":" not in selector and selector != "primary"
            if plain and selector not in ids:
                field = "node" if fault.node is not None else "nodes"
                message = f'"{selector}" is no validator: only they can be byzantine'
                yield ScenarioError(f"{path}.{field}", message)


def _known_clients(scenario: Scenario) -> Iterator[ScenarioError]:
    """Whose transactions a liar picks out are parties of genesis."""
    parties = [party.id for party in merged(scenario).parties]
    for path, fault in entries("faults", scenario.faults, ByzantineFault):
        for place, party in entries(f"{path}.clients", fault.clients, str):
            if whole(party) and party not in parties:
                yield unknown(place, "party", party, parties)


def _membership(scenario: Scenario) -> Iterator[ScenarioError]:
    """Who is added is an observer; who is removed or gets a key has a seat by then."""
    members = [validator.id for validator in seats(scenario)]
    observers = [observer.id for observer in followers(scenario)]
    light = [observer.id for observer in light_observers(scenario)]
    changes = [
        (path, fault)
        for path, fault in entries("faults", scenario.faults, MembershipFault)
        if whole(fault) and fault.node is not None  # without one: said by its own check
    ]
    for path, fault in sorted(changes, key=lambda change: change[1].at or 0):
        about, proposer = fault.about, fault.proposer
        if proposer is not None and proposer not in members:
            yield unknown(f"{path}.proposer", "validator", proposer, members)
        if fault.CHANGE != "add":
            if about not in members:
                yield unknown(f"{path}.node", "validator", about, members)
            elif fault.CHANGE == "remove":
                members.remove(about)
        elif about in members:
            yield ScenarioError(f"{path}.node", f'"{about}" is a validator already')
        elif about in light:
            message = f'"{about}" is a light observer: it has no ledger to vote on'
            yield ScenarioError(f"{path}.node", message)
        elif about not in observers:
            hint = did_you_mean(about, observers)
            message = f'"{about}" is no observer: [[observers]] names who can be added{hint}'
            yield ScenarioError(f"{path}.node", message)
        else:
            members.append(about)


def _recovery(scenario: Scenario) -> Iterator[ScenarioError]:
    """Proactive recovery counts keys by itself, and needs somebody to propose."""
    faults = [
        (path, fault)
        for path, fault in entries("faults", scenario.faults, Fault)
        if whole(fault) and isinstance(fault, ProactiveRecovery | RotateKey)
    ]
    recovering = [path for path, fault in faults if isinstance(fault, ProactiveRecovery)]
    if recovering and len(faults) > len(recovering):
        path = next(path for path, fault in faults if isinstance(fault, RotateKey))
        yield ScenarioError(path, f"{recovering[0]} brings new keys already; leave one of them out")


def _hostile_budget(scenario: Scenario) -> Iterator[ScenarioError]:
    """PBFT.md: more than f hostile validators only in a control run that says so."""
    validators = seats(scenario)
    if scenario.expect.safety == "violated" or not validators:
        return
    n = len(validators)
    f = max_faulty(n)
    count, path = hostile_count(scenario)
    if count > f:
        allowed = f"{n} validators tolerate {f}"
        remedy = 'a control run with more says expect.safety = "violated"'
        message = f"{count} validators may be hostile by now (lying, or forgetting what they said)"
        yield ScenarioError(path, f"{message}, but {allowed}; {remedy}")


def hostile_count(scenario: Scenario) -> tuple[int, str]:
    """(how many validators the faults can make hostile, the path of the fault that made it so
    many). Those that are drawn or chosen in the run count as others than all the rest."""
    validators = seats(scenario)
    named: dict[str, None] = {}
    unnamed = most = 0
    path = "faults"
    for place, fault in entries("faults", scenario.faults, Fault):
        if not whole(fault) or not fault.makes_hostile():
            continue
        for selector in fault.selectors():
            found = _named(selector, validators)
            if found is None:
                unnamed += _unnamed(selector, len(validators)) * _windows(fault, scenario)
            else:
                named.update(dict.fromkeys(found))
        count = min(len(named) + unnamed, len(validators))
        if count > most:
            most, path = count, place
    return most, path


def _named(selector: str, validators: list[Validator]) -> list[str] | None:
    """The validators that a selector is sure to mean; None if the run decides."""
    kind, _, value = selector.partition(":")
    if selector == "primary" or (kind == "random" and value):
        return None
    if kind in ("role", "city") and value:
        return [v.id for v in validators if getattr(v, kind) == value]
    return [v.id for v in validators if v.id == selector]


def _unnamed(selector: str, n: int) -> int:
    """How many validators a selector means that the run resolves."""
    count = selector.partition(":")[2]
    return 1 if selector == "primary" else max_faulty(n) if count == "f" else int(count)


def _windows(fault: Fault, scenario: Scenario) -> int:
    """How often a fault begins, each time with a choice of its own."""
    if fault.every is None or fault.at is None:
        return 1
    last = scenario.duration if fault.until is None else min(fault.until, scenario.duration)
    return max(0, last - fault.at) // fault.every + 1
