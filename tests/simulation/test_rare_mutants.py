"""Planted bugs that take a rare interleaving, with the faults that exploring found, made smaller.

Each shows the property break with the bug, and everything hold without it: so a change of the
protocol, or of a check, that would hide one of them shows here and not only in a long sweep.
"""

from __future__ import annotations

import msgspec
import pytest

from chainsim.explore.outcome import run_scenario
from chainsim.explore.planting import Planted, planted
from scenarios.loader import load_text
from scenarios.schema import Scenario

BASE = """
schema = 1
name = "rare"
seed = 1
duration = "20s"
validators = 4
[consensus]
block_max_txs = 3
block_interval = "50ms"
checkpoint_interval = 4
window = 8
request_timeout = "300ms"
view_change_timeout = "300ms"
status_interval = "200ms"
signatures = "fast"
[network]
latency = { kind = "uniform", low = "2ms", high = "30ms" }
[disk]
fsync = "1ms"
[genesis]
include = "cash"
[[workload]]
kind = "transfers"
rate = "80/s"
start = "50ms"
stop = "100ms"
"""

POWER_CUT = """
[[faults]]
kind = "power-loss"
for = "420ms"
nodes = ["v1"]
boundary = "written"
when = { event = "prepared" }
[[faults]]
kind = "isolate"
node = "v0"
at = "200ms"
for = "1s"
"""
"""v1 goes dark before its certificate is on the disk; then the primary is lost."""

TWO_LEFT = """
[[faults]]
kind = "mangle"
type = "request"
drop = true
at = "10ms"
for = "300ms"
[[faults]]
kind = "mangle"
type = ["commit", "certified-batch"]
to = ["v0", "v2"]
drop = true
at = "10ms"
for = "1500ms"
"""
"""All wait for requests that came late; two miss that they are decided, and want another view."""

TWO_PREPARED = """
[[faults]]
kind = "byzantine"
node = "v2"
behaviour = "equivocate"
[[faults]]
kind = "mangle"
view = 0
type = "prepare"
to = ["v0", "v1", "v3"]
drop = true
at = "10ms"
for = "900ms"
[[faults]]
kind = "mangle"
view = 1
to = "v2"
drop = true
at = "10ms"
for = "900ms"
[[faults]]
kind = "mangle"
type = "commit"
drop = true
at = "10ms"
for = "900ms"
"""
"""View 0 prepares a batch at v2 alone; view 1, without it, another at the rest."""

FINDS = {
    9: (TWO_PREPARED, "agreement"),
    19: (TWO_LEFT, "liveness"),
    22: (POWER_CUT, "remembered-commits"),
}


SEEDS = range(30)


def _scenario(faults: str, seed: int) -> Scenario:
    return msgspec.structs.replace(load_text(BASE + faults), seed=seed)


@pytest.mark.parametrize("number", sorted(FINDS))
def test_a_rare_bug_still_shows(number: int) -> None:
    faults, check = FINDS[number]
    for seed in SEEDS:
        scenario = _scenario(faults, seed)
        with planted(Planted("tests.mutants", number)):
            found = run_scenario(scenario).found
        assert run_scenario(scenario).found == ()
        if check in {each.check for each in found}:
            return
    pytest.fail(f"not found in {len(SEEDS)} seeds")
