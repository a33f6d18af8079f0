"""Rows about seeds, about the ledger alone, and about starting up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from chainsim import wall_clock
from chainsim.bench.ledger import TRANSFERS, Alone
from chainsim.bench.measure import BenchmarkFailed, Work, timed
from chainsim.explore.chunks import Job, run_chunk
from chainsim.explore.model import model_of
from chainsim.explore.runner import Here, sweep
from scenarios import loader

ROOT: Final = Path(__file__).resolve().parents[2]
"""Where the four packages lie."""
STARTS: Final = 5
"""A start is timed as often; the quickest counts, as the machine does other things too."""


def exploring(seeds: int) -> Work:
    """Seeds of the shipped base at n = 4 with drawn faults and all checks, in a warm process.

    Raises ``BenchmarkFailed``.
    """
    base = loader.load("explore-base")
    model = msgspec.structs.replace(model_of(base), sizes=(4,))
    return _swept(Job(base=base, strategy="random", model=model), seeds, "seeds")


def twins(schedules: int) -> Work:
    """Schedules of ``explore --strategy twins`` on its base: 4 validators and one's twin, and for
    each of 4 rounds 2 partitions; all checks on. Raises ``BenchmarkFailed``.
    """
    base = loader.load("explore-twins")
    return _swept(Job(base=base, strategy="twins", model=model_of(base)), schedules, "schedules")


def _swept(job: Job, seeds: int, unit: str) -> Work:
    run_chunk(job, 0, 2)  # what is loaded at the first use isn't the seeds' work
    found = sweep(job, 0, seeds, Here())
    if found.failures:
        raise BenchmarkFailed(f"seed {found.first_failure} of {job.base.name} breaks a property")
    return Work(
        unit=unit,
        count=found.runs,
        cpu_ns=found.busy_ns,
        wall_ns=found.wall_ns,
        delivered=found.deliveries,
        detail={"median_deliveries": found.median_deliveries, "digest": found.digest[:16]},
    )


def exploring_command(seeds: int) -> Work:
    """The same as a whole command, start-up and all."""
    arguments = ("explore", "explore-base", "--sizes", "4", "--seeds", str(seeds), "--jobs", "1")
    cpu_ns, wall_ns = _command(*arguments)
    return Work(unit="seeds", count=seeds, cpu_ns=cpu_ns, wall_ns=wall_ns)


def ledger_alone(accounts: int, *, hashing: bool) -> Work:
    """Transfers that one ledger executes, with and without hashing its state."""
    spent_ns = Alone(accounts).transfers_ns(hashing=hashing)
    return Work(unit="transfers", count=TRANSFERS, cpu_ns=spent_ns, wall_ns=spent_ns)


def start_up(*arguments: str) -> Work:
    """A whole command; the quickest of some."""
    best = min(_command(*arguments) for _ in range(STARTS))
    return Work(unit="runs", count=1, cpu_ns=best[0], wall_ns=best[1])


def _command(*arguments: str) -> tuple[int, int]:
    """(CPU, wall) ns of a command in a process of its own. Raises ``BenchmarkFailed``."""
    with tempfile.TemporaryDirectory(prefix="chainsim-") as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        before_ns = wall_clock.children_cpu_ns()

        def go() -> None:
            command = [sys.executable, "-m", "chainsim", *arguments]
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, check=False
            )
            if done.returncode:
                said = done.stderr.decode(errors="replace")[-300:]
                raise BenchmarkFailed(f"chainsim {' '.join(arguments)} fails: {said}")

        _, wall_ns = timed(go)
        return wall_clock.children_cpu_ns() - before_ns, wall_ns
