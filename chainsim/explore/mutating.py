"""Small changes to a scenario's faults: what ``coverage`` makes of one that went somewhere new.

What comes out is within the fault budget and loads, or it is the scenario as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from chainsim.explore.drawing import DRAWERS, WEIGHTS, Draw, draw_faults, drawn_kinds
from chainsim.explore.model import BYZANTINE, FaultModel, cast_of, hostile_in, kind_of
from chainsim.explore.reseating import with_joiner, without_idle_observers
from consensus.types import max_faulty
from scenarios.faults import Fault
from scenarios.faults.membership import LASTING, RemoveValidator
from scenarios.fitting import problems
from scenarios.rng import Stream
from scenarios.schema import Scenario

STEPS: Final = 3
"""Changes, at most, that make one scenario into the next."""
MOST_FAULTS: Final = 24
"""Beyond which nothing is added: runs grow long, and say less."""
_TRIES: Final = 4

Faults = tuple[Fault, ...]
Step = Callable[[Stream, FaultModel, Scenario, Scenario], Faults]


def mutated(scenario: Scenario, donor: Scenario, model: FaultModel, stream: Stream) -> Scenario:
    """``scenario`` with one to three changes; ``donor`` is another one, to take faults from. Its
    seed stays, so that what isn't touched goes on as before."""
    before = scenario
    for _ in range(stream.between(1, STEPS)):
        for _ in range(_TRIES):
            step = stream.pick(_WEIGHTED)
            faults = step(stream, model, scenario, donor)
            candidate = msgspec.structs.replace(scenario, faults=faults)
            candidate = without_idle_observers(with_joiner(candidate))
            if within_budget(candidate) and not problems(candidate):
                scenario = candidate
                break
    return scenario if scenario.faults != before.faults else before


def within_budget(scenario: Scenario) -> bool:
    """At most f hostile, of the smallest committee that may come to be."""
    leaving = sum(isinstance(fault, RemoveValidator) for fault in scenario.faults)
    left = len(scenario.validators) - leaving
    return len(hostile_in(scenario)) <= max_faulty(left)


def _drop(stream: Stream, _model: FaultModel, scenario: Scenario, _donor: Scenario) -> Faults:
    faults = scenario.faults
    if len(faults) < 2:
        return faults
    gone = stream.below(len(faults))
    return (*faults[:gone], *faults[gone + 1 :])


def _add(stream: Stream, model: FaultModel, scenario: Scenario, _donor: Scenario) -> Faults:
    """One drawn as usual. No further change of the committee: the drawer can't see those there
    are."""
    kinds = [k for k in drawn_kinds(model) if k in DRAWERS and k not in LASTING and k != BYZANTINE]
    if not kinds or len(scenario.faults) >= MOST_FAULTS or len(scenario.validators) < 2:
        return scenario.faults
    draw = Draw(stream, cast_of(scenario), model)
    weighted = [kind for kind in kinds for _ in range(WEIGHTS.get(kind, 1))]
    return (*scenario.faults, *draw_faults(draw, stream.pick(weighted)))


def _retime(stream: Stream, _model: FaultModel, scenario: Scenario, _donor: Scenario) -> Faults:
    """One begins sooner or later, lasts for less or longer, or waits for another occurrence."""
    timed = [index for index, fault in enumerate(scenario.faults) if _times(fault)]
    if not timed:
        return scenario.faults
    index = stream.pick(timed)
    fault = scenario.faults[index]
    name = stream.pick(_times(fault))
    changes: dict[str, Any] = {}
    if name == "when":
        assert fault.when is not None
        count = max(1, fault.when.count + stream.pick((-2, -1, 1, 2)))
        changes["when"] = msgspec.structs.replace(fault.when, count=count)
    elif name == "at":
        reach_us = 2 * cast_of(scenario).timeout_us
        changes["at"] = max(1, (fault.at or 0) + stream.below(2 * reach_us) - reach_us)
    else:
        changes[name] = max(1_000, getattr(fault, name) * stream.pick((1, 2, 3, 8)) // 2)
    return _with(scenario.faults, index, changes)


def _times(fault: Fault) -> tuple[str, ...]:
    """What can be changed of when it acts: of what comes again, or ends at a time, nothing."""
    if fault.every is not None or fault.until is not None or kind_of(fault) == BYZANTINE:
        return ()
    names = ("at", "for_", "downtime", "when")
    return tuple(name for name in names if getattr(fault, name, None) is not None)


def _take(stream: Stream, _model: FaultModel, scenario: Scenario, donor: Scenario) -> Faults:
    """Some of another scenario's faults in place of some of its own."""
    if donor.validators != scenario.validators:
        return scenario.faults
    kept = [fault for fault in scenario.faults if stream.chance(600_000)]
    taken = [f for f in donor.faults if f not in kept and stream.chance(500_000)]
    return tuple([*kept, *taken][:MOST_FAULTS]) or scenario.faults


def _with(faults: Faults, index: int, changes: dict[str, Any]) -> Faults:
    try:
        changed = msgspec.structs.replace(faults[index], **changes)
    except ValueError:  # it can't be so
        return faults
    return (*faults[:index], changed, *faults[index + 1 :])


_WEIGHTED: Final[tuple[Step, ...]] = (_add, _add, _retime, _retime, _take, _drop)
