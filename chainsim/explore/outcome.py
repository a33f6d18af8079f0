"""One seed: the scenario that its strategy draws, run with all checks on, and what came of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Final

import msgspec

from chainsim.build import Simulation, build
from chainsim.expectations import SAFETY_KINDS
from chainsim.explore.coverage import Coverage
from chainsim.explore.model import FaultModel, kind_of
from chainsim.explore.strategies import STRATEGIES
from chainsim.trace import Recorder
from scenarios.schema import Scenario

BROKEN: Final = "internal-error"
"""Named like a check: something raised that must not, an assertion of ours among them."""

DETAIL: Final = 400
"""Characters kept of what a check says."""


class Found(msgspec.Struct, frozen=True):
    """A broken property: the check, ``safety``, ``money``, ``liveness`` or ``error``, its words."""

    check: str
    kind: str
    detail: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one seed."""

    seed: int
    digest: str
    """Of the milestone stream; empty if the run broke."""
    found: tuple[Found, ...]
    """Properties that are broken against what the scenario expects, in the checks' order."""
    kinds: tuple[str, ...]
    """Of the scenario's faults, sorted, hostile validators by their behaviour."""
    validators: int
    height: int
    deliveries: int
    coverage: tuple[str, ...]
    scenario: str = ""
    """As TOML, of a failure whose seed alone doesn't say it (``coverage``)."""

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What makes two failures alike: the first violated check and the kinds of faults; of
        what our code raised, the place."""
        first = self.found[0]
        return (BROKEN, (first.detail,)) if first.kind == "error" else (first.check, self.kinds)


Runner = Callable[[Scenario], Outcome]
Listen = Callable[[Recorder], None]


def run_seed(
    base: Scenario,
    strategy: str,
    model: FaultModel,
    seed: int,
    *,
    memoise: bool = False,
    further: tuple[str, ...] = (),
) -> Outcome:
    """Draws and runs one seed. A pure function of its arguments."""
    drawn = STRATEGIES[strategy](base, model, seed)
    return run_scenario(drawn, memoise=memoise, further=further)


def run_scenario(
    scenario: Scenario,
    *,
    memoise: bool = False,
    listen: Listen | None = None,
    further: tuple[str, ...] = (),
    begin: Callable[[Simulation], None] | None = None,
) -> Outcome:
    """Runs a scenario as it stands; whatever our code raises is a finding too.

    ``memoise``, ``further``: as for ``build``. ``listen`` is given the recorder before the run;
    ``begin`` may run a part of it.
    """
    recorder = Recorder()
    if listen is not None:
        listen(recorder)
    try:
        simulation = build(scenario, recorder, memoise=memoise, further=further)
        coverage = Coverage(recorder)
        if begin is not None:
            begin(simulation)
        result = simulation.run()
    except Exception as error:
        return _outcome(scenario, found=(Found(BROKEN, "error", _where(error)),))
    unwanted: list[str] = []
    if scenario.expect.safety == "holds":
        unwanted += SAFETY_KINDS
    if scenario.expect.liveness == "recovers":
        unwanted.append("liveness")
    simulation.discard()
    found = tuple(
        Found(check.name, check.kind, check.detail[:DETAIL])
        for check in result.checks
        if not check.ok and check.kind in unwanted
    )
    return _outcome(
        scenario,
        digest=result.digest,
        found=found,
        height=result.height,
        deliveries=sum(result.messages.delivered.values()),
        coverage=coverage.seen(result),
    )


def _outcome(
    scenario: Scenario,
    *,
    found: tuple[Found, ...],
    digest: str = "",
    height: int = 0,
    deliveries: int = 0,
    coverage: tuple[str, ...] = (),
) -> Outcome:
    return Outcome(
        seed=scenario.seed,
        digest=digest,
        found=found,
        kinds=fault_kinds(scenario),
        validators=len(scenario.validators),
        height=height,
        deliveries=deliveries,
        coverage=coverage,
    )


def fault_kinds(scenario: Scenario) -> tuple[str, ...]:
    """The kinds of a scenario's faults, each once; of hostile validators the behaviour."""
    return tuple(sorted({getattr(fault, "behaviour", kind_of(fault)) for fault in scenario.faults}))


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    place = f"{last.name} ({last.filename.rpartition('/')[2]}:{last.lineno})"
    return f"{type(error).__name__} in {place}: {error}"[:DETAIL]
