"""The world as a whole: stopping, stepping, counting, and one seed giving one run."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from chainsim.simulation import latency
from chainsim.simulation.settings import CpuPrices, NetworkSettings, SimulationError
from chainsim.simulation.world import STOP_CHECK_US, Progress
from chainsim.trace import FaultChanged, NodeChanged, Recorder, Signed
from consensus.effects import Broadcast, Compute, Effect, Milestone, Persist, Send, SetTimer
from consensus.events import Boot, Event, Receive, Submit, TimerFired
from consensus.messages import Reply, Request
from scenarios.faults.crash import Crash
from scenarios.faults.isolate import Isolate
from scenarios.faults.link import Link
from tests.unit.simulation.dummies import MS, SECOND, Dummy, Stage, on_timer, ping, quiet

# Who may be there


def test_wrong_casts_are_refused() -> None:
    stage = Stage("ab", clients="c")
    world = stage.world
    with pytest.raises(SimulationError, match='two nodes are called "a"'):
        world.add_node("a", lambda: Dummy("a", quiet, []), kind="client")
    with pytest.raises(SimulationError, match="comes after"):
        world.add_node("d", lambda: Dummy("d", quiet, []), kind="validator")
    with pytest.raises(KeyError):
        world.submit(0, "nobody", b"")


def test_a_party_is_a_route_to_its_client() -> None:
    memory: list[Event] = []

    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot) and node.id == "bank":
            return [Send("firm", ping("bank", 1)), Send("bank", ping("bank", 2))]
        return []

    stage = Stage(["bank"], react)
    for name, party in (("firm.desk", "firm"), ("bank.desk", "bank")):
        stage.world.add_node(name, partial(Dummy, name, quiet, memory), kind="client", party=party)
    stage.world.run(SECOND)
    assert stage.world.routes == {
        "bank": "bank",  # a node's own name comes before a party's
        "firm.desk": "firm.desk",
        "firm": "firm.desk",
        "bank.desk": "bank.desk",
    }
    assert [e.message.slot()[1] for e in memory if isinstance(e, Receive)] == [1]
    assert [n for _, _, n in stage.received("bank")] == [2]


def test_a_party_that_is_a_validator_too_gets_its_replies_at_its_desk() -> None:
    def reply(client: str) -> Reply:
        return Reply(b"chain", 0, "b", 0, client, 1, b"")

    ask = Request(b"chain", 0, "a", 1, b"", b"")

    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot) and node.id == "b":
            return [Send("a", reply("a")), Send("a", ping("b"))]
        if isinstance(event, Boot) and node.id == "a.desk":
            return [Send("a", ask)]
        if isinstance(event, Receive) and event.message is ask and node.id == "a":
            return [Send("b", ask)]
        return []

    stage = Stage("ab", react)
    memory: list[Event] = []
    stage.world.add_node(
        "a.desk", partial(Dummy, "a.desk", react, memory), kind="client", party="a"
    )
    stage.listen(Signed)
    stage.world.run(SECOND)
    assert [type(e.message) for e in memory if isinstance(e, Receive)] == [Reply]
    assert len(stage.received("a")) == 1
    # The forwarded request isn't the validator's own, though it bears its name.
    signed = [(r.node, r.type) for r in stage.records if isinstance(r, Signed)]
    assert signed == [("b", "reply"), ("b", "ping"), ("a.desk", "request")]


# When a run ends


def submitter(node: Dummy, event: Event) -> list[Effect]:
    """Each submission is outstanding for 300 ms."""
    if isinstance(event, Submit):
        node.outstanding += 1
        return [SetTimer((event.operation.decode(),), 300 * MS)]
    if isinstance(event, TimerFired):
        node.outstanding -= 1
    return []


def test_a_run_ends_once_everything_is_settled() -> None:
    stage = Stage("ab", {"c": submitter}, clients="c")
    for at_us in (0, 700 * MS):
        stage.world.submit(at_us, "c", b"%d" % at_us)
    stage.world.run(60 * SECOND, stop=stage.world.settled)
    assert stage.world.now_us == SECOND
    assert stage.world.now_us % STOP_CHECK_US == 0


def test_a_run_waits_for_faults_to_begin_and_to_end_but_not_for_those_without_end() -> None:
    for fault, end_us in (
        (Isolate(at=2 * SECOND, for_=SECOND, node="a"), 3 * SECOND + 0),
        (Isolate(at=2 * SECOND, node="a"), 2 * SECOND),
        (Crash(at=2 * SECOND, for_=SECOND, node="a"), 3 * SECOND),
    ):
        stage = Stage("ab")
        stage.world.add_faults([fault])
        stage.world.run(60 * SECOND, stop=stage.world.settled)
        assert stage.world.now_us == end_us


def test_a_run_waits_for_equal_heights_among_those_that_run() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot) and node.id == "a":
            node.height = 5
        if isinstance(event, Boot) and node.id == "b":
            return [SetTimer(("catch-up",), 400 * MS)]
        if isinstance(event, TimerFired):
            node.height = 5
        return []

    stage = Stage("abc", react)
    stage.world.add_faults([Crash(at=1, node="c")])
    stage.world.run(60 * SECOND, stop=stage.world.settled)
    assert stage.world.now_us == 400 * MS


def test_a_run_waits_until_all_that_run_are_active() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        node.active = isinstance(event, TimerFired)
        return [SetTimer(("new-view",), 400 * MS)] if isinstance(event, Boot) else []

    stage = Stage("ab", react)
    stage.world.run(60 * SECOND, stop=stage.world.settled)
    assert stage.world.now_us == 400 * MS


def test_steps_leave_one_question_open_at_a_time() -> None:
    stage = Stage("ab")
    for step in range(10):
        stage.world.run(step * MS, stop=lambda: False)
    assert len(stage.world.scheduler.heap) == 1


def test_stable_checkpoints_and_views_bound_what_the_network_remembers() -> None:
    sends: list[Effect] = [Broadcast(("b",), ping("a", number)) for number in range(1, 101)]
    timers: dict[str, list[Effect]] = {
        "view": [Broadcast(("b",), ping("a", 0)), Milestone("new-view-entered", 5)],
        "stable": [Milestone("checkpoint-stable", 5, 90)],
    }
    boot: list[Effect] = [*sends, SetTimer(("view",), 1), SetTimer(("stable",), 2)]
    asks: list[Effect] = [
        Send("a", Request(b"chain", 0, "c", number, b"", b"")) for number in range(50)
    ]
    stage = Stage("ab", {"a": on_timer(timers, boot), "c": on_timer({}, asks)}, clients="c")
    a, c = stage.world.hosts[1], stage.world.hosts[3]
    stage.world.run(1)
    assert (len(a.occurrences), len(c.occurrences)) == (101, 50)
    stage.world.run(2)
    assert (len(a.occurrences), len(c.occurrences)) == (10, 0)


def test_progress_tells_where_the_run_stands_and_changes_nothing() -> None:
    def run(told: list[Progress] | None) -> str:
        stage = lively()
        stage.world.run(SECOND, progress=None if told is None else told.append)
        return stage.recorder.digest()

    told: list[Progress] = []
    assert run(told) == run(None)
    assert told
    assert [p.now_us for p in told] == sorted({p.now_us for p in told})
    assert told[-1].messages > 1000
    assert told[-1].height == 3


# One seed, one run


def chatty(node: Dummy, event: Event) -> list[Effect]:
    """Uses every kind of effect, CPU and disk."""
    node.height = 3
    others = tuple(name for name in "abcde" if name != node.id)
    if isinstance(event, Boot):
        return [SetTimer(("tick", "tock"), MS), Persist("log", "boot")]
    if isinstance(event, TimerFired):
        number = event.now_us // MS
        return [
            Compute(signatures=1),
            Persist("log", number),
            Broadcast(others, ping(node.id, number)),
            SetTimer(("tick", "tock"), 3 * MS),
        ]
    if isinstance(event, Receive) and event.message.slot()[1] % 7 == 0:
        return [
            Compute(verifications=1),
            Send(event.message.sender, ping(node.id, event.message.slot()[1] + 1)),
        ]
    return [Compute(verifications=1)]


def lively(seed: int = 1, recorder: Recorder | None = None) -> Stage:
    stage = Stage(
        "abcde",
        chatty,
        seed=seed,
        network=NetworkSettings(
            latency=latency.lognormal(5_000, 20_000),
            jitter_ppm=100_000,
            loss_ppm=10_000,
            duplicate_ppm=10_000,
            reorder_ppm=10_000,
            bandwidth_bps=10_000_000,
        ),
        cpu=CpuPrices(sign_us=60, verify_us=150),
        fsync_us=500,
        recorder=recorder,
    )
    stage.world.add_faults(
        [
            Crash(at=200 * MS, for_=100 * MS, node="random:1"),
            Link(at=300 * MS, for_=100 * MS, from_="random:2", loss=300_000, latency=9_000),
        ]
    )
    return stage


def digest_of(seed: int) -> str:
    stage = lively(seed)
    stage.world.run(SECOND)
    return stage.recorder.digest()


def test_a_seed_gives_one_digest_and_another_seed_another() -> None:
    assert digest_of(1) == digest_of(1)
    assert digest_of(1) != digest_of(2)


def test_the_digest_is_the_same_under_any_hash_seed() -> None:
    script = "from tests.unit.simulation.test_world import digest_of; print(digest_of(3))"
    root = Path(__file__).parents[3]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4242")
    }
    assert outputs == {digest_of(3) + "\n"}


def test_a_run_in_steps_is_the_same_run() -> None:
    stage = lively(1)
    for step in range(101):
        stage.world.run(step * SECOND // 100, stop=lambda: False)
    assert stage.recorder.digest() == digest_of(1)


def test_messages_are_conserved() -> None:
    stage = lively()
    for until_us in (205 * MS, 333 * MS, SECOND):
        stage.world.run(until_us)
        counts = stage.world.messages()
        sent, delivered, dropped = (
            sum(each.values()) for each in (counts.sent, counts.delivered, counts.dropped)
        )
        assert delivered + dropped + counts.in_flight == sent + counts.duplicated
        assert dropped == sum(counts.dropped_by_cause.values())
        assert counts.duplicated
        assert {"loss"} <= counts.dropped_by_cause.keys()
    counts = stage.world.messages()
    assert {"loss", "link", "down"} <= counts.dropped_by_cause.keys()
    # Delivered: handed to a node, or waiting in front of its CPU.
    waiting = sum(host.ingress.waiting for host in stage.world.hosts[1:])
    handed = sum(len(stage.received(name)) for name in "abcde")
    assert handed + waiting == counts.delivered["ping"]


def test_records_name_what_was_hit() -> None:
    stage = lively()
    stage.listen(FaultChanged, NodeChanged)
    stage.world.run(SECOND)
    began = [r for r in stage.records if isinstance(r, FaultChanged) and r.active]
    assert [(r.index, r.kind, len(r.nodes)) for r in began] == [(0, "crash", 1), (1, "link", 2)]
    [down] = [r for r in stage.records if isinstance(r, NodeChanged) and r.state == "down"]
    assert (down.node,) == began[0].nodes
