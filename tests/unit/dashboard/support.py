"""A small run to watch: four validators, some transfers, a crash of the primary."""

from __future__ import annotations

from chainsim import wall_clock
from chainsim.build import build
from chainsim.dashboard.app import App
from chainsim.dashboard.live_run import LiveRun
from chainsim.dashboard.rows import cells, plain
from chainsim.run_result import RunResult
from chainsim.trace import Recorder
from scenarios.loader import load_text, resolved_toml
from scenarios.schema import Scenario

TEXT = """
schema = 1
name = "small"
title = "The primary crashes for a while"
seed = 3
duration = "20s"
validators = 4

[consensus]
request_timeout = "500ms"
view_change_timeout = "500ms"
signatures = "fast"

[network]
latency = { kind = "uniform", low = "5ms", high = "25ms" }

[[workload]]
kind = "transfers"
rate = "10/s"
start = "200ms"
stop = "4s"

[[faults]]
kind = "crash"
node = "v0"
at = "1s"
for = "1s"

[expect]
safety = "holds"
"""

EVER_NS = 10**18


def small(*lines: str) -> Scenario:
    """The scenario, with further lines of TOML at its end."""
    return load_text(TEXT + "\n".join(lines))


def live(scenario: Scenario | None = None) -> LiveRun:
    return LiveRun(scenario or small(), Recorder)


def until(run: LiveRun, at_us: int) -> None:
    """Runs to a time."""
    run.advance(at_us, wall_clock.now_ns() + EVER_NS)


def arrive(run: LiveRun) -> None:
    """Runs to the goal that is set."""
    while not run.seek(wall_clock.now_ns() + EVER_NS):
        pass


def finish(run: LiveRun) -> RunResult:
    """Runs to the end."""
    arrive(run)
    until(run, run.scenario.duration)
    assert run.result is not None
    return run.result


def unwatched(scenario: Scenario) -> RunResult:
    """What the command line makes of a scenario that was written to a file and read again."""
    return build(load_text(resolved_toml(scenario))).run()


def screen(app: App, width: int, height: int) -> str:
    """A frame as text, each row up to its last character; and nothing may overlap."""
    rows = [[" "] * width for _ in range(height)]
    taken: set[tuple[int, int]] = set()
    for x, y, wide, one in app.frame(width, height):
        text = cells(plain(one), wide)
        for column, character in enumerate(text, x):
            assert (column, y) not in taken
            taken.add((column, y))
            rows[y][column] = character
    return "".join("".join(row).rstrip() + "\n" for row in rows)
