"""The dashboard's state and its keys: what is selected, whether the run goes on, what is asked.

Knows no terminal and no trio: ``press`` takes the name of a key, ``tick`` lets the run go on for
a while, ``frame`` gives rows. ``chainsim.live`` connects the three to the world outside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chainsim import wall_clock
from chainsim.dashboard import breakpoints, layout, panels, saving
from chainsim.dashboard.acting import Actor, Refused
from chainsim.dashboard.gather import Gatherer, properties
from chainsim.dashboard.live_run import Condition, Goal, LiveRun
from chainsim.dashboard.pacing import Pace, show_speed
from chainsim.dashboard.panels.detail import detail
from chainsim.dashboard.panels.footer import footer, help_rows, menu_rows
from chainsim.dashboard.prods import BEHAVIOUR_PRODS, CRASH, ISOLATE, PRODS, Prod
from chainsim.dashboard.rows import Row
from chainsim.dashboard.scene import Scene
from chainsim.dashboard.screen import Cell
from chainsim.dashboard.wording import clock, worded
from chainsim.trace import Executed, Record
from scenarios.units import UnitError, parse_duration

AT_ONCE: Final = ("q", " ", "escape")
"""Keys that don't wait until a goal is reached."""
MESSAGE_NS: Final = 8_000_000_000
"""How long a message stays."""


