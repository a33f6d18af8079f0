"""Liveness after heal: late requests, laggards, restless views, and the kinds of stall."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainsim.checks import CheckResult, NodeStatus
from chainsim.trace import Accused, FaultChanged, NodeChanged, Reached, TimerExpired
from consensus.messages import NewView
from consensus.misbehaviour import Misbehaviour
from tests.unit.checks.story import NAMES, RETRY_US, SECOND, Act, Story, executed, judge

WITHIN_US = 10 * SECOND
ACT = Act("alice", 1)
LATER = Act("alice", 2)


def told(final_us: int | None, submitted_us: int = SECOND) -> Story:
    """One request, executed by everybody and confirmed at ``final_us``."""
    story = Story()
    story.submit(submitted_us, ACT)
    if final_us is not None:
        block = story.block(final_us - 100, [ACT])
        story.decide(final_us - 50, block)
        story.final(final_us, ACT, block)
    return story


def verdict(story: Story, end_us: int, **changes: Any) -> CheckResult:
    """Changes named like a node go to the end's status, others to the context."""
    nodes = {name: status for name, status in changes.items() if name in NAMES}
    context = {name: value for name, value in changes.items() if name not in NAMES}
    context.setdefault("within_us", WITHIN_US)
    end = story.end(end_us, **nodes)
    reachable = context.pop("reachable", ())
    end = msgspec.structs.replace(end, reachable=reachable)
    return judge("liveness", story.context(**context), story.records, end)


@pytest.mark.parametrize(("final_s", "ok"), [(2, True), (11, True), (12, False)])
def test_a_request_is_final_within_the_bound(final_s: int, ok: bool) -> None:
    result = verdict(told(final_s * SECOND), 20 * SECOND)
    assert result.ok == ok
    if not ok:
        finding = result.findings[0]
        assert (finding.at_us, finding.node) == (final_s * SECOND, "alice")
        assert "bound 10 s" in finding.what


def test_the_bound_runs_from_the_last_heal() -> None:
    story = told(18 * SECOND)
    story.records[1:1] = [
        FaultChanged(2 * SECOND, "", 0, "partition", True, ("v0", "v1")),
        FaultChanged(9 * SECOND, "", 0, "partition", False, ("v0", "v1")),
    ]
    assert verdict(story, 20 * SECOND).ok
    assert not verdict(story, 20 * SECOND, within_us=8 * SECOND).ok


def test_without_within_the_bound_is_the_harness_one() -> None:
    """2^(f+2) x 2 s + 4 status intervals + 2 client retries = 16 + 4 + 8 s at f = 1."""
    story = told(SECOND + 28 * SECOND)
    assert verdict(story, 40 * SECOND, within_us=None).ok
    story = told(SECOND + 28 * SECOND + 1)
    assert not verdict(story, 40 * SECOND, within_us=None).ok
    for view in (1, 2):  # two view changes before the heal: time-outs had doubled twice
        story.records.insert(1, Reached(SECOND, "v1", "view-change-started", view, 0, b""))
        story.records.insert(1, TimerExpired(SECOND, "v1", "new-view"))
    story.records.insert(5, NodeChanged(SECOND, "v3", "up"))
    assert verdict(story, 40 * SECOND, within_us=None).ok
    # A checkpoint that became stable in between had brought the time-outs back.
    story.records.insert(5, Reached(SECOND, "v1", "checkpoint-stable", 2, 0, b""))
    assert not verdict(story, 40 * SECOND, within_us=None).ok


def test_a_network_that_is_silent_since_the_heal_is_judged_before_the_bound() -> None:
    """A run too short for its bound must not pass over a dead network."""
    silence_us = 2 * SECOND + 2 * RETRY_US
    assert not verdict(told(None), SECOND + silence_us + 1, within_us=100 * SECOND).ok
    young = verdict(told(None), SECOND + silence_us, within_us=100 * SECOND)
    assert young.ok
    assert "1 were still within it" in young.detail


def test_one_starved_client_is_judged_at_the_bound() -> None:
    story = told(5 * SECOND)
    story.submit(2 * SECOND, LATER, "v1.desk")
    story.records.sort(key=lambda record: record.at_us)
    assert verdict(story, 12 * SECOND).ok  # others go on being served
    result = verdict(story, 12 * SECOND + 1)
    assert not result.ok
    assert result.findings[0].node == "v1.desk"


