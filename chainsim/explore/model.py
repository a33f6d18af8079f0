"""The fault model: what exploring may let go wrong, and within which budget.

PBFT.md's budget holds in every scenario that is drawn: at most f validators are hostile (amnesia
counts), and once all other faults have ended, hostile and crashed ones together leave a quorum.
All faults but Byzantine ones end, so that every run must become live again.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from consensus.types import max_faulty
from nodes.byzantine import BEHAVIOURS, IN_COMPANY
from scenarios.faults import Fault
from scenarios.schema import Scenario, Validator

BYZANTINE: Final = "byzantine"
BY_ROUND: Final = ("mutate-round",)
"""Behaviours that a strategy of their own draws (``byzzfuzz``): they need a round to act in."""
RARE: Final = ("future-flood",)
"""Behaviours that take the place of another now and then: floods make a run slow."""

LATER: Final = (
    "bad-block-time",
    "censor",
    "delay-proposals",
    "false-reply",
    "reorder-transactions",
    "wrong-digest",
)
"""Behaviours that came later: they take the place of another now and then, by draws of their own,
so that all other seeds are what they were."""
UNDRAWN: Final = ("wrong-allotment",)
"""Behaviours that exploring doesn't draw: no base holds an auction."""

Ppm = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class FaultModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be drawn; chances are in parts per million."""

    sizes: tuple[int, ...] = ()
    """Numbers of validators, each as likely as the next (one may stand here more than once);
    empty: those of the scenario, and no others."""
    kinds: tuple[str, ...] = ()
    """Of faults; empty: every kind that can be drawn."""
    behaviours: tuple[str, ...] = ()
    """Of hostile validators; empty: all that there are."""
    least: int = 3
    most: int = 8
    """Faults besides the hostile validators."""
    hostile: Ppm = 600_000
    """The chance that there are hostile validators at all."""
    triggered: Ppm = 250_000
    """The chance that a fault waits for something to happen rather than for a time."""
    aligned: Ppm = 250_000
    """The chance that most faults keep in step with the protocol's rounds, not with time."""
    fsyncs_us: tuple[int, ...] = (1_000, 8_000)
    """How long a sync of a disk takes; empty: as the scenario says."""


MODELS: Final[dict[str, FaultModel]] = {
    "explore-base": FaultModel(sizes=(4, 4, 4, 4, 4, 4, 5, 5, 6, 6, 6, 7, 7, 10)),
    "explore-money": FaultModel(sizes=(4, 4, 4, 5, 6, 7)),
}
"""The models of shipped bases; any other scenario gets the default one."""


def model_of(scenario: Scenario) -> FaultModel:
    """The model that goes with a scenario."""
    return MODELS.get(scenario.name, FaultModel())


def behaviours_of(model: FaultModel) -> tuple[str, ...]:
    """The behaviours that may be drawn, ``twins`` among them, rare and later ones last; budgets
    leave no room for company."""
    apart = (*IN_COMPANY, *BY_ROUND, *UNDRAWN, *RARE, *LATER)
    alone = tuple(name for name in BEHAVIOURS if name not in apart)
    return model.behaviours or (*alone, "twins", *RARE, *LATER)


class Cast(msgspec.Struct, frozen=True):
    """Who is there, and how long things take: what drawers need to know of a scenario."""

    ids: tuple[str, ...]
    f: int
    hostile: tuple[str, ...]
    """Hostile by the scenario's own faults."""
    busy_us: int
    """When the last work is submitted: faults begin before."""
    timeout_us: int
    """The yardstick for how long faults last."""


def cast_of(scenario: Scenario) -> Cast:
    """The cast of a base scenario."""
    ids = tuple(validator.id for validator in scenario.validators)
    consensus = scenario.consensus
    return Cast(
        ids=ids,
        f=max_faulty(len(ids)),
        hostile=hostile_in(scenario),
        busy_us=_busy_us(scenario),
        timeout_us=max(consensus.request_timeout, consensus.view_change_timeout),
    )


def resized(scenario: Scenario, n: int) -> Scenario:
    """The scenario with ``n`` validators called v0, v1 … if it has another number of them."""
    if len(scenario.validators) == n:
        return scenario
    validators = tuple(Validator(id=f"v{index}") for index in range(n))
    return msgspec.structs.replace(scenario, validators=validators)


def kind_of(fault: Fault) -> str:
    """The fault's name in a scenario."""
    return str(type(fault).__struct_config__.tag)


def hostile_in(scenario: Scenario) -> tuple[str, ...]:
    """Validators that the scenario's faults make hostile, in the order of the scenario."""
    ids = [validator.id for validator in scenario.validators]
    named: dict[str, None] = {}
    for fault in scenario.faults:
        if fault.makes_hostile():
            named.update(dict.fromkeys(fault.selectors()))
    return tuple(id_ for id_ in ids if id_ in named)


def _busy_us(scenario: Scenario) -> int:
    ends = [0]
    for workload in scenario.workload:
        ends.append(getattr(workload, "stop", 0))
        ends += [step.at for step in getattr(workload, "steps", ())]
    return max(ends) or scenario.duration // 4
