"""A run that can be stopped between any two events, prodded, and gone back in.

A live fault is a fault of the scenario, appended to its file: it begins at the next microsecond,
before everything else that happens then, so (time, order of faults) says exactly where it
struck. Going back executes the scenario again from its start, live faults included. So at any
time ``scenario`` is what was run, and gives the same digest from the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from chainsim import wall_clock
from chainsim.build import Simulation
from chainsim.dashboard.cast import cast_of
from chainsim.dashboard.view_model import ViewModel
from chainsim.run_result import RunResult
from chainsim.trace import FaultChanged, Record, Recorder
from consensus.types import max_faulty
from scenarios.faults import Fault
from scenarios.hostile_budget import hostile_count
from scenarios.schema import Scenario

SLICE_NS: Final = 8_000_000
"""Wall time between two looks at the clock, about."""
SLOWEST_US: Final = 100
FASTEST_US: Final = 5_000_000
"""Bounds of the virtual time that one slice may take."""

Condition = Callable[[Record], bool]
"""Whether to stop after the event that left this record."""


class Goal(msgspec.Struct, frozen=True):
    """A place to run to as fast as can be: a time, and after it the number of an event."""

    at_us: int
    events: int | None = None
    """None: all events of ``at_us`` too."""
    back: bool = False
    """The run is being executed again."""


class LiveRun:
    """One scenario being run, and what somebody did to it.

    ``make_recorder`` gives a recorder for each execution (the trace file starts anew with it);
    ``attach`` is told of each new simulation before it runs.
    """

    def __init__(
        self,
        scenario: Scenario,
        make_recorder: Callable[[], Recorder],
        attach: Callable[[Recorder], None] = lambda recorder: None,
    ) -> None:
        self.scenario = scenario
        """With all that was done live."""
        self.given: Final = scenario.faults
        self._make_recorder: Final = make_recorder
        self._attach: Final = attach
        self._hostile: frozenset[str] | None = None
        self._judged_for: tuple[Fault, ...] = ()
        """The faults for which ``_hostile`` holds."""
        self._rate_us = 20_000
        """Virtual time that one slice of wall time is good for."""
        self.stop_when: Condition | None = None
        self.goal: Goal | None = None
        self.result: RunResult | None = None
        """Once the run is over."""
        self.halted_by: Record | None = None
        """What ``stop_when`` found, until the run goes on."""
        self.executions = 0
        self.wall_ns = 0
        """Spent on simulating this execution."""
        self.simulation: Simulation
        self.model: ViewModel
        self._build()

    # Reading

    @property
    def now_us(self) -> int:
        """Virtual time."""
        return self.simulation.world.now_us

    @property
    def over(self) -> bool:
        """Nothing is left to run."""
        return self.result is not None

    @property
    def live_faults(self) -> tuple[Fault, ...]:
        """What was done live, in order."""
        return self.scenario.faults[len(self.given) :]

    # Running

    def advance(self, until_us: int, deadline_ns: int) -> None:
        """Runs up to ``until_us``, until ``stop_when`` holds, to the end of the run, or until the
        wall clock passes ``deadline_ns``."""
        world = self.simulation.world
        until_us = min(until_us, self.scenario.duration)
        self.halted_by = None
        while not self.over and self.halted_by is None:
            start_ns = wall_clock.now_ns()
            if start_ns >= deadline_ns or world.now_us >= until_us:
                break
            slice_us = min(self._rate_us, until_us - world.now_us)
            world.run(world.now_us + slice_us, stop=self._stop)
            self._after(wall_clock.now_ns() - start_ns, slice_us)

    def step(self) -> None:
        """Runs one event."""
        if self.over:
            return
        self.halted_by = None
        while not self._step() and not self.over:
            pass

    def _step(self) -> bool:
        """The next event, or the end of the run; False if it was only the kernel's."""
        world = self.simulation.world
        heap = world.scheduler.heap
        happened = True
        if heap and heap[0][0] <= self.scenario.duration:
            happened = world.step()
        else:
            world.run(self.scenario.duration, stop=self._stop)
        self._after(0, 0)
        return happened

    def _after(self, took_ns: int, slice_us: int) -> None:
        self.wall_ns += took_ns
        if slice_us == self._rate_us or took_ns > SLICE_NS:
            wanted_us = self._rate_us * SLICE_NS // max(1, took_ns)
            near = min(max(wanted_us, self._rate_us // 4), self._rate_us * 2)
            self._rate_us = min(max(near, SLOWEST_US), FASTEST_US)
        world = self.simulation.world
        heap = world.scheduler.heap
        past = not heap or heap[0][0] > self.scenario.duration
        if self._settled or (self.now_us >= self.scenario.duration and past):
            world.close()
            self.result = self.simulation.finish("settled" if world.settled() else "duration")
            self.goal = None
        elif self._misjudged:
            # Who is hostile hung on the course of the run, which is another since: judge anew.
            self.amend(self.scenario.faults)

    def _stop(self) -> bool:
        """Asked by the kernel every 50 ms of virtual time, as in any run."""
        self._settled = self.simulation.world.settled()
        return self._settled

    def leave(self) -> RunResult:
        """The result; of a run that isn't over, of what was done so far."""
        return self.result or self.simulation.finish("interrupted")

    # Going somewhere

    def seek(self, deadline_ns: int) -> bool:
        """Runs towards the goal; True when it is reached (or the run is over)."""
        goal = self.goal
        if goal is not None:
            # Of an event: up to the microsecond before it in one go, then one by one.
            near_us = goal.at_us if goal.events is None else goal.at_us - 1
            self.advance(near_us, deadline_ns)
            if self.now_us < near_us and self.result is None and self.halted_by is None:
                return False
            while self.result is None and self._before(goal):
                self._step()
        self.goal = None
        return True

    def _before(self, goal: Goal) -> bool:
        return goal.events is not None and self.simulation.world.scheduler.events < goal.events

    def go_to(self, at_us: int) -> None:
        """Sets out for a time; if it has passed, the run is executed again from its start."""
        at_us = max(0, min(at_us, self.scenario.duration))
        back = at_us < self.now_us
        if back:
            self._build()
        self.goal = Goal(at_us, back=back)

    # Prodding

    def inject(self, fault: Fault) -> None:
        """A fault that begins ahead of now joins the scenario and the run."""
        assert fault.at is not None
        assert fault.at > self.now_us
        if fault.makes_hostile():
            self.amend((*self.scenario.faults, fault))
            return
        self._keep((*self.scenario.faults, fault))
        self.simulation.world.add_faults((fault,))

    def end_live(self, index: int) -> None:
        """Fault ``index``, a live one without an end, ends at the next microsecond."""
        fault = self.scenario.faults[index]
        assert fault.at is not None
        begun = fault.at <= self.now_us
        end_us = max(self.now_us, fault.at) + 1
        faults = list(self.scenario.faults)
        faults[index] = msgspec.structs.replace(fault, until=end_us)
        if begun:
            self._keep(tuple(faults))
            self.simulation.world.director.end(index, end_us)
        else:
            self.amend(tuple(faults))

    def amend(self, faults: tuple[Fault, ...]) -> None:
        """Other faults from now on, such as can't join a run under way: it is executed again up
        to this very event. They differ only in what lies ahead of now."""
        goal = Goal(self.now_us, self.simulation.world.scheduler.events, back=True)
        self._keep(faults)
        self._build()
        self.goal = goal

    def undo(self) -> Fault | None:
        """Takes the last live fault back, as if it had never been; None if there is none."""
        if not self.live_faults:
            return None
        last = self.scenario.faults[-1]
        at_us = self.now_us
        self._keep(self.scenario.faults[:-1])
        self._build()
        self.goal = Goal(at_us, back=True)
        return last

    def _keep(self, faults: tuple[Fault, ...]) -> None:
        """The scenario with these faults; a control run if they are beyond what PBFT bears."""
        scenario = msgspec.structs.replace(self.scenario, faults=faults)
        beyond = hostile_count(scenario)[0] > max_faulty(len(scenario.validators))
        if beyond and scenario.expect.safety == "holds":
            expect = msgspec.structs.replace(scenario.expect, safety="violated")
            scenario = msgspec.structs.replace(scenario, expect=expect)
        self.scenario = scenario

    # Executing

    def _build(self) -> None:
        recorder = self._make_recorder()
        self._attach(recorder)
        if self._judged_for != self.scenario.faults:
            self._hostile = None
        self.simulation = Simulation(self.scenario, recorder, self._hostile)
        self._judged_for = self.scenario.faults
        self._hostile = frozenset(self._ids()) - self.simulation.context.honest
        self.model = ViewModel(
            cast_of(self.scenario, self.simulation, len(self.given)),
            self.simulation.context.honest,
        )
        for kind, read in self.model.readers.items():
            recorder.subscribe(kind, read)
            recorder.subscribe(kind, self._watch)
        recorder.subscribe(FaultChanged, self._judge)
        self.result = self.halted_by = self.goal = None
        self._settled = self._misjudged = False
        self.executions += 1
        self.wall_ns = 0
        # Nothing runs yet; from now on the kernel asks whether it may stop, as in any run.
        self.simulation.world.run(-1, stop=self._stop)

    def _ids(self) -> list[str]:
        return [validator.id for validator in self.scenario.validators]

    def _watch(self, record: Record) -> None:
        wanted = self.stop_when
        if wanted is None or self.halted_by is not None or (self.goal and self.goal.back):
            return
        if wanted(record):
            self.halted_by = record
            self.simulation.world.scheduler.halt(record.at_us)

    def _judge(self, record: FaultChanged) -> None:
        """Checks must know from the start who lies: "primary" may mean somebody else by now."""
        if record.active and self.scenario.faults[record.index].makes_hostile():
            self._misjudged |= not self.simulation.context.honest.isdisjoint(record.nodes)