def test_a_hostile_clients_request_need_not_be_served() -> None:
    assert verdict(told(None), 60 * SECOND, clients={}).ok


def status(executed_: int, up: bool = True, active: bool = True, waits: str = "") -> NodeStatus:
    return NodeStatus(up=up, view=3, active=active, executed=executed_, waits_for=waits)


def test_no_quorum_possible() -> None:
    down = {name: status(0, up=False) for name in ("v0", "v1")}
    result = verdict(told(None), 60 * SECOND, **down)
    assert "no quorum possible (2 of 4 validators" in result.detail
    assert "v0 is down" in result.detail
    halves = (("v0", "v1"), ("v2", "v3"))
    result = verdict(told(None), 60 * SECOND, reachable=halves)
    assert "no quorum possible (2 of 4 validators" in result.detail
    assert "no quorum" not in verdict(told(None), 60 * SECOND, reachable=(NAMES[:3],)).detail


def test_lost_state_beyond_the_model() -> None:
    result = verdict(told(None), 60 * SECOND, honest=frozenset(NAMES[:2]))
    assert "lost state beyond the model (2 hostile, at most 1 allowed)" in result.detail


def test_livelock_and_deadlock_and_what_each_node_waits_for() -> None:
    story = told(None)
    waiting = {"v2": status(0, active=False, waits="a NEW-VIEW from v3")}
    result = verdict(story, 60 * SECOND, **waiting)
    assert "deadlock" in result.detail
    assert "v2 at height 0, changing to 3, waits for a NEW-VIEW from v3" in result.detail
    for view in (1, 2):
        story.add(TimerExpired((1 + view) * SECOND, "v2", "new-view"))
        story.add(Reached((1 + view) * SECOND, "v2", "view-change-started", view, 0, b""))
    assert "livelock (2 views" in verdict(story, 60 * SECOND, **waiting).detail
    story.decide(4 * SECOND, story.block(4 * SECOND, []))  # progress since: they found each other
    assert "deadlock" in verdict(story, 60 * SECOND, **waiting).detail


def lagging() -> Story:
    """v3 misses the second of two blocks."""
    story = told(2 * SECOND)
    story.submit(2 * SECOND, LATER)
    block = story.block(3 * SECOND, [LATER])
    story.decide(3 * SECOND, block, NAMES[:3])
    story.final(3 * SECOND + 10, LATER, block)
    return story


def test_a_laggard_must_catch_up() -> None:
    behind = {"v3": status(1, waits="a certified batch")}
    assert verdict(lagging(), 4 * SECOND, **behind).ok
    result = verdict(lagging(), 14 * SECOND, **behind)
    finding = result.findings[0]
    assert (finding.at_us, finding.node, finding.height) == (14 * SECOND, "v3", 1)
    assert "waits for a certified batch" in finding.what
    # A run that ends before a long bound judges a laggard that doesn't even move.
    assert not verdict(lagging(), 14 * SECOND, within_us=100 * SECOND, **behind).ok
    assert verdict(lagging(), 13 * SECOND, within_us=100 * SECOND, **behind).ok
    # It doesn't have to if it is down, hostile, cut off, or under a fault of its own.
    assert verdict(lagging(), 14 * SECOND, v3=status(1, up=False)).ok
    assert verdict(lagging(), 14 * SECOND, honest=frozenset(NAMES[:3]), **behind).ok
    assert verdict(lagging(), 14 * SECOND, reachable=(NAMES[:3], ("v3",)), **behind).ok
    story = lagging()
    story.add(FaultChanged(3 * SECOND + 20, "", 0, "isolate", True, ("v3",)))
    assert verdict(story, 14 * SECOND, **behind).ok


def test_a_laggard_that_moves_has_until_the_bound() -> None:
    story = lagging()
    third = Act("alice", 3)
    block = story.block(3 * SECOND, [third])
    story.decide(3 * SECOND + 100, block, NAMES[:3])
    story.add(executed(5 * SECOND, "v3", story.blocks[1]))
    behind = {"v3": status(2)}
    assert verdict(story, 12 * SECOND, **behind).ok
    assert not verdict(story, 14 * SECOND, **behind).ok


