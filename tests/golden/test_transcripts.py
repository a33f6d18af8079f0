"""Scripted interactions whose whole text is committed: read the diff when one changes.

After etcd-io/raft's interaction tests: a transcript shows every milestone, delivery and loss of
the messages that matter, in order of execution.
"""

from __future__ import annotations

from collections.abc import Callable

from chainsim.testing import cluster

BASE = """
schema = 1
name = "transcript"
title = "A transcript"
description = "One transfer after the other, on a network without chance."
duration = "20s"
validators = 4

[consensus]
signatures = "fast"
block_interval = "100ms"
checkpoint_interval = 2
window = 4

[network]
latency = {{ kind = "constant", value = "10ms" }}
jitter = 0.0

[disk]
fsync = "0ms"

[genesis]
include = "cash"

[[workload]]
kind = "transfers"
rate = "2/s"
start = "1s"
stop = "{stop}"
{faults}
"""

CRASH = """
[[faults]]
kind = "crash"
node = "primary"
at = "1200ms"
for = "6s"
"""


def _transcript(stop: str, faults: str = "") -> str:
    c = cluster(scenario=BASE.format(stop=stop, faults=faults), messages=True)
    c.run()
    c.check()
    return f"{c.transcript()}digest {c.digest}\n"


def test_happy_path(golden: Callable[[str, str], None]) -> None:
    """Two transfers, two blocks, one checkpoint."""
    golden("happy-path.txt", _transcript("2s"))


def test_view_change(golden: Callable[[str, str], None]) -> None:
    """The primary dies after its first block: view 1 starts with that block and goes on."""
    golden("view-change.txt", _transcript("2s", CRASH))
