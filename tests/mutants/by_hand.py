"""For some planted bugs the scenario that a person would write: what shrinking is held against.

Each breaks a property with its bug in place, and nothing without it: see
`tests/unit/explore/test_by_hand.py`. Four validators, few transfers, and the fewest faults that
bring it about.
"""

from __future__ import annotations

from typing import Final

HEAD: Final = """
schema = 1
name = "by-hand"
seed = {seed}
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
latency = {{ kind = "uniform", low = "2ms", high = "30ms" }}

[disk]
fsync = "1ms"

[genesis]
include = "cash"

[[workload]]
kind = "script"
steps = [
{steps}]
"""

STEP: Final = """\
  {{ at = "{at}", from = "dealer-a", tx = "TRANSFER", body = {{ source = "dealer-a/cash", \
target = "dealer-b/cash", amount = "1.00 PKR" }} }},
"""


def written(faults: str, *, seed: int = 1, at: tuple[str, ...] = ("100ms",)) -> str:
    """A whole scenario: one transfer at each of these times, and ``faults``."""
    steps = "".join(STEP.format(at=moment) for moment in at)
    return HEAD.format(seed=seed, steps=steps) + faults


TOLD_APART: Final = """
[[faults]]
kind = "byzantine"
node = "v0"
behaviour = "equivocate"
groups = [["v1", "v3"], ["v2", "v3"]]
"""
"""v3 sees both proposals."""

TWO_FACED: Final = """
[[faults]]
kind = "byzantine"
node = "v0"
behaviour = "equivocate"
"""

GAP: Final = """
[[faults]]
kind = "mangle"
type = "pre-prepare"
sequence = 1
drop = true
at = "10ms"
for = "2s"
"""
"""Slot 2 is prepared, slot 1 never."""

RESTLESS: Final = """
[[faults]]
kind = "byzantine"
node = "v3"
behaviour = "bogus-view-change"
chance = 1.0
"""

LOST_CALLS: Final = """
[[faults]]
kind = "mangle"
type = "view-change"
drop = true
at = "10ms"
for = "1s"

[[faults]]
kind = "isolate"
node = "v0"
at = "50ms"
for = "5s"
"""
"""The primary is away, and nobody hears who wants another one."""

SILENT: Final = """
[[faults]]
kind = "byzantine"
node = "v0"
behaviour = "silent"
"""

POWER_CUT: Final = """
[[faults]]
kind = "crash"
nodes = ["v0", "v1", "v2", "v3"]
at = "500ms"
for = "100ms"
"""

FALSE_REPLIES: Final = """
[[faults]]
kind = "byzantine"
node = "v0"
behaviour = "random-mutation"
types = ["reply"]
chance = 1.0
"""

BY_HAND: Final = {
    4: written(TOLD_APART),
    6: written(TWO_FACED),
    13: written(GAP, at=("100ms", "160ms")),
    18: written(RESTLESS),
    20: written(LOST_CALLS),
    21: written(SILENT),
    23: written(POWER_CUT),
    26: written(FALSE_REPLIES, seed=3),
}
"""By the number of the bug."""