class App:
    """One person at one run."""

    def __init__(
        self,
        run: LiveRun,
        speed: int | None,
        *,
        recorded: bool = False,
        folder: Path = Path(),
        equal: Callable[[], str] = str,
    ) -> None:
        """``recorded``: a run is replayed, and can't be prodded; ``equal`` says whether it is
        like its recording so far. ``folder``: where ``w`` writes to."""
        self.run: Final = run
        self.pace: Final = Pace(speed)
        self.playing = True
        self.leaving = False
        self.interrupted = False
        """A signal or Ctrl-C ended it."""
        self.gone = False
        """The terminal was closed: nothing can be told any more."""
        self.recorded: Final = recorded
        self._equal: Final = equal
        self._folder: Final = folder
        self._actor: Final = Actor(run)
        self._gatherer: Final = Gatherer()
        self._drawn: Final = panels.Drawn()
        self._selected = 0
        self._overlay = ""
        self._menu: tuple[Prod, ...] = ()
        self._question = ""
        self._answer = ""
        self._filter = ""
        self._log_back = 0
        self._message = ""
        self._message_until_ns = 0
        self._breakpoint = ""
        self._break: Condition | None = None
        self._once: Condition | None = None
        self._typed_ahead: Final[deque[str]] = deque(maxlen=100)

    # The run

    def idle(self) -> bool:
        """Nothing happens until a key is pressed."""
        return not self.run.goal and (not self.playing or self.run.over)

    def unpaced(self) -> bool:
        """The run goes as fast as it can."""
        return not self.idle() and (self.run.goal is not None or self.pace.speed is None)

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
        if run.halted_by is not None:
            self._halt(run.halted_by)

    def _arrived(self, back: bool) -> None:
        if self.run.halted_by is not None:
            return
        if not back:
            self.playing = False
            self._set_once(None)
        self.pace.start(wall_clock.now_ns(), self.run.now_us)
        self._catch_up()

    def _catch_up(self) -> None:
        """Takes the keys that waited; one of them may set out again."""
        while self._typed_ahead and self.run.goal is None:
            self.press(self._typed_ahead.popleft())

    def _halt(self, record: Record) -> None:
        self.playing = False
        self._set_once(None)
        who = f"{record.node} " if record.node else ""
        self.say(f"stopped at {clock(record.at_us, 6)} s: {who}{worded(record)[2]}")
        self.run.halted_by = None
        self._catch_up()

    def _set_once(self, condition: Condition | None) -> None:
        self._once = condition
        found = [each for each in (self._once, self._break) if each is not None]
        self.run.stop_when = (lambda r: any(each(r) for each in found)) if found else None

    def say(self, text: str) -> None:
        """Shows a message for a while."""
        self._message = text
        self._message_until_ns = wall_clock.now_ns() + MESSAGE_NS

    # Keys

    def press(self, key: str) -> None:
        """Takes one key. While the run is on its way to a goal, what is typed waits for it."""
        if key == "ctrl-c":
            self.leaving = self.interrupted = True
        elif self.run.goal is not None and (self._typed_ahead or key not in AT_ONCE):
            self._typed_ahead.append(key)
            if key == "escape":
                self._typed_ahead.clear()
                self._escape()
        elif self._question:
            self._type(key)
        elif self._overlay == "menu":
            self._choose(key)
        elif key in KEYS:
            KEYS[key].act(self)
        elif key == "escape":
            self._escape()

    def _escape(self) -> None:
        if self._overlay:
            self._overlay = ""
        elif self.run.goal is not None and not self.run.goal.back:
            self.run.goal = None
            self._arrived(False)
        else:
            self._filter, self._log_back, self._message = "", 0, ""

    def quit(self) -> None:
        """Leaves; from an overlay only that."""
        if self._overlay:
            self._overlay = ""
        else:
            self.leaving = True

    def toggle_pause(self) -> None:
        """Stops, or goes on."""
        if self.run.goal is not None:
            self._escape()
        elif self.run.over:
            self.say("the run is over: g or p goes back, w writes it as a scenario, q leaves")
        else:
            self.playing = not self.playing
            self.pace.start(wall_clock.now_ns(), self.run.now_us)

    def step_event(self) -> None:
        """One event."""
        self._stand()
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
            self._stand()
            self._go(max(before))
        else:
            self.say("nothing notable happened before")

    def _broken(self) -> int:
        return sum(1 for check in self.run.simulation.suite.checks if check.findings)

    def _run_until(self, condition: Condition) -> None:
        if self.run.over:
            self.say("the run is over")
            return
        self._stand()
        self._set_once(condition)
        self.run.goal = Goal(self.run.scenario.duration)

    def _stand(self) -> None:
        self.playing = False

    def _go(self, at_us: int) -> None:
        self.run.go_to(at_us)

    def faster(self) -> None:
        """The next higher speed."""
        self._change_speed(1)

    def slower(self) -> None:
        """The next lower speed."""
        self._change_speed(-1)

    def _change_speed(self, direction: int) -> None:
        self.pace.step(direction)
        self.pace.start(wall_clock.now_ns(), self.run.now_us)
        self.say(f"speed {show_speed(self.pace.speed)}: virtual seconds per second")

    def select_next(self) -> None:
        """The next validator."""
        self._selected = (self._selected + 1) % len(self.run.model.cast.seats)

    def select_previous(self) -> None:
        """The validator before."""
        self._selected = (self._selected - 1) % len(self.run.model.cast.seats)

    def log_up(self) -> None:
        """Older events."""
        self._log_back += 10

    def log_down(self) -> None:
        """Newer events."""
        self._log_back = max(0, self._log_back - 10)

    def open_detail(self) -> None:
        """The selected validator from inside; again: back."""
        self._overlay = "" if self._overlay == "detail" else "detail"

    def open_help(self) -> None:
        """What the keys do; again: back."""
        self._overlay = "" if self._overlay == "help" else "help"

    # Questions

    def ask_time(self) -> None:
        """Go to which time?"""
        self._ask("go to (12.5, 12.5s, +3, -3)")

    def ask_filter(self) -> None:
        """Filter the log for which words?"""
        self._ask("show events with")
        self._answer = self._filter

    def ask_breakpoint(self) -> None:
        """Stop when what happens?"""
        self._ask(f"stop when (like: {breakpoints.EXAMPLE})")
        self._answer = self._breakpoint

    def _ask(self, question: str) -> None:
        self._question, self._answer = question, ""

    def _type(self, key: str) -> None:
        if key == "escape":
            self._question = ""
        elif key == "enter":
            question, self._question = self._question, ""
            self._answered(question, self._answer.strip())
        elif key == "backspace":
            self._answer = self._answer[:-1]
        elif key == "ctrl-u":
            self._answer = ""
        elif len(key) == 1 and key.isprintable():
            self._answer += key

    def _answered(self, question: str, text: str) -> None:
        if question.startswith("go to"):
            self._go_where(text)
        elif question.startswith("show"):
            self._filter, self._log_back = text, 0
        else:
            self._stop_where(text)

    def _go_where(self, text: str) -> None:
        if not text:
            return
        sign = text[0] if text[0] in "+-" else ""
        number = text[len(sign) :].strip()
        try:
            plain = number.replace(".", "", 1).isdecimal()
            us = parse_duration(f"{number}s" if plain else number)
        except UnitError as error:
            self.say(f"{text}: {error}")
            return
        now_us = self.run.now_us
        self._stand()
        self._go(now_us + us if sign == "+" else now_us - us if sign else us)

    def _stop_where(self, text: str) -> None:
        names = (*self.run.model.cast.ids, *self.run.simulation.clients)
        try:
            self._break = self._parse(text, names) if text else None
        except breakpoints.BadBreakpoint as error:
            self.say(str(error))
            return
        self._breakpoint = text
        self._set_once(self._once)
        self.say(f"stops at: {text}" if text else "no breakpoint any more")

    def _parse(self, text: str, names: tuple[str, ...]) -> Condition:
        if text != "violation":
            return breakpoints.parse(text, names)
        broken = self._broken()
        return lambda _: self._broken() > broken

    # Prodding

    def crash(self) -> None:
        """Crashes the selected validator, or starts it again."""
        self._prod(CRASH)

    def isolate(self) -> None:
        """Cuts the selected validator off, or heals its lines."""
        self._prod(ISOLATE)

    def open_byzantine(self) -> None:
        """A menu of hostile behaviours."""
        self._open_menu(BEHAVIOUR_PRODS)

    def open_faults(self) -> None:
        """A menu of faults."""
        self._open_menu(PRODS)

    def _open_menu(self, prods: tuple[Prod, ...]) -> None:
        if not self._forbidden():
            self._menu, self._overlay = prods, "menu"

    def _choose(self, key: str) -> None:
        self._overlay = ""
        for prod in self._menu:
            if prod.key == key:
                self._prod(prod)

    def _prod(self, prod: Prod) -> None:
        if self._forbidden():
            return
        node = self.run.model.cast.seats[self._selected].id
        try:
            self.say(self._actor.prod(prod, node))
        except Refused as error:
            self.say(str(error))

    def undo(self) -> None:
        """Takes the last live fault back, as if it had never been."""
        if self._forbidden():
            return
        last = self.run.undo()
        kind = "" if last is None else str(type(last).__struct_config__.tag)
        self.say(f"taken back: {kind}" if kind else "nothing was done live yet")

    def _forbidden(self) -> bool:
        if self.recorded:
            self.say("this is a recorded run: nothing can be done to it (run NAME --live can)")
        elif self.run.over:
            self.say("the run is over: go back first (g, p)")
        else:
            return False
        return True

    def write(self) -> None:
        """Writes the run, with all that was done, as a scenario file."""
        try:
            path = saving.save(self.run, self._folder)
        except OSError as error:
            self.say(f"can't write: {error.strerror}")
        else:
            self.say(f"wrote {path}: run ./{path} gives the same digest")

    # Drawing

    def frame(self, width: int, height: int) -> list[Cell]:
        """The rows of a frame, each with its place."""
        scene = self.scene()
        smallest = layout.SMALLEST
        if width < smallest[0] or height < smallest[1]:
            words = f"too small: {width}x{height}, {smallest[0]}x{smallest[1]} is needed"
            return [(0, 0, width, ((words, ""),))]
        found: list[Cell] = []
        for place in layout.arrange(width, height, scene, self._overlay):
            rows = self._rows(place.panel, scene, place.width, place.height)
            found += [
                (place.x, place.y + number, place.width, one) for number, one in enumerate(rows)
            ]
        found.append((0, height - 1, width, footer(scene, width)))
        return found

    def _rows(self, panel: str, scene: Scene, width: int, height: int) -> list[Row]:
        if panel in panels.PANELS:
            return self._drawn.draw(panel, scene, width, height)
        node = scene.cast.seats[self._selected].id
        if panel == "detail":
            rows = detail(self.run.simulation.world, node, width, height)
        elif panel == "menu":
            rows = menu_rows(self._menu, node, width)
        else:
            rows = help_rows([(key, entry.help) for key, entry in KEYS.items()], width, height)
        return rows[:height] + [()] * (height - len(rows))

    def scene(self) -> Scene:
        """This moment."""
        run = self.run
        probe = self._gatherer.probe(run)
        groups, cut_off = self._gatherer.sides(probe)
        verdict, bad = self._verdict()
        footer_text = self._message if wall_clock.now_ns() < self._message_until_ns else ""
        return Scene(
            cast=run.model.cast,
            model=run.model,
            probe=probe,
            margin=self._gatherer.margin(run, probe),
            groups=groups,
            cut_off=cut_off,
            glance=self._gatherer.glance(run),
            properties=properties(run),
            now_us=run.now_us,
            mode=self._mode(),
            speed=show_speed(self.pace.speed),
            selected=self._selected,
            filter=self._filter,
            log_back=self._log_back,
            footer=f"{self._question}: {self._answer}" if self._question else footer_text,
            typing=bool(self._question),
            verdict=verdict,
            bad=bad,
            breakpoint=self._breakpoint,
            recorded=self.recorded,
        )

    def _mode(self) -> str:
        goal = self.run.goal
        if goal is not None:
            return "again" if goal.back else "ahead"
        if self.run.over:
            return "OVER"
        return "running" if self.playing else "PAUSED"

    def _verdict(self) -> tuple[str, bool]:
        equal = self._equal()
        result = self.run.result
        if result is None:
            return equal, "DIFFERS" in equal
        words = "everything holds" if result.ok else "NOT everything holds"
        ended = "settled" if result.ended == "settled" else "time is up"
        text = f"{ended} at {clock(result.virtual_time_us)} s: {words}, "
        text += f"exit code {int(result.exit_code)}; digest {result.digest[:8]}"
        return f"{equal}; {text}" if equal else text, not result.ok or "DIFFERS" in equal


