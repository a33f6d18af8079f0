"""The cast of a scenario for the view model: validators, and faults as the file plans them."""

from __future__ import annotations

from chainsim.build import Simulation
from chainsim.dashboard.facts import Cast, Planned, Seat
from scenarios.faults import Fault
from scenarios.faults.byzantine import ByzantineFault
from scenarios.faults.partition import Partition
from scenarios.schema import Scenario, ledger_nodes


def cast_of(scenario: Scenario, simulation: Simulation, given: int) -> Cast:
    """``given``: how many faults the file had before anybody did anything live."""
    return Cast(
        scenario=scenario.name,
        title=scenario.title,
        seed=scenario.seed,
        duration_us=scenario.duration,
        seats=tuple(Seat(v.id, v.role, v.city) for v in ledger_nodes(scenario)),
        members=len(scenario.validators),
        faults=planned(scenario.faults, given),
        opening=simulation.context.opening,
    )


def planned(faults: tuple[Fault, ...], given: int) -> tuple[Planned, ...]:
    """The timeline's rows, one per fault."""
    return tuple(_planned(fault, number >= given) for number, fault in enumerate(faults))


def _planned(fault: Fault, live: bool) -> Planned:
    start_us = fault.begins_us()
    length_us = fault.length_us()
    until_us = fault.until
    if start_us is not None and length_us is not None and fault.every is None:
        until_us = start_us + length_us
    if fault.ENDS_THEN:
        until_us = fault.at
    return Planned(
        kind=str(type(fault).__struct_config__.tag),
        what=_whom(fault),
        from_us=start_us,
        until_us=until_us,
        live=live,
    )


def _whom(fault: Fault) -> str:
    if isinstance(fault, Partition):
        return " | ".join(", ".join(group) for group in sorted(fault.groups, key=len))
    whom = ", ".join(dict.fromkeys(fault.selectors()))
    if isinstance(fault, ByzantineFault):
        whom += f": {fault.behaviour}"
    return whom
