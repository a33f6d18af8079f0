"""Processes that freeze or start late, and validators in hostile hands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chainsim.simulation.settings import CpuPrices, SimulationError
from chainsim.trace import FaultChanged, NodeChanged, Persisted
from consensus.effects import (
    Broadcast,
    Compute,
    Effect,
    Milestone,
    Persist,
    Send,
    SetTimer,
    TimerKey,
)
from consensus.events import Boot, Event, Receive, TimerFired
from nodes.byzantine import Disguise, Draws, HostileNode, Options
from nodes.node import Node
from scenarios.faults import Fault
from scenarios.faults.base import When
from scenarios.faults.byzantine import ByzantineFault
from scenarios.faults.crash import Crash
from scenarios.faults.late_start import LateStart
from scenarios.faults.pause import Pause
from scenarios.faults.restart import Restart
from tests.unit.simulation.dummies import MS, SECOND, Dummy, Stage, on_timer, ping
from tests.unit.simulation.test_director import chat

# pause


def states(stage: Stage, node: str) -> list[tuple[int, str]]:
    changes = [r for r in stage.records if isinstance(r, NodeChanged) and r.node == node]
    return [(r.at_us // MS, r.state) for r in changes]


def test_a_paused_process_loses_nothing_and_does_nothing() -> None:
    stage = chat("ab", [Pause(at=250 * MS, until=655 * MS, node="a")])
    # Four timers' worth of talk is one late tick; what arrived meanwhile waits.
    assert [at // MS for at in stage.times("a")] == [
        10,
        110,
        210,
        655,
        655,
        655,
        655,
        710,
        810,
        910,
    ]
    assert [n for _, _, n in stage.received("a")] == list(range(10))
    ticks = [e.now_us // MS for e in stage.memory["a"] if isinstance(e, TimerFired)]
    assert ticks == [100, 200, 655, 755, 855, 955]
    assert states(stage, "a") == [(0, "up"), (250, "paused"), (655, "resumed")]


def test_a_paused_process_does_not_see_its_fsync_end() -> None:
    boot: list[Effect] = [SetTimer(("go",), SECOND)]
    go: list[Effect] = [Persist("log", 1), Send("b", ping("a"))]
    stage = Stage("ab", {"a": on_timer({"go": go}, boot)}, fsync_us=100 * MS)
    stage.listen(Persisted)
    stage.world.add_faults([Pause(at=SECOND + MS, for_=SECOND, node="a")])
    stage.world.run(5 * SECOND)
    assert stage.times("b") == [2 * SECOND + MS + 10 * MS]
    assert [r.at_us < SECOND + 201 * MS for r in stage.records] == [True]


def test_work_that_a_pause_interrupts_takes_what_was_left_of_it() -> None:
    boot: list[Effect] = [SetTimer(("go",), SECOND)]
    go: list[Effect] = [Compute(signatures=100), Send("b", ping("a"))]
    stage = Stage("ab", {"a": on_timer({"go": go}, boot)}, cpu=CpuPrices(sign_us=MS))
    stage.world.add_faults([Pause(at=SECOND + 30 * MS, for_=SECOND, node="a")])
    stage.world.run(5 * SECOND)
    assert stage.times("b") == [SECOND + 30 * MS + SECOND + 70 * MS + 10 * MS]


def test_a_pause_outlasts_a_restart_and_two_of_them_compose() -> None:
    faults: list[Fault] = [
        Pause(at=100 * MS, until=500 * MS, node="a"),
        Pause(at=200 * MS, until=700 * MS, node="a"),
        Restart(at=300 * MS, node="a", downtime=50 * MS),
    ]
    stage = chat("ab", faults)
    changes = [
        (0, "up"),
        (100, "paused"),
        (300, "down"),
        (350, "up"),
        (350, "paused"),
        (700, "resumed"),
    ]
    assert states(stage, "a") == changes


# late-start


def test_a_late_starter_boots_for_the_first_time_at_its_moment() -> None:
    stage = chat("ab", [LateStart(at=350 * MS, node="a")])
    assert states(stage, "a") == [(350, "up")]
    assert [boot.log for boot in stage.boots("a")] == [()]
    assert stage.world.messages().dropped_by_cause == {"down": 4}


def test_a_late_starter_waits_for_something_to_happen() -> None:
    boot: list[Effect] = [SetTimer(("go",), 400 * MS)]
    go: list[Effect] = [Milestone("prepared", 0, 1)]
    stage = Stage("ab", {"b": on_timer({"go": go}, boot)})
    stage.listen(FaultChanged, NodeChanged)
    stage.world.add_faults([LateStart(when=When(event="prepared", node="b"), node="a")])
    stage.world.run(SECOND)
    assert states(stage, "a") == [(400, "up")]
    changes = [r.active for r in stage.records if isinstance(r, FaultChanged)]
    assert changes == [True, False]


def test_a_late_starter_has_no_other_times() -> None:
    with pytest.raises(ValueError, match="the moment when it starts"):
        LateStart(at=1, for_=1, node="a")


# byzantine


class Shadow:
    """Says on whose behalf the node acts: tags every ping with the window that wraps it."""

    def __init__(self, inner: Node, tag: str) -> None:
        self.inner = inner
        self.tag = tag

    @property
    def id(self) -> str:
        return self.inner.id

    def timers(self) -> tuple[TimerKey, ...]:
        return (("liar's",),)

    def handle(self, event: Event) -> list[Effect]:
        if isinstance(event, TimerFired) and event.key == ("liar's",):
            return [Send("b", ping(self.id, 99, self.tag))]
        done: list[Effect] = []
        for effect in self.inner.handle(event):
            if isinstance(effect, Broadcast | Send):
                message = effect.message
                text = self.tag + getattr(message, "text", "")
                done.append(Send("b", ping(self.id, message.slot()[1], text)))
            else:
                done.append(effect)
        return [*done, SetTimer(("liar's",), 60 * SECOND)]


def shadowed(faults: Sequence[Fault], until_us: int = SECOND) -> tuple[Stage, list[str]]:
    """Runs a chat; what ``b`` heard from ``a`` as the tags that the messages carry, by 100 ms."""

    def talk(node: Dummy, event: Event) -> list[Effect]:
        if not isinstance(event, Boot | TimerFired):
            return []
        number = event.now_us // (100 * MS)
        others = ("b",) if node.id == "a" else ("a",)
        return [Broadcast(others, ping(node.id, number)), SetTimer(("chat",), 100 * MS)]

    def adversary(id_: str, behaviour: str, options: Options, draws: Draws) -> Disguise:
        def wrap(inner: Node) -> HostileNode:
            return Shadow(inner, behaviour[0])

        return wrap

    stage = Stage("ab", talk)
    stage.world.adversary = adversary
    stage.listen(NodeChanged)
    stage.world.add_faults(faults)
    stage.world.run(until_us)
    heard = [
        event.message.text  # type: ignore[attr-defined]
        for event in stage.memory["b"]
        if isinstance(event, Receive)
    ]
    return stage, heard


def test_a_wrapper_is_there_from_begin_to_end_and_leaves_no_timer() -> None:
    fault = ByzantineFault(node="a", behaviour="silent", at=250 * MS, for_=300 * MS)
    stage, heard = shadowed([fault], until_us=100 * SECOND)
    assert heard[:10] == ["", "", "", "s", "s", "s", "", "", "", ""]
    assert set(heard[10:]) == {""}
    assert stage.world.hosts[1].node is not None
    assert stage.world.hosts[1].handler == stage.world.hosts[1].node.handle


def test_without_times_a_validator_is_hostile_from_the_start_and_through_crashes() -> None:
    faults: list[Fault] = [
        ByzantineFault(node="a", behaviour="silent"),
        Crash(at=250 * MS, for_=200 * MS, node="a"),
    ]
    stage, heard = shadowed(faults)
    assert set(heard) == {"s"}
    assert states(stage, "a") == [(0, "up"), (250, "down"), (450, "up")]
    assert stage.world.director.hostile(SECOND) == {"a"}


def test_two_behaviours_compose_the_first_in_the_file_nearest_to_the_node() -> None:
    faults = [
        ByzantineFault(node="a", behaviour="silent", at=300 * MS),
        ByzantineFault(node="a", behaviour="equivocate", until=550 * MS),
    ]
    _, heard = shadowed(faults)
    assert heard == ["e", "e", "e", "es", "es", "es", "s", "s", "s", "s"]


def test_clients_are_not_taken_over() -> None:
    stage = Stage("a", clients="x")
    stage.world.adversary = lambda *_: pytest.fail("a client was taken over")
    stage.world.add_faults([ByzantineFault(node="x", behaviour="silent")])
    stage.world.run(SECOND)


def test_a_world_without_an_adversary_says_so() -> None:
    stage = Stage("a")
    stage.world.add_faults([ByzantineFault(node="a", behaviour="silent")])
    with pytest.raises(SimulationError, match="nobody who could be hostile"):
        stage.world.run(SECOND)


def test_whom_the_run_alone_shows_is_not_known_before() -> None:
    def known(*faults: Fault) -> frozenset[str] | None:
        stage = Stage("abcd")
        stage.world.add_faults(faults)
        return stage.world.director.hostile(10 * SECOND)

    silent = "silent"
    assert known() == frozenset()
    assert known(Crash(at=1, node="a")) == frozenset()
    assert known(Crash(at=1, node="a", mode="amnesia")) == {"a"}
    assert known(ByzantineFault(node="primary", behaviour=silent)) == {"a"}
    assert known(ByzantineFault(node="primary", behaviour=silent, at=1)) is None
    drawn = known(ByzantineFault(node="random:1", behaviour=silent, when=When(event="prepared")))
    assert drawn is not None
    assert len(drawn) == 1
    each = ByzantineFault(
        node="random:1", behaviour=silent, at=0, every=SECOND, for_=MS, until=9 * SECOND
    )
    drawn = known(each)
    assert drawn is not None
    assert len(drawn) > 1
