"""``--live``: the dashboard for ``run`` and ``replay``; plain lines without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chainsim.cli import output
from chainsim.cli.scenario_argument import Refused

if TYPE_CHECKING:
    from chainsim.recorded_run import Player
    from chainsim.simulation.standing import Progress
    from scenarios.schema import Scenario


def speed_of(text: str | None, *, live: bool) -> int | None:
    """``--speed`` in thousandths; None: as fast as can be. Raises ``Refused``."""
    from chainsim.dashboard.pacing import NORMAL, BadSpeed, parse_speed

    if text is None:
        return NORMAL
    if not live:
        raise Refused("--speed goes with --live")
    try:
        return parse_speed(text)
    except BadSpeed as error:
        raise Refused(f"--speed: {error}") from None


def time_of(text: str | None, *, live: bool) -> int | None:
    """``--at`` in microseconds; bare numbers are seconds. Raises ``Refused``."""
    from scenarios.units import UnitError, parse_duration

    if text is None:
        return None
    if not live:
        raise Refused("--at goes with --live")
    try:
        plain = text.replace(".", "", 1).isdecimal()
        return parse_duration(f"{text}s" if plain else text)
    except UnitError as error:
        raise Refused(f"--at: {error}") from None


def possible(*, as_json: bool) -> bool:
    """Whether there is a terminal to draw on, which standard output isn't needed for otherwise."""
    from chainsim.dashboard import terminal

    if as_json:
        return False
    if terminal.usable():
        return True
    output.note("No terminal to draw a dashboard on: plain lines instead.")
    return False


def player(speed: int | None) -> Player:
    """Runs a scenario under the dashboard."""
    from chainsim import wall_clock
    from chainsim.dashboard.app import App
    from chainsim.dashboard.live_run import LiveRun
    from chainsim.live import watch
    from chainsim.recorded_run import Played
    from chainsim.trace import Recorder

    def play(scenario: Scenario, new_recorder: Callable[[], Recorder]) -> Played:
        start_ns = wall_clock.now_ns()
        run = LiveRun(scenario, new_recorder)
        app = App(run, speed)
        watch(app)
        if app.gone:
            output.discard(sys.stdout)
            output.discard(sys.stderr)
        result = run.leave()
        return Played(run.scenario, run.simulation, result, wall_clock.seconds_since(start_ns))

    return play


def plain_player(progress: Callable[[Progress], None]) -> Player:
    """Runs a scenario through; each event that the dashboard would show is a line."""
    from chainsim.build import build
    from chainsim.dashboard.cast import cast_of
    from chainsim.dashboard.view_model import ViewModel
    from chainsim.dashboard.wording import clock, worded
    from chainsim.recorded_run import Played, play
    from chainsim.trace import Executed, Record, Recorder

    def tell(record: Record) -> None:
        mark, _, text = worded(record)
        who = f"{record.node} " if record.node else ""
        output.note(f"{clock(record.at_us):>10} s {mark} {who}{text}")

    def run(scenario: Scenario, new_recorder: Callable[[], Recorder]) -> Played:
        recorder = new_recorder()
        simulation = build(scenario, recorder)
        model = ViewModel(
            cast_of(scenario, simulation, len(scenario.faults)), simulation.context.honest
        )

        def on_record(record: Record) -> None:
            model.on_record(record)
            if model.news and model.news[-1] is record and type(record) is not Executed:
                tell(record)

        for kind in model.readers:
            recorder.subscribe(kind, on_record)
        result, wall_s = play(simulation, progress)
        return Played(scenario, simulation, result, wall_s)

    return run


def replay_live(
    scenario: Scenario, folder: Path, at_us: int | None, speed: int | None
) -> tuple[bool, str]:
    """Shows a recorded run; (whether it was like its recording as far as it was played, words)."""
    from chainsim.dashboard.app import App
    from chainsim.dashboard.held_against import HeldAgainst
    from chainsim.dashboard.live_run import LiveRun
    from chainsim.live import watch
    from chainsim.trace import Recorder

    held = HeldAgainst(folder)
    run = LiveRun(scenario, Recorder, held.attach)
    app = App(run, speed, recorded=True, equal=lambda: held.words(run))
    if at_us is not None:
        app.player.playing = False
        run.go_to(at_us)
    watch(app)
    if app.gone:
        output.discard(sys.stderr)
    return held.equal(run), held.words(run)
