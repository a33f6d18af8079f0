"""Bounded memory: what a validator kept for later is held against PBFT.md's caps."""

from __future__ import annotations

import msgspec
import pytest

from chainsim.checks import CheckResult
from chainsim.explore.outcome import run_scenario
from chainsim.explore.planting import Planted, planted
from consensus.messages import Prepare
from consensus.pbft.future import FutureMessages
from scenarios.loader import load_text
from tests.mutants.by_hand import written
from tests.unit.checks.story import NAMES, Story, judge
from tests.unit.pbft.bench import Bench

WINDOW = 20
"""Of ``Parameters()``."""


def judged(held: dict[str, int], *, up: bool = True, honest: bool = True) -> CheckResult:
    story = Story()
    status = msgspec.structs.replace(story.end(5).nodes["v1"], up=up, held=held)
    names = frozenset(NAMES) if honest else frozenset(NAMES) - {"v1"}
    return judge("bounded-memory", story.context(honest=names), [], story.end(9, v1=status))


@pytest.mark.parametrize(
    ("table", "cap"), [("future", 6 * WINDOW), ("early", 3 * WINDOW), ("slots", WINDOW)]
)
def test_each_table_may_be_full_and_no_fuller(table: str, cap: int) -> None:
    full = judged({table: cap})
    assert full.ok
    assert "100 %" in full.detail
    over = judged({table: cap + 1})
    assert not over.ok
    assert over.findings[0].node == "v1"
    assert f"kept {cap + 1} " in over.detail
    assert judged({table: cap + 1}, honest=False).ok


def test_a_peak_outlives_what_made_it() -> None:
    """A view begins, or an epoch: the table is empty, and still says how full it was."""
    future = FutureMessages(WINDOW)
    for view in range(1, 8):
        future.add(Prepare(b"c", 0, "v2", view, 1, b"d"))
    future.add(Prepare(b"c", 0, "v3", 1, 1, b"d"))
    assert future.peak == 7  # of one sender
    future.take(7, 10)
    assert (len(future), future.peak) == (0, 7)
    for view in range(1, 10):
        future.add(Prepare(b"c", 0, "v2", view, 1, b"d"))
    future.clear()
    assert (len(future), future.peak) == (0, 9)


def test_who_is_down_at_the_end_is_judged_too() -> None:
    assert not judged({"future": 6 * WINDOW + 1}, up=False).ok


FLOOD_AND_CRASH = """
[[faults]]
kind = "byzantine"
node = "v3"
behaviour = "future-flood"
until = "4s"

[[faults]]
kind = "restart"
nodes = ["v0", "v1", "v2"]
at = "5s"
downtime = "100ms"
"""


def test_a_crash_hides_no_flood() -> None:
    """All that were flooded have forgotten it by the end; what was seen stays seen."""
    scenario = load_text(written(FLOOD_AND_CRASH, at=("100ms", "1s", "3s", "8s")))
    assert run_scenario(scenario).found == ()
    with planted(Planted("tests.mutants", 29)):
        assert "bounded-memory" in {found.check for found in run_scenario(scenario).found}


def test_the_log_says_how_long_it_was() -> None:
    """A window that is too wide shows though the next checkpoint has emptied it."""
    core = Bench(4)["r0"].replica.core
    most = core.high - core.stable
    for sequence in range(1, most + 1):
        core.slot(sequence)
    assert core.slots_peak == most
    core.slots.clear()
    core.slot(1)
    assert core.slots_peak == most
