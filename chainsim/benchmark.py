"""How fast this machine runs the simulator, beside how fast it runs an empty heap loop.

The ratio of the two means something on any machine; the absolute numbers only on this one.
"""

from __future__ import annotations

import gc
import tempfile
from heapq import heappop, heappush
from pathlib import Path
from typing import Final

import msgspec

from chainsim import wall_clock
from chainsim.build import build
from chainsim.exit_codes import ExitCode
from chainsim.explore.chunks import Job, run_chunk
from chainsim.explore.model import model_of
from chainsim.explore.runner import Here, sweep
from chainsim.ledger_benchmark import TRANSFERS, transfers_ns
from chainsim.run_folder import TRACE
from chainsim.trace import Recorder
from scenarios import loader

HEAP_EVENTS: Final = 1_000_000
HEAP_DEPTH: Final = 4096
"""Events that wait at any time, like a busy network's."""

NETWORK: Final = """
schema = 1
name = "bench"
title = "Sixteen validators, a steady stream of requests"
seed = 1
duration = "60s"
validators = 16

[consensus]
signatures = "fast"

[genesis]
include = "cash"

[[workload]]
kind = "transfers"
rate = "{rate}/s"
start = "1s"
stop = "21s"
"""
"""What the full-node rows run; ``rate`` over ten blocks a second is the size of a block."""

BLOCK_SIZES: Final = (1, 10)
"""Transactions per block: with one, the messages of 2n(n-1) per decision dominate; with ten,
executing each transaction sixteen times and replying does."""


EXPLORED: Final = 64
"""Seeds of the exploring row."""

LEDGER_ACCOUNTS: Final = 10_000
"""Among which the rows of the ledger move cash."""


class BenchmarkFailed(Exception):
    """What was measured isn't a correct run, so its speed means nothing."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: ``count`` of what ``unit`` names, in ``wall_s`` seconds."""

    name: str
    unit: str
    count: int
    wall_s: float
    per_s: int
    detail: dict[str, int] = {}


def row(name: str, unit: str, count: int, wall_ns: int, **detail: int) -> Row:
    """A measurement from its raw numbers."""
    return Row(
        name=name,
        unit=unit,
        count=count,
        wall_s=round(wall_ns / 1e9, 3),
        per_s=count * 10**9 // max(1, wall_ns),
        detail=detail,
    )


def empty_heap_loop(events: int = HEAP_EVENTS) -> Row:
    """Pops ``events`` tuples shaped like the kernel's, and pushes one for each."""
    heap: list[tuple[int, int, int, None]] = []
    for number in range(HEAP_DEPTH):
        heappush(heap, (number * 7919 % HEAP_DEPTH, 3, number, None))
    gc.collect()
    gc.freeze()
    start_ns = wall_clock.now_ns()
    for number in range(HEAP_DEPTH, HEAP_DEPTH + events):
        at_us, priority, _, nothing = heappop(heap)
        # Spread like latencies: a fixed linear congruence, no draw.
        heappush(heap, (at_us + 1 + number * 7919 % HEAP_DEPTH, priority, number, nothing))
    wall_ns = wall_clock.now_ns() - start_ns
    gc.unfreeze()
    return row("empty heap loop", "events", events, wall_ns)


def full_node(block_size: int) -> Row:
    """A whole run: PBFT, ledger, checks and milestone trace, with ``fast`` signatures.

    Counts messages delivered; those sent are beside them. Raises ``BenchmarkFailed``.
    """
    scenario = loader.load_text(NETWORK.format(rate=10 * block_size), "benchmark")
    with tempfile.TemporaryDirectory(prefix="chainsim-") as folder:
        recorder = Recorder("milestones", Path(folder) / TRACE)
        simulation = build(scenario, recorder)
        start_ns = wall_clock.now_ns()
        result = simulation.run()
        wall_ns = wall_clock.now_ns() - start_ns
        recorder.close()
    if result.exit_code != ExitCode.OK:
        raise BenchmarkFailed(f"the benchmark's own run ends with {result.exit_code!r}")
    return row(
        f"full node, n = {len(scenario.validators)}, {block_size} tx per block",
        "messages delivered",
        sum(result.messages.delivered.values()),
        wall_ns,
        sent=sum(result.messages.sent.values()),
        height=result.height,
        transactions=result.measures.transactions.final,
    )


def exploring(seeds: int = EXPLORED) -> Row:
    """Seeds of the shipped base at n = 4 with drawn faults and all checks, per second of CPU time.

    Raises ``BenchmarkFailed``.
    """
    base = loader.load("explore-base")
    model = msgspec.structs.replace(model_of(base), sizes=(4,))
    job = Job(base=base, strategy="random", model=model)
    run_chunk(job, 0, 2)  # what is loaded at the first use isn't the seeds' work
    found = sweep(job, 0, seeds, Here())
    if found.failures:
        raise BenchmarkFailed(f"seed {found.first_failure} of {base.name} breaks a property")
    return row(
        "exploring, n = 4",
        "seeds",
        found.runs,
        found.busy_ns,
        deliveries=found.deliveries,
        median_deliveries=found.median_deliveries,
    )


def ledger_alone(*, hashing: bool, accounts: int = LEDGER_ACCOUNTS) -> Row:
    """Transfers that one ledger executes, with and without hashing its state, in CPU time."""
    spent_ns = transfers_ns(accounts, hashing=hashing)
    name = "ledger, with state hashing" if hashing else "ledger, without state hashing"
    return row(name, "transfers", TRANSFERS, spent_ns, accounts=accounts)
