"""Do the faults fit the cast, and the fault budget that the scenario says it keeps?"""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.convert import entries, whole
from scenarios.errors import ScenarioError, did_you_mean, unknown
from scenarios.faults import Fault
from scenarios.faults.byzantine import ByzantineFault
from scenarios.faults.membership import MembershipFault, RotateKey
from scenarios.faults.proactive_recovery import ProactiveRecovery
from scenarios.genesis import merged
from scenarios.hostile_budget import budget_problems
from scenarios.schema import Scenario, followers, light_observers, seats


def fault_problems(scenario: Scenario) -> Iterator[ScenarioError]:
    """What is wrong with faults beyond their own fields and the names in them."""
    yield from _only_validators_lie(scenario)
    yield from _known_clients(scenario)
    yield from budget_problems(scenario)
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
