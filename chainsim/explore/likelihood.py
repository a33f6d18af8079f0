"""When a failure became likely: a failing run, again and again, with chance anew from a moment.

Up to that moment everything is as it was; from there on the network, disks and liars draw anew.
The share of runs that still fail says how far the failure was decided by then: it rises where
something happened that the rest could hardly mend. What clients submit and when faults begin is
the scenario's, and stays. (Law 3 makes it possible: a prefix can be run again at will.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Final

import msgspec

from chainsim.build import Simulation
from chainsim.explore.outcome import Outcome, run_scenario
from chainsim.explore.planting import Planted, planted
from chainsim.explore.statistics import wilson
from chainsim.trace import FaultChanged, NodeChanged, Reached, Record, Recorder, Violation
from scenarios.schema import Scenario

TOLD: Final = ("view-change-started", "new-view-entered", "checkpoint-stable", "epoch-entered")
"""Milestones worth telling, besides faults and processes that come and go."""
EVENTS: Final = 12
"""How many are told, at most."""
LOOK_S: Final = 0.1


class NothingFails(Exception):
    """The run doesn't violate what it should; the message says what it does."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Runs that had another chance from ``at_us`` on."""

    at_us: int
    runs: int
    fails: int

    @property
    def share(self) -> float:
        """Of those that still fail."""
        return self.fails / self.runs if self.runs else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, of 95 %, for the chance to fail."""
        return wilson(self.fails, self.runs)


class Likelihood(msgspec.Struct, frozen=True, kw_only=True):
    """The curve of one failing run."""

    check: str
    detail: str
    failed_us: int
    """When the property was violated; of liveness, when the run was given up."""
    points: tuple[Point, ...]
    """By time; the last one is at the violation itself."""
    events: tuple[str, ...]
    """What happened where the share rises most."""
    interrupted: bool = False

    @property
    def rise(self) -> tuple[Point, Point]:
        """The two neighbours between which the share rises most; the earliest such."""
        pairs = list(zip(self.points, self.points[1:], strict=False))
        return max(pairs, key=lambda pair: (pair[1].share - pair[0].share, -pair[0].at_us))


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What all runs have in common."""

    scenario: Scenario
    check: str
    tries: int
    """Runs for each point."""
    mutant: Planted | None = None


Tell = Callable[[int, int], None]
"""Told how many points are done, of how many; may raise ``Interrupted``."""


def likelihood(
    scenario: Scenario,
    check: str,
    executor: Executor,
    *,
    points: int,
    tries: int,
    mutant: Planted | None = None,
    tell: Tell | None = None,
) -> Likelihood:
    """The share of runs that still violate ``check`` (by default the first that the run does), at
    ``points`` moments of equal distance, and half as many more where it rises most.

    Raises ``NothingFails``.
    """
    from chainsim.explore.runner import Interrupted

    with planted(mutant):
        story = _Story(scenario, check)
    task = Task(scenario=scenario, check=story.check, tries=tries, mutant=mutant)
    coarse = [story.failed_us * k // (points - 1) for k in range(points)]
    more = max(1, points // 2)
    found: dict[int, Point] = {}
    interrupted = False

    def curve() -> Likelihood:
        return Likelihood(
            check=story.check,
            detail=story.detail,
            failed_us=story.failed_us,
            points=tuple(found[at_us] for at_us in sorted(found)),
            events=(),
            interrupted=interrupted,
        )

    def measured(moments: list[int]) -> None:
        for point in _measured(task, [each for each in moments if each not in found], executor):
            found[point.at_us] = point
            if tell is not None:
                tell(len(found), points + more)

    try:
        measured(coarse)
        measured(_between(*curve().rise, more))
    except Interrupted:
        interrupted = True
    done = curve()
    if len(found) < 2:
        return done
    first, last = done.rise
    return msgspec.structs.replace(done, events=story.between(first.at_us, last.at_us))


def _between(first: Point, last: Point, count: int) -> list[int]:
    width_us = last.at_us - first.at_us
    return sorted({first.at_us + width_us * k // (count + 1) for k in range(1, count + 1)})


def _measured(task: Task, moments: list[int], executor: Executor) -> Iterator[Point]:
    flying: set[Future[Point]] = {executor.submit(measure, task, at_us) for at_us in moments}
    try:
        while flying:
            done, flying = wait(flying, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in flying:
            future.cancel()


def measure(task: Task, at_us: int) -> Point:
    """One point. A pure function of its arguments."""
    with planted(task.mutant):
        fails = sum(
            any(found.check == task.check for found in reseeded(task.scenario, at_us, k).found)
            for k in range(task.tries)
        )
    return Point(at_us=at_us, runs=task.tries, fails=fails)


def reseeded(scenario: Scenario, at_us: int, number: int) -> Outcome:
    """The run with chance number ``number`` from ``at_us`` on. At 0 nothing but the nodes' keys is
    as it was."""

    def begin(simulation: Simulation) -> None:
        world = simulation.world
        if at_us:
            world.run(at_us, stop=world.settled)
        world.reseed(f"{at_us}/{number}")

    return run_scenario(scenario, begin=begin)


class _Story:
    """The run as it was: when it failed, and what happened."""

    def __init__(self, scenario: Scenario, check: str) -> None:
        self._told: list[tuple[int, bool, str]] = []
        """(when, whether it is worth telling beside others, what)."""
        self._first_us: dict[str, int] = {}
        self._last_us = 0
        outcome = run_scenario(scenario, listen=self._listen)
        found = {each.check: each for each in outcome.found}
        if not found or (check and check not in found):
            what = f"violates {outcome.found[0].check}" if found else "violates nothing"
            raise NothingFails(f"it {what}" + (f", not {check}" if check and found else ""))
        self.check = check or outcome.found[0].check
        self.detail = found[self.check].detail
        self.failed_us = max(1, self._first_us.get(self.check, self._last_us))

    def _listen(self, recorder: Recorder) -> None:
        recorder.subscribe(Violation, self._violated)
        recorder.subscribe(Reached, self._reached)
        recorder.subscribe(FaultChanged, self._fault)
        recorder.subscribe(NodeChanged, self._node)

    def _violated(self, record: Violation) -> None:
        self._first_us.setdefault(record.check, record.at_us)

    def _tell(self, record: Record, words: str, *, rare: bool = True) -> None:
        self._told.append((record.at_us, rare, words))
        self._last_us = max(self._last_us, record.at_us)

    def _reached(self, record: Reached) -> None:
        rare = record.event in TOLD
        place = f"view {record.view}" + (f", {record.sequence}" if record.sequence else "")
        self._tell(record, f"{record.node} {record.event} ({place})", rare=rare)

    def _fault(self, record: FaultChanged) -> None:
        hit = f" of {', '.join(record.nodes)}" if record.nodes else ""
        self._tell(record, f"{record.kind}{hit} {'begins' if record.active else 'ends'}")

    def _node(self, record: NodeChanged) -> None:
        self._tell(record, f"{record.node} {record.state}")

    def between(self, first_us: int, last_us: int) -> tuple[str, ...]:
        """What happened from ``first_us`` to ``last_us``, in order; votes if there is no more."""
        within = [each for each in self._told if first_us < each[0] <= last_us]
        rare = [each for each in within if each[1]]
        told = [f"{at_us / 1e6:.3f} s  {words}" for at_us, _, words in rare or within]
        more = len(told) - EVENTS
        return (*told[:EVENTS], *((f"… and {more} more",) if more > 0 else ()))
