"""Rows that run a whole network: PBFT, ledger, durable log, checks and trace."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Final

from chainsim import wall_clock
from chainsim.bench.measure import BenchmarkFailed, Work, timed
from chainsim.build import build
from chainsim.exit_codes import ExitCode
from chainsim.run_folder import TRACE
from chainsim.run_result import RunResult
from chainsim.trace import Level, Recorder
from scenarios import loader
from scenarios.schema import Scenario

STEADY: Final = """
schema = 1
name = "bench"
title = "A steady stream of requests"
seed = 1
duration = "{duration}s"
validators = {n}

[consensus]
signatures = "{signatures}"

[genesis]
include = "cash"

[[workload]]
kind = "transfers"
rate = "{rate}/s"
start = "1s"
stop = "{stop}s"
"""
"""Ten blocks a second; ``rate`` over ten is the size of a block."""

BLOCKS_PER_S: Final = 10
PER_BLOCK: Final = 200
"""Transactions per block where transactions are what counts."""
SLICE_NS: Final = 20_000_000
"""Wall time between two frames of a dashboard that nobody sees."""


def steady(n: int, blocks: int, *, size: int = 1, signatures: str = "fast") -> Scenario:
    """``n`` validators that order ``blocks`` blocks of ``size`` transfers."""
    stop = 1 + blocks / BLOCKS_PER_S
    text = STEADY.format(
        n=n,
        signatures=signatures,
        rate=BLOCKS_PER_S * size,
        stop=f"{stop:.1f}",
        duration=int(2 * stop) + 60,
    )
    return loader.load_text(text, "benchmark")


def finished(
    scenario: Scenario, *, level: Level = "milestones", memoise: bool = False
) -> tuple[RunResult, int, int]:
    """(result, CPU ns, wall ns) of a full run. Raises ``BenchmarkFailed`` if it isn't right."""
    with tempfile.TemporaryDirectory(prefix="chainsim-") as folder:
        recorder = Recorder(level, Path(folder) / TRACE)
        simulation = build(scenario, recorder, memoise=memoise)
        found: list[RunResult] = []

        def run() -> None:
            found.append(simulation.run())
            recorder.close()

        cpu_ns, wall_ns = timed(run)
    (result,) = found
    if result.exit_code != ExitCode.OK:
        raise BenchmarkFailed(f"the benchmark's own run ends with {result.exit_code!r}")
    return result, cpu_ns, wall_ns


def _work(unit: str, count: int, measured: tuple[RunResult, int, int], **detail: int | str) -> Work:
    result, cpu_ns, wall_ns = measured
    return Work(
        unit=unit,
        count=count,
        cpu_ns=cpu_ns,
        wall_ns=wall_ns,
        sent=sum(result.messages.sent.values()),
        delivered=sum(result.messages.delivered.values()),
        detail={"digest": result.digest[:16], **detail},
    )


def decisions(n: int, blocks: int, signatures: str = "fast", *, memoise: bool = False) -> Work:
    """Decisions on blocks of one transaction; ``memoise``: each block is executed once."""
    measured = finished(steady(n, blocks, signatures=signatures), memoise=memoise)
    return _work("decisions", measured[0].height, measured)


def transactions(count: int, *, memoise: bool) -> Work:
    """So many transactions through four validators; ``memoise``: each block is executed once."""
    measured = finished(steady(4, count // PER_BLOCK, size=PER_BLOCK), memoise=memoise)
    result = measured[0]
    return _work("transactions", result.measures.transactions.final, measured, height=result.height)


def growth(blocks: int) -> Work:
    """A run of so many blocks: is the time of each the same, and what memory does it need?"""
    measured = finished(steady(4, blocks))
    return _work("decisions", measured[0].height, measured)


def traced(level: Level, blocks: int) -> Work:
    """The same run at one level of its trace."""
    measured = finished(steady(7, blocks), level=level)
    return _work("decisions", measured[0].height, measured)


def shipped(name: str) -> Work:
    """A scenario of the library."""
    measured = finished(loader.load(name))
    result = measured[0]
    return _work("runs", 1, measured, height=result.height)


def watched(blocks: int) -> Work:
    """The run of ``traced`` at level milestones under the dashboard, frames drawn for nobody."""
    from chainsim.dashboard.app import App
    from chainsim.dashboard.live_run import LiveRun

    scenario = steady(7, blocks)
    frames = 0

    def watch(app: Any) -> None:
        nonlocal frames
        while not app.run.over:
            app.run.advance(scenario.duration, wall_clock.now_ns() + SLICE_NS)
            app.frame(120, 40)
            frames += 1
        app.run.simulation.recorder.close()

    with tempfile.TemporaryDirectory(prefix="chainsim-") as folder:
        run = LiveRun(scenario, lambda: Recorder("milestones", Path(folder) / TRACE))
        measured = timed(partial(watch, App(run, 1_000)))
    assert run.result is not None
    return _work("decisions", run.result.height, (run.result, *measured), frames=frames)
