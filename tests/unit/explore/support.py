"""A base that runs in a few milliseconds, and models without hostile validators."""

from __future__ import annotations

from chainsim.explore.chunks import Job
from chainsim.explore.model import FaultModel
from chainsim.explore.planting import Planted
from scenarios.loader import load, load_text
from scenarios.schema import Scenario

NETWORK_KINDS = ("crash", "restart", "partition", "isolate", "link")

QUICK = """
schema = 1
name = "quick-base"
seed = 1
duration = "20s"
validators = 4
[consensus]
block_max_txs = 2
block_interval = "20ms"
checkpoint_interval = 2
window = 4
request_timeout = "300ms"
view_change_timeout = "300ms"
status_interval = "150ms"
signatures = "fast"
[network]
latency = { kind = "uniform", low = "1ms", high = "15ms" }
[genesis]
include = "cash"
[[workload]]
kind = "transfers"
rate = "20/s"
start = "10ms"
stop = "260ms"
"""


def quick_base() -> Scenario:
    return load_text(QUICK)


def shipped_base() -> Scenario:
    return load("explore-base")


def a_job(strategy: str = "swarm", mutant: int | None = None, **changes: object) -> Job:
    fields: dict[str, object] = {
        "base": quick_base(),
        "strategy": strategy,
        "model": FaultModel(kinds=NETWORK_KINDS),
        "mutant": None if mutant is None else Planted("tests.mutants", mutant),
    }
    return Job(**{**fields, **changes})  # type: ignore[arg-type]
