"""What every strategy begins with: the base with a seed, a size and a disk of its own."""

from __future__ import annotations

import msgspec

from chainsim.explore.model import Cast, FaultModel, cast_of, resized
from scenarios.faults import Fault
from scenarios.rng import Stream
from scenarios.schema import Scenario


class CantDraw(Exception):
    """A strategy has nothing to do with a scenario; the message says why."""


def ground(base: Scenario, model: FaultModel, seed: int, stream: Stream) -> Scenario:
    """The base with this seed, and the number of validators and the disk drawn as the model
    says; the faults are the base's own."""
    changes: dict[str, object] = {"seed": seed}
    if model.sizes:
        base = resized(base, stream.pick(model.sizes))
    if model.fsyncs_us:
        changes["disk"] = msgspec.structs.replace(base.disk, fsync=stream.pick(model.fsyncs_us))
    return msgspec.structs.replace(base, **changes)


def with_faults(scenario: Scenario, faults: list[Fault]) -> Scenario:
    """The scenario with further faults after its own."""
    return msgspec.structs.replace(scenario, faults=(*scenario.faults, *faults))


def clean(scenario: Scenario, strategy: str) -> tuple[Cast, tuple[str, ...], int]:
    """The cast, who isn't hostile yet, and how many of them may be. Raises ``CantDraw`` if none
    may, for strategies that are about nothing else."""
    cast = cast_of(scenario)
    budget = cast.f - len(cast.hostile)
    if budget < 1:
        raise CantDraw(
            f"{strategy} needs a validator that may be hostile, and {len(cast.ids)} validators "
            f"with {len(cast.hostile)} hostile ones leave none"
        )
    return cast, tuple(id_ for id_ in cast.ids if id_ not in cast.hostile), budget
