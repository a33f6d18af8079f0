"""PBFT.md's fault budget: more than f hostile validators only in a control run that says so.

Counted before anything runs, in the committee of every epoch that the scenario plans: a removal can
take from the honest what the budget needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from consensus.types import max_faulty
from scenarios.convert import entries, whole
from scenarios.errors import ScenarioError
from scenarios.faults import Fault
from scenarios.faults.membership import MembershipFault
from scenarios.faults.revoke_licence import RevokeLicence
from scenarios.schema import Scenario, Validator, ledger_nodes, seats

FEWEST = 4
"""The ledger takes no seat away below this."""


def budget_problems(scenario: Scenario) -> Iterator[ScenarioError]:
    """The first committee in which there may be more hostile validators than it bears."""
    if scenario.expect.safety == "violated":
        return
    for members, change in committees(scenario):
        n, f = len(members), max_faulty(len(members))
        count, path = hostile_count(scenario, members)
        if count > f:
            allowed = f"{n} validators tolerate {f}"
            if change:
                allowed = f"the {n} validators that {change} leaves tolerate {f}"
            remedy = 'a control run with more says expect.safety = "violated"'
            message = f"{count} validators may be hostile by now"
            message += " (lying, forgetting what they said, or with a clock beyond the drift bound)"
            yield ScenarioError(path, f"{message}, but {allowed}; {remedy}")
            return


def committees(scenario: Scenario) -> Iterator[tuple[tuple[str, ...], str]]:
    """(members, the path of the change that led there) of every epoch that is planned."""
    members = [validator.id for validator in seats(scenario)]
    if not members:
        return
    yield tuple(members), ""
    changes = [
        (path, fault)
        for path, fault in entries("faults", scenario.faults, Fault)
        if isinstance(fault, MembershipFault | RevokeLicence) and isinstance(fault.node, str)
    ]
    for path, fault in sorted(changes, key=lambda change: _when(change[1])):
        about = fault.selectors()[0].removesuffix(".desk")
        adds = isinstance(fault, MembershipFault) and fault.CHANGE == "add"
        removes = isinstance(fault, RevokeLicence) or fault.CHANGE == "remove"
        if adds and about not in members:
            members.append(about)
        elif removes and about in members and len(members) > FEWEST:
            members.remove(about)
        yield tuple(members), path


def _when(fault: Fault) -> int:
    return fault.at if isinstance(fault.at, int) else 0


def hostile_count(scenario: Scenario, members: Collection[str] | None = None) -> tuple[int, str]:
    """(how many of a committee the faults can make hostile, the path of the fault that made it so
    many); of the first committee by default. Those that are drawn or chosen in the run count as
    others than all the rest."""
    validators = seats(scenario)
    office = {v.id for v in validators} if members is None else set(members)
    named: dict[str, None] = {}
    unnamed = most = 0
    path = "faults"
    for place, fault in entries("faults", scenario.faults, Fault):
        if not whole(fault) or not fault.makes_hostile():
            continue
        for selector in fault.selectors():
            found = _named(selector, ledger_nodes(scenario))
            if found is None:
                unnamed += _unnamed(selector, len(validators)) * _windows(fault, scenario)
            else:
                named.update(dict.fromkeys(id_ for id_ in found if id_ in office))
        count = min(len(named) + unnamed, len(office))
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
