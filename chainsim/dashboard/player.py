"""Plays a run: on and off, fast and slow, step by step, to a goal, to a breakpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chainsim import wall_clock
from chainsim.dashboard import breakpoints
from chainsim.dashboard.breakpoints import BadBreakpoint
from chainsim.dashboard.gather import properties
from chainsim.dashboard.live_run import Condition, Goal, LiveRun
from chainsim.dashboard.pacing import Pace, show_speed
from chainsim.dashboard.wording import clock, worded
from chainsim.trace import Executed, Record, Violation
from scenarios.units import UnitError, parse_duration


class Player:
    """Says when the run goes on and when it stops. ``say`` is told what somebody should know."""

    def __init__(self, run: LiveRun, speed: int | None, say: Callable[[str], None]) -> None:
        self.run: Final = run
        self.pace: Final = Pace(speed)
        self.playing = True
        self.breakpoint = ""
        """In words; empty if there is none."""
        self._say: Final = say
        self._break: Condition | None = None
        self._once: Condition | None = None

    def idle(self) -> bool:
        """Nothing happens until somebody wants it."""
        return not self.run.goal and (not self.playing or self.run.over)

    def unpaced(self) -> bool:
        """The run goes as fast as it can."""
        return not self.idle() and (self.run.goal is not None or self.pace.speed is None)

    def mode(self) -> str:
        """What the run does: running, PAUSED, OVER, ahead (to a goal), again (from its start)."""
        goal = self.run.goal
        if goal is not None:
            return "again" if goal.back else "ahead"
        if self.run.over:
            return "OVER"
        return "running" if self.playing else "PAUSED"

    def tick(self, deadline_ns: int) -> None:
        """Lets the run go on, until ``deadline_ns`` at the latest."""
        run = self.run
        if run.goal is not None:
            back = run.goal.back
            if run.seek(deadline_ns):
                self._arrived(back)
        elif self.playing and not run.over:
            now_ns = wall_clock.now_ns()
            target_us = self.pace.target_us(now_ns)
            run.advance(run.scenario.duration if target_us is None else target_us, deadline_ns)
            self.pace.reached(wall_clock.now_ns(), run.now_us)
        self._note_violations()
        if run.halted_by is not None:
            self._halt(run.halted_by)

    def _arrived(self, back: bool) -> None:
        if self.run.halted_by is not None:
            return
        if not back:
            self.playing = False
            self._stop_once(None)
        self.start()

    def _halt(self, record: Record) -> None:
        self.playing = False
        self._stop_once(None)
        who = f"{record.node} " if record.node else ""
        self._say(f"stopped at {clock(record.at_us, 6)} s: {who}{worded(record)[2]}")
        self.run.halted_by = None

    def _note_violations(self) -> None:
        run = self.run
        for check in run.simulation.suite.checks:
            if check.findings:
                found = check.findings[0]
                run.model.on_violation(Violation(found.at_us, found.node, check.name, found.what))

    def _broken(self) -> int:
        return sum(1 for check in self.run.simulation.suite.checks if check.findings)

    # Wishes

    def start(self) -> None:
        """Virtual time is paced from here and now on."""
        self.pace.start(wall_clock.now_ns(), self.run.now_us)

    def toggle_pause(self) -> None:
        """Stops, or goes on; gives a goal up."""
        if self.run.goal is not None:
            self.give_up()
        elif self.run.over:
            self._say("the run is over: g or p goes back, w writes it as a scenario, q leaves")
        else:
            self.playing = not self.playing
            self.start()

    def give_up(self) -> bool:
        """Stops on the way to a goal; False if there is none that can be given up."""
        if self.run.goal is None or self.run.goal.back:
            return False
        self.run.goal = None
        self._arrived(False)
        return True

    def step_event(self) -> None:
        """One event."""
        self.playing = False
        self.run.step()
        if self.run.halted_by is not None:
            self._halt(self.run.halted_by)

    def step_block(self) -> None:
        """On until the next block is executed for the first time."""
        height = self.run.model.height
        self._run_until(lambda r: type(r) is Executed and not r.replayed and r.sequence > height)

    def next_notable(self) -> None:
        """On until a fault, a view change, a proof or a violation."""
        run = self.run
        seen, broken = len(run.model.notable), self._broken()
        self._run_until(lambda r: len(run.model.notable) > seen or self._broken() > broken)

    def previous_notable(self) -> None:
        """Back to the last fault, view change, proof or violation before now."""
        times = [*self.run.model.notable]
        times += [p.at_us for p in properties(self.run) if p.breaches and p.at_us]
        before = [at_us for at_us in times if at_us < self.run.now_us]
        if before:
            self.playing = False
            self.run.go_to(max(before))
        else:
            self._say("nothing notable happened before")

    def _run_until(self, condition: Condition) -> None:
        if self.run.over:
            self._say("the run is over")
            return
        self.playing = False
        self._stop_once(condition)
        self.run.goal = Goal(self.run.scenario.duration)

    def faster(self) -> None:
        """The next higher speed."""
        self._change_speed(1)

    def slower(self) -> None:
        """The next lower speed."""
        self._change_speed(-1)

    def _change_speed(self, direction: int) -> None:
        self.pace.step(direction)
        self.start()
        self._say(f"speed {show_speed(self.pace.speed)}: virtual seconds per second")

    def go(self, text: str) -> None:
        """To a time in words: ``12.5`` (seconds), ``12.5s``, ``+3``, ``-3``; empty: nowhere."""
        if not text:
            return
        sign = text[0] if text[0] in "+-" else ""
        number = text[len(sign) :].strip()
        try:
            plain = number.replace(".", "", 1).isdecimal()
            us = parse_duration(f"{number}s" if plain else number)
        except UnitError as error:
            self._say(f"{text}: {error}")
            return
        now_us = self.run.now_us
        self.playing = False
        self.run.go_to(now_us + us if sign == "+" else now_us - us if sign else us)

    # Breakpoints

    def stop_when(self, text: str) -> None:
        """A breakpoint in words; empty: none."""
        names = (*self.run.model.cast.ids, *self.run.simulation.clients)
        try:
            self._break = self._parse(text, names) if text else None
        except BadBreakpoint as error:
            self._say(str(error))
            return
        self.breakpoint = text
        self._stop_once(self._once)
        self._say(f"stops at: {text}" if text else "no breakpoint any more")

    def _parse(self, text: str, names: tuple[str, ...]) -> Condition:
        if text != "violation":
            return breakpoints.parse(text, names)
        broken = self._broken()
        return lambda _: self._broken() > broken

    def _stop_once(self, condition: Condition | None) -> None:
        self._once = condition
        found = [each for each in (self._once, self._break) if each is not None]
        self.run.stop_when = (lambda r: any(each(r) for each in found)) if found else None