def test_views_stop_changing() -> None:
    story = told(2 * SECOND)
    story.add(TimerExpired(15 * SECOND, "v2", "request"))
    story.add(Reached(15 * SECOND, "v2", "view-change-started", 1, 1, b"", "bored"))
    result = verdict(story, 20 * SECOND)
    finding = result.findings[0]
    assert (finding.at_us, finding.node, finding.height) == (15 * SECOND, "v2", 1)
    assert "bored" in finding.what
    assert verdict(story, 20 * SECOND, lossless=False).ok
    assert verdict(story, 20 * SECOND, honest=frozenset(NAMES) - {"v2"}).ok
    story.records.insert(0, FaultChanged(0, "", 0, "slow", True, ("v0",)))
    assert verdict(story, 20 * SECOND).ok  # a fault that goes on may depose a primary
    story.records.insert(1, FaultChanged(1, "", 0, "slow", False, ("v0",)))
    assert not verdict(story, 20 * SECOND).ok  # one that ended may not


def test_no_more_than_f_wait_for_a_view_that_nobody_follows_them_to() -> None:
    """Rule 19: f+1 who want to leave a view take all with them."""

    def verdict_at(end_s: int, *waiting: str, **changes: Any) -> CheckResult:
        story = told(2 * SECOND)
        for node in waiting:
            story.add(TimerExpired(3 * SECOND, node, "request"))
            story.add(Reached(3 * SECOND, node, "view-change-started", 1, 1, b"", "bored"))
        changes = {**dict.fromkeys(waiting, status(1, active=False)), **changes}
        return verdict(story, end_s * SECOND, **changes)

    assert verdict_at(14, "v1").ok
    assert verdict_at(13, "v1", "v2").ok
    result = verdict_at(14, "v1", "v2")
    finding = result.findings[0]
    assert (finding.at_us, finding.node, finding.height) == (14 * SECOND, "v1", 1)
    assert "v1, v2 wait for new views for 11 s" in finding.what
    assert verdict_at(14, "v1", "v2", lossless=False).ok
    assert verdict_at(14, "v1", "v2", v2=status(1, up=False)).ok
    assert verdict_at(14, "v1", "v3", honest=frozenset(NAMES[:3])).ok
    assert verdict_at(14, "v1", "v3", reachable=(NAMES[:3], ("v3",))).ok


def test_a_view_is_left_for_a_reason_that_somebody_honest_has() -> None:
    def left(node: str, view: int, second: int) -> Reached:
        return Reached(second * SECOND, node, "view-change-started", view, 1, b"", "heard of one")

    def judged(*records: object, honest: frozenset[str] = frozenset(NAMES)) -> CheckResult:
        story = told(2 * SECOND)
        story.records.insert(0, FaultChanged(0, "", 0, "byzantine", True, ("v3",)))
        for record in records:
            story.add(record)  # type: ignore[arg-type]
        return verdict(story, 20 * SECOND, honest=honest)

    expired = TimerExpired(3 * SECOND, "v1", "request")
    assert judged(expired, left("v1", 1, 3)).ok
    assert judged(Accused(3 * SECOND, "v1", "v3", "bogus-new-view"), left("v1", 1, 3)).ok
    assert judged(expired, left("v1", 2, 3), left("v2", 1, 4)).ok  # joins an honest one
    groundless = judged(left("v1", 1, 3))
    assert "nobody honest had a reason" in groundless.findings[0].what
    assert not judged(TimerExpired(3 * SECOND, "v1", "status"), left("v1", 1, 3)).ok
    assert not judged(expired, left("v1", 1, 3), left("v1", 2, 4)).ok  # one reason, two views
    # A lie is reported once, and is a reason whenever its view comes to be the pending one.
    lie = NewView(b"", 0, "v3", 2, (), ())
    seen = Accused(3 * SECOND, "v1", "v3", "bogus-new-view", Misbehaviour("x", "v3", lie, lie))
    assert judged(seen, left("v1", 1, 3), left("v1", 3, 4)).ok
    assert not judged(seen, left("v1", 1, 3), left("v1", 4, 4)).ok
    # A hostile one's word is no reason, and what it does itself isn't judged.
    honest = frozenset(NAMES) - {"v3"}
    assert not judged(left("v3", 1, 3), left("v1", 1, 4), honest=honest).ok
    assert judged(left("v3", 1, 3), honest=honest).ok