class Key:
    """What a key does, and what the help says of it."""

    def __init__(self, act: Callable[[App], None], help_: str) -> None:
        self.act: Final = act
        self.help: Final = help_


KEYS: Final[dict[str, Key]] = {
    " ": Key(App.toggle_pause, "pause, or go on"),
    ".": Key(App.step_event, "one event"),
    ">": Key(App.step_block, "on to the next block"),
    "+": Key(App.faster, "faster"),
    "-": Key(App.slower, "slower"),
    "g": Key(App.ask_time, "go to a time; back means executing again"),
    "n": Key(App.next_notable, "on to the next fault, view change or violation"),
    "p": Key(App.previous_notable, "back to the one before"),
    "k": Key(App.ask_breakpoint, "breakpoint: stop when something happens (empty: never)"),
    "up": Key(App.select_previous, "select the validator before"),
    "down": Key(App.select_next, "select the next validator"),
    "left": Key(App.select_previous, "select the validator before"),
    "right": Key(App.select_next, "select the next validator"),
    "enter": Key(App.open_detail, "log, certificates, timers and mempool of the selected one"),
    "c": Key(App.crash, "crash the selected validator, or start it again"),
    "i": Key(App.isolate, "isolate it, or heal its lines"),
    "b": Key(App.open_byzantine, "put it into hostile hands: a menu"),
    "f": Key(App.open_faults, "other faults: a menu"),
    "u": Key(App.undo, "undo the last of these, as if it had never been"),
    "w": Key(App.write, "write the run, with all you did, as a scenario file"),
    "/": Key(App.ask_filter, "filter the events (empty: the news)"),
    "page-up": Key(App.log_up, "older events"),
    "page-down": Key(App.log_down, "newer events"),
    "?": Key(App.open_help, "this page"),
    "q": Key(App.quit, "leave"),
}
"""By the names of ``keys``."""
