"""The dashboard's state and its keys: what is selected, what is open, what is asked.

Knows no terminal and no trio: ``press`` takes the name of a key, ``tick`` lets the run go on for
a while, ``frame`` gives rows. ``chainsim.live`` connects the three to the world outside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chainsim import wall_clock
from chainsim.dashboard import layout, panels, saving
from chainsim.dashboard.acting import Actor, Refused
from chainsim.dashboard.asking import Question
from chainsim.dashboard.gather import Gatherer, properties
from chainsim.dashboard.live_run import LiveRun
from chainsim.dashboard.pacing import show_speed
from chainsim.dashboard.panels.detail import detail
from chainsim.dashboard.panels.footer import footer, help_rows, menu_rows
from chainsim.dashboard.player import Player
from chainsim.dashboard.prods import BEHAVIOUR_PRODS, CRASH, ISOLATE, PRODS, Prod
from chainsim.dashboard.rows import Row
from chainsim.dashboard.scene import Scene
from chainsim.dashboard.screen import Cell
from chainsim.dashboard.wording import clock

AT_ONCE: Final = ("q", " ", "escape")
"""Keys that don't wait until a goal is reached."""
MESSAGE_NS: Final = 8_000_000_000
"""How long a message stays."""
TYPED_AHEAD: Final = 100
"""Keys that wait, at most."""
LOG_STEP: Final = 10


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
        self.player: Final = Player(run, speed, self.say)
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
        self._question: Question | None = None
        self._filter = ""
        self._log_back = 0
        self._message = ""
        self._message_until_ns = 0
        self._typed_ahead: Final[deque[str]] = deque(maxlen=TYPED_AHEAD)

    def tick(self, deadline_ns: int) -> None:
        """Lets the run go on, until ``deadline_ns`` at the latest; then takes keys that waited."""
        self.player.tick(deadline_ns)
        while self._typed_ahead and self.run.goal is None:
            self.press(self._typed_ahead.popleft())

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
                self._escape()
        elif self._question is not None:
            question = self._question
            if not question.press(key) and self._question is question:
                self._question = None
        elif self._overlay == "menu":
            self._choose(key)
        elif key in KEYS:
            KEYS[key].act(self)
        elif key == "escape":
            self._escape()

    def _escape(self) -> None:
        self._typed_ahead.clear()
        if self._overlay:
            self._overlay = ""
        elif not self.player.give_up():
            self._filter, self._log_back, self._message = "", 0, ""

    def quit(self) -> None:
        """Leaves; from an overlay only that."""
        if self._overlay:
            self._overlay = ""
        else:
            self.leaving = True

    def select_next(self) -> None:
        """The next validator."""
        self._selected = (self._selected + 1) % len(self.run.model.cast.seats)

    def select_previous(self) -> None:
        """The validator before."""
        self._selected = (self._selected - 1) % len(self.run.model.cast.seats)

    def log_up(self) -> None:
        """Older events."""
        self._log_back += LOG_STEP

    def log_down(self) -> None:
        """Newer events."""
        self._log_back = max(0, self._log_back - LOG_STEP)

    def open_detail(self) -> None:
        """The selected validator from inside; again: back."""
        self._overlay = "" if self._overlay == "detail" else "detail"

    def open_help(self) -> None:
        """What the keys do; again: back."""
        self._overlay = "" if self._overlay == "help" else "help"

    def ask_time(self) -> None:
        """Go to which time?"""
        self._question = Question("go to (12.5, 12.5s, +3, -3)", self.player.go)

    def ask_filter(self) -> None:
        """Filter the log for which words?"""
        self._question = Question("show events with", self._show_only, self._filter)

    def _show_only(self, text: str) -> None:
        self._filter, self._log_back = text, 0

    def ask_breakpoint(self) -> None:
        """Stop when what happens?"""
        words = "stop when (prepared at sbp, height 40, refused)"
        self._question = Question(words, self.player.stop_when, self.player.breakpoint)

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
        try:
            self.say(self._actor.prod(prod, self._node()))
        except Refused as error:
            self.say(str(error))

    def _node(self) -> str:
        return self.run.model.cast.seats[self._selected].id

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
        smallest = layout.SMALLEST
        if width < smallest[0] or height < smallest[1]:
            words = f"too small: {width}x{height}, {smallest[0]}x{smallest[1]} is needed"
            return [(0, 0, width, ((words, ""),))]
        scene = self.scene()
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
        if panel == "detail":
            rows = detail(self.run.simulation.world, self._node(), width, height)
        elif panel == "menu":
            rows = menu_rows(self._menu, self._node(), width)
        else:
            rows = help_rows([(key, entry.help) for key, entry in KEYS.items()], width, height)
        return rows[:height] + [()] * (height - len(rows))

    def scene(self) -> Scene:
        """This moment."""
        run, player = self.run, self.player
        probe = self._gatherer.probe(run)
        groups, cut_off = self._gatherer.sides(probe)
        verdict, bad = self._verdict()
        message = self._message if wall_clock.now_ns() < self._message_until_ns else ""
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
            mode=player.mode(),
            speed=show_speed(player.pace.speed),
            selected=self._selected,
            filter=self._filter,
            log_back=self._log_back,
            footer=message if self._question is None else str(self._question),
            typing=self._question is not None,
            verdict=verdict,
            bad=bad,
            breakpoint=player.breakpoint,
            recorded=self.recorded,
        )

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


def _playing(act: Callable[[Player], None]) -> Callable[[App], None]:
    return lambda app: act(app.player)


KEYS: Final[dict[str, Key]] = {
    " ": Key(_playing(Player.toggle_pause), "pause, or go on"),
    ".": Key(_playing(Player.step_event), "one event"),
    ">": Key(_playing(Player.step_block), "on to the next block"),
    "+": Key(_playing(Player.faster), "faster"),
    "-": Key(_playing(Player.slower), "slower"),
    "g": Key(App.ask_time, "go to a time; back means executing again"),
    "n": Key(_playing(Player.next_notable), "on to the next fault, view change or violation"),
    "p": Key(_playing(Player.previous_notable), "back to the one before"),
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
