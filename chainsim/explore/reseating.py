"""Draws changes of the committee: who joins, leaves, gets a new key or is recovered in turn.

They are ordered through the ledger (PBFT rules 26 to 28), so what is refused there may be drawn:
a second change while one is under way, a committee of three. What no file can ask for may not:
nobody changes after leaving, and proactive recovery counts keys by itself. The hostile budget
holds for every committee that a run may come to have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from consensus.types import max_faulty
from scenarios.faults import Fault
from scenarios.faults.membership import AddValidator
from scenarios.schema import Observer, Scenario

if TYPE_CHECKING:
    from chainsim.explore.drawing import Draw

JOINER: Final = "joiner"
"""The observer that gets a seat; a scenario in which it does has it."""
_TURNS: Final = 3
"""Validators that proactive recovery reboots, at most."""


def may_change(draw: Draw, kind: str) -> bool:
    """Whether one more fault of a kind fits the changes that are drawn already."""
    match kind:
        case "add-validator":
            return not draw.changes_of(kind)
        case "remove-validator":
            return bool(_removable(draw)) and draw.budget >= _dearer(draw)
        case "rotate-key":
            return bool(_sitting(draw)) and not draw.changes_of("proactive-recovery")
        case "proactive-recovery":
            return not draw.changes_of("rotate-key") and not draw.changes_of(kind)
    return True


def add(draw: Draw) -> dict[str, Any]:
    """The observer gets a seat."""
    draw.changes.append(("add-validator", JOINER))
    return {"node": JOINER, "at": draw.moment_us()}


def remove(draw: Draw) -> dict[str, Any]:
    """A validator loses its seat, and with it, at times, the room for somebody hostile."""
    draw.budget -= _dearer(draw)
    return _about(draw, "remove-validator", _removable(draw))


def rotate(draw: Draw) -> dict[str, Any]:
    """A validator gets a new key."""
    return _about(draw, "rotate-key", _sitting(draw))


def recover(draw: Draw) -> dict[str, Any]:
    """Some validators, each in its turn, start afresh."""
    draw.changes.append(("proactive-recovery", ""))
    at_us = draw.moment_us()
    every_us = max(draw.length_us(), draw.cast.timeout_us)
    return {"at": at_us, "every": every_us, "until": at_us + every_us * _TURNS}


def with_joiner(scenario: Scenario) -> Scenario:
    """The scenario with the observer that one of its faults adds, in the last one's city."""
    joins = any(isinstance(f, AddValidator) and f.about == JOINER for f in scenario.faults)
    if not joins or any(observer.id == JOINER for observer in scenario.observers):
        return scenario
    joiner = Observer(id=JOINER, city=scenario.validators[-1].city)
    return msgspec.structs.replace(scenario, observers=(*scenario.observers, joiner))


def without_idle_observers(scenario: Scenario) -> Scenario:
    """The scenario without observers that no fault is about."""
    named = {selector for fault in scenario.faults for selector in _selectors(fault)}
    kept = tuple(observer for observer in scenario.observers if observer.id in named)
    return msgspec.structs.replace(scenario, observers=kept)


def _selectors(fault: Fault) -> tuple[str, ...]:
    waits_for = fault.when.node if fault.when is not None else None
    return (*fault.selectors(), *(() if waits_for is None else (waits_for,)))


def _about(draw: Draw, kind: str, among: list[str]) -> dict[str, Any]:
    victim = draw.stream.pick(among)
    draw.changes.append((kind, victim))
    return {"node": victim, "at": draw.moment_us()}


def _sitting(draw: Draw) -> list[str]:
    """Who doesn't leave."""
    leaving = draw.changes_of("remove-validator")
    return [id_ for id_ in draw.cast.ids if id_ not in leaving]


def _removable(draw: Draw) -> list[str]:
    """Who may leave: nobody with another change, as either might come first."""
    rotated = draw.changes_of("rotate-key")
    return [id_ for id_ in _sitting(draw) if id_ not in rotated]


def _dearer(draw: Draw) -> int:
    """By how much the hostile budget shrinks when one more validator leaves."""
    left = len(draw.cast.ids) - len(draw.changes_of("remove-validator"))
    return max_faulty(left) - max_faulty(left - 1)
