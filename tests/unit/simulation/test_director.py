"""Faults: who, when exactly, how they compose, and that healing leaves nothing behind."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chainsim.simulation import latency
from chainsim.simulation.latency import constant
from chainsim.simulation.settings import NetworkSettings, SimulationError
from chainsim.trace import FaultChanged, NodeChanged
from consensus.effects import Broadcast, Effect, Milestone, Persist, Send, SetTimer
from consensus.events import Boot, Event, TimerFired
from consensus.messages import Batch, CommitCertificate
from nodes.block import Block, Header
from nodes.effects import BlockExecuted
from scenarios.faults import Fault
from scenarios.faults.base import When
from scenarios.faults.crash import Crash
from scenarios.faults.isolate import Isolate
from scenarios.faults.link import Link
from scenarios.faults.partition import Partition
from scenarios.faults.restart import Restart
from scenarios.faults.slow import SlowCpu
from tests.unit.simulation.dummies import MS, SECOND, Dummy, Reaction, Stage, on_timer, ping

LATENCY_US = 10 * MS
FAST = NetworkSettings(latency=constant(LATENCY_US))


def chatter(names: Sequence[str], every_us: int) -> Reaction:
    """Each node tells all others its local time, in units of ``every_us``, at that interval."""

    def react(node: Dummy, event: Event) -> list[Effect]:
        if not isinstance(event, Boot | TimerFired):
            return []
        others = tuple(name for name in names if name != node.id)
        number = event.now_us // every_us
        return [Broadcast(others, ping(node.id, number)), SetTimer(("chat",), every_us)]

    return react


def chat(
    names: str,
    faults: Sequence[Fault],
    *,
    every_us: int = 100 * MS,
    until_us: int = SECOND,
    network: NetworkSettings = FAST,
    clients: str = "",
    houses: dict[str, str] | None = None,
    roles: dict[str, str] | None = None,
    seed: int = 1,
) -> Stage:
    stage = Stage(
        names,
        chatter(names + clients, every_us),
        network=network,
        clients=clients,
        houses=houses,
        roles=roles,
        seed=seed,
    )
    stage.listen(FaultChanged, NodeChanged)
    stage.world.add_faults(faults)
    stage.world.run(until_us)
    return stage


def heard(stage: Stage, listener: str, number: int) -> str:
    """From whom ``listener`` heard message ``number``."""
    return "".join(sorted(s for _, s, n in stage.received(listener) if n == number))


def who_hears_whom(stage: Stage, number: int) -> dict[str, str]:
    return {name: heard(stage, name, number) for name in stage.memory}


# Partitions


def test_a_partition_cuts_between_groups_both_ways_and_unnamed_validators_are_a_group() -> None:
    stage = chat("abcde", [Partition(at=0, groups=(("a", "b"), ("c",)))])
    assert who_hears_whom(stage, 3) == {"a": "b", "b": "a", "c": "", "d": "e", "e": "d"}
    assert set(stage.world.messages().dropped_by_cause) == {"partition"}


def test_an_asymmetric_partition_silences_the_first_group_only() -> None:
    stage = chat("abc", [Partition(at=0, groups=(("a",), ("b", "c")), asymmetric=True)])
    assert who_hears_whom(stage, 3) == {"a": "bc", "b": "c", "c": "b"}


def test_a_bridge_reaches_every_group() -> None:
    stage = chat("abcde", [Partition(at=0, groups=(("a", "b"), ("d", "e")), bridge=("c",))])
    assert who_hears_whom(stage, 3) == {"a": "bc", "b": "ac", "c": "abde", "d": "ce", "e": "cd"}


def test_clients_go_with_their_house_or_reach_everybody_unless_named() -> None:
    stage = chat(
        "ab",
        [Partition(at=0, groups=(("a",), ("b", "z")))],
        clients="xyz",
        houses={"x": "a", "z": "a"},
    )
    assert who_hears_whom(stage, 3) == {
        "a": "xy",
        "b": "yz",
        "x": "ay",
        "y": "abxz",
        "z": "by",
    }


def test_isolation_cuts_each_node_from_all_others() -> None:
    stage = chat("abcd", [Isolate(at=0, nodes=("a", "b"))], clients="x")
    assert who_hears_whom(stage, 3) == {"a": "", "b": "", "c": "dx", "d": "cx", "x": "cd"}


# Exact moments


def test_a_window_begins_and_ends_at_its_microsecond() -> None:
    """A message handed over at the first microsecond is lost; at the end it passes."""
    names = "ab"
    times = [SECOND - 1, SECOND, 2 * SECOND - 1, 2 * SECOND]

    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot):
            return [SetTimer((str(at),), at) for at in times]
        if isinstance(event, TimerFired) and node.id == "a":
            return [Send("b", ping("a", int(event.key[0])))]
        return []

    for fault in (
        Isolate(at=SECOND, for_=SECOND, node="a"),
        Isolate(at=SECOND, until=2 * SECOND, node="a"),
        Link(at=SECOND, for_=SECOND, from_="a", to="b", loss=1_000_000),
    ):
        stage = Stage(names, react)
        stage.listen(FaultChanged)
        stage.world.add_faults([fault])
        stage.world.run(5 * SECOND)
        assert [number for _, _, number in stage.received("b")] == [times[0], times[3]]
        changes = [(r.at_us, r.active) for r in stage.records if isinstance(r, FaultChanged)]
        assert changes == [(SECOND, True), (2 * SECOND, False)]


def test_what_is_on_its_way_when_a_cut_begins_arrives() -> None:
    stage = chat("ab", [Isolate(at=100 * MS + 1, node="a")])
    assert heard(stage, "b", 1) == "a"
    assert heard(stage, "b", 2) == ""


def test_every_repeats_until_it_no_longer_may_begin() -> None:
    fault = Isolate(at=100 * MS, every=200 * MS, for_=50 * MS, until=600 * MS, node="a")
    stage = chat("ab", [fault])
    changes = [(r.at_us // MS, r.active) for r in stage.records if isinstance(r, FaultChanged)]
    assert changes == [
        (100, True),
        (150, False),
        (300, True),
        (350, False),
        (500, True),
        (550, False),
    ]
    assert stage.world.director.ahead == 0


def test_without_an_end_a_fault_stays() -> None:
    stage = chat("ab", [Isolate(at=SECOND // 2, node="a")], until_us=5 * SECOND)
    assert max(stage.times("b")) < SECOND // 2 + LATENCY_US
    assert stage.world.director.ahead == 0


# Composition


def test_of_two_latencies_the_first_in_the_file_decides_and_the_second_returns() -> None:
    faults = [
        Link(at=300 * MS, for_=400 * MS, from_="a", to="b", latency=30 * MS),
        Link(at=0, from_="a", latency=50 * MS),
    ]
    stage = chat("abc", faults, until_us=2 * SECOND)

    def delays(listener: str, sender: str) -> list[int]:
        got = stage.received(listener)
        return [(at - n * 100 * MS) // MS for at, s, n in got if s == sender][:10]

    assert delays("b", "a") == [50] * 3 + [30] * 4 + [50] * 3
    assert delays("c", "a") == [50] * 10
    assert delays("b", "c") == [10] * 10


def test_properties_of_several_link_faults_combine() -> None:
    faults = [
        Link(at=0, from_="a", to="b", duplicate=1_000_000),
        Link(at=0, from_="a", to="b", latency=50 * MS),
        Link(at=0, from_="a", to="b", reorder=1_000_000, duplicate=0),
    ]
    stage = chat("ab", faults, until_us=99 * MS * 2)
    # Twice, one of them with a further draw of the line's latency.
    assert [at // MS for at, _, n in stage.received("b") if n == 0] == [50, 100]


def test_losses_of_several_faults_add_up_with_the_networks() -> None:
    def lost(faults: list[Fault], loss_ppm: int = 0) -> int:
        network = NetworkSettings(latency=constant(1), loss_ppm=loss_ppm)
        stage = chat("ab", faults, every_us=MS, until_us=2 * SECOND, network=network)
        return 2001 - len(stage.received("b"))

    half = Link(at=0, from_="a", to="b", loss=500_000)
    assert 930 < lost([half]) < 1070
    assert 1440 < lost([half, half]) < 1560  # two faults alike still draw apart
    assert 1440 < lost([half], 500_000) < 1560
    assert lost([half, Isolate(at=0, node="a")]) == 2001


def test_link_bandwidth_is_each_lines_own_and_heals() -> None:
    size_bits = ping("a", 0).wire_size * 8
    fault = Link(at=0, for_=1, from_="a", to="b", bandwidth=1000)
    stage = chat("abc", [fault], until_us=3 * SECOND)
    first = [at for at, sender, n in stage.received("b") if sender == "a" and n == 0]
    assert first == [size_bits * 1000 + LATENCY_US]
    queued = Link(at=0, from_="a", to="b", bandwidth=1000)
    times = [at for at, s, _ in chat("ab", [queued], until_us=3 * SECOND).received("b") if s == "a"]
    assert times[1] - times[0] == size_bits * 1000  # the second waits for the first
    assert [at for at, s, n in stage.received("c") if s == "a" and n == 0] == [LATENCY_US]
    assert [at for at, s, n in stage.received("b") if s == "a" and n == 1] == [110 * MS]


def test_a_link_is_one_way_and_its_missing_end_means_everybody() -> None:
    stage = chat("abc", [Link(at=0, to=("b",), loss=1_000_000)], clients="x")
    assert who_hears_whom(stage, 2) == {"a": "bcx", "b": "", "c": "abx", "x": "abc"}


def test_two_crashes_hold_a_node_until_both_are_over() -> None:
    faults = [
        Crash(at=100 * MS, for_=300 * MS, node="a"),
        Crash(at=200 * MS, for_=500 * MS, node="a"),
    ]
    stage = chat("ab", faults)
    states = [
        (r.at_us // MS, r.state)
        for r in stage.records
        if isinstance(r, NodeChanged) and r.node == "a"
    ]
    assert states == [(0, "up"), (100, "down"), (700, "up")]


def test_at_one_moment_ends_come_before_beginnings() -> None:
    faults = [
        Crash(at=300 * MS, for_=100 * MS, node="a"),
        Crash(at=100 * MS, for_=200 * MS, node="a"),
    ]
    stage = chat("ab", faults)
    changes = [
        (r.at_us // MS, r.index, r.active) for r in stage.records if isinstance(r, FaultChanged)
    ]
    assert changes == [(100, 1, True), (300, 1, False), (300, 0, True), (400, 0, False)]
    assert [boot.now_us // MS for boot in stage.boots("a")] == [0, 300, 400]


def test_amnesia_of_a_node_that_is_down_already_wipes_its_disk() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        return [Persist("log", "vote")] if len(node.memory) == 1 else []

    for second, kept in (
        (Crash(at=200 * MS, for_=100 * MS, node="a"), [(), ("vote",)]),
        (Crash(at=200 * MS, for_=100 * MS, node="a", mode="amnesia"), [()]),
        (Crash(at=200 * MS, for_=100 * MS, node="a", mode="amnesia", rejoins=True), [(), ()]),
    ):
        stage = Stage("a", react)
        stage.world.add_faults([Crash(at=100 * MS, for_=300 * MS, node="a"), second])
        stage.world.run(SECOND)
        assert [boot.log for boot in stage.boots("a")] == kept


def test_a_restart_ends_a_crash_that_has_no_end() -> None:
    stage = chat("ab", [Crash(at=100 * MS, node="a"), Restart(at=400 * MS, node="a")])
    assert [boot.now_us for boot in stage.boots("a")] == [0, 400 * MS]


def test_a_restart_ends_a_crash_for_good() -> None:
    faults = [
        Crash(at=100 * MS, for_=800 * MS, node="a"),
        Restart(at=400 * MS, node="a"),
        Crash(at=600 * MS, for_=100 * MS, node="a"),
    ]
    stage = chat("ab", faults)
    assert [boot.now_us // MS for boot in stage.boots("a")] == [0, 400, 700]


def test_a_restart_is_down_for_its_downtime() -> None:
    stage = chat("ab", [Restart(at=400 * MS, node="a", downtime=50 * MS)])
    assert [boot.now_us for boot in stage.boots("a")] == [0, 450 * MS]


def test_a_crash_at_the_start_comes_before_the_first_boot() -> None:
    stage = chat("ab", [Crash(at=0, for_=200 * MS, node="a")])
    assert [boot.now_us for boot in stage.boots("a")] == [200 * MS]


# Healing


@pytest.mark.parametrize(
    "fault",
    [
        Partition(at=100 * MS, for_=300 * MS, groups=(("a",), ("b", "c"))),
        Isolate(at=100 * MS, for_=300 * MS, node="b"),
        Link(at=100 * MS, for_=300 * MS, from_="a", loss=500_000, latency=3 * MS, reorder=500_000),
        Link(at=100 * MS, for_=300 * MS, to="a", duplicate=500_000, bandwidth=100_000),
        SlowCpu(at=100 * MS, for_=300 * MS, node="a", factor=7_000_000),
    ],
    ids=["partition", "isolate", "link", "link-bandwidth", "slow"],
)
def test_a_healed_network_is_like_an_undisturbed_one(fault: Fault) -> None:
    network = NetworkSettings(
        latency=latency.uniform(1000, 9000), loss_ppm=100_000, bandwidth_bps=10_000_000
    )

    def later(faults: list[Fault]) -> dict[str, list[tuple[int, str, int]]]:
        stage = chat("abcd", faults, every_us=7 * MS, network=network)
        assert len(stage.received("b")) > 100
        return {
            name: [got for got in stage.received(name) if got[2] * 7 * MS > 420 * MS]
            for name in stage.memory
        }

    assert later([fault]) == later([])


def test_one_fault_more_shifts_no_draw_of_another() -> None:
    network = NetworkSettings(latency=latency.exponential(5000), loss_ppm=100_000)
    lossy = Link(at=0, from_="a", to="b", loss=300_000)

    def run(faults: list[Fault]) -> Stage:
        return chat("abcd", faults, every_us=7 * MS, network=network)

    one, two = run([lossy]), run([Isolate(at=100 * MS, for_=300 * MS, node="c"), lossy])
    others = [
        [got for got in stage.received(name) if got[1] != "c"]
        for stage in (one, two)
        for name in "abd"
    ]
    assert others[:3] == others[3:]
    assert len(one.received("b")) > len(two.received("b"))


# Who


def test_primary_is_whoever_leads_when_the_fault_begins() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        node.view = 5
        return []

    stage = Stage("abc", react)
    stage.listen(FaultChanged)
    stage.world.add_faults([Crash(at=0, node="primary"), Crash(at=1, node="primary")])
    stage.world.run(SECOND)
    assert [r.nodes for r in stage.records if isinstance(r, FaultChanged)] == [("a",), ("c",)]


def hit(selector: str, *, names: str = "abcdefg", seed: int = 1, at: int = 5) -> tuple[str, ...]:
    stage = chat(
        names,
        [Isolate(at=at, node=selector)],
        clients="x",
        roles={"a": "bank", "c": "bank", "d": "exchange"},
        until_us=10,
        seed=seed,
    )
    [change] = [r for r in stage.records if isinstance(r, FaultChanged)]
    return change.nodes


def test_roles_and_random_choices() -> None:
    assert hit("role:bank") == ("a", "c")
    assert hit("x") == ("x",)
    stage = chat("abc", [Isolate(at=5, nodes=("c", "role:bank"))], roles={"a": "bank"}, until_us=9)
    assert [r.nodes for r in stage.records if isinstance(r, FaultChanged)] == [("a", "c")]
    assert len(hit("random:f")) == 2
    assert len(hit("random:f", names="abcd")) == 1
    assert hit("random:f") == hit("random:f", at=7)
    assert len({hit("random:1", seed=seed) for seed in range(40)}) == 7
    assert all("x" not in hit("random:7", seed=seed) for seed in range(5))


def test_a_random_choice_is_made_anew_for_each_window() -> None:
    fault = Isolate(at=0, every=10, for_=5, node="random:1")
    stage = chat("abcdefg", [fault], until_us=1000)
    picks = [r.nodes for r in stage.records if isinstance(r, FaultChanged) and r.active]
    ends = [r.nodes for r in stage.records if isinstance(r, FaultChanged) and not r.active]
    assert len(set(picks)) == 7
    assert picks[:-1] == ends[: len(picks) - 1]


def test_an_unknown_node_is_refused_before_the_run() -> None:
    with pytest.raises(SimulationError, match='"nobody"'):
        chat("ab", [Isolate(at=5, node="nobody")])


# Events as triggers


def storyteller(events: Sequence[tuple[int, str, int, int]]) -> Reaction:
    """Tells (at, event, view, sequence) as milestones."""

    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot) and len(node.memory) == 1:
            return [SetTimer((str(number),), events[number][0]) for number in range(len(events))]
        if isinstance(event, TimerFired):
            _, name, view, sequence = events[int(event.key[0])]
            return [Milestone(name, view, sequence), Persist("log", name)]
        return []

    return react


STORY = [
    (100, "prepared", 0, 1),
    (200, "committed", 0, 1),
    (300, "prepared", 0, 2),
    (400, "prepared", 1, 2),
    (500, "view-change-started", 2, 0),
]


@pytest.mark.parametrize(
    ("when", "at_us"),
    [
        (When(event="prepared"), 100),
        (When(event="prepared", count=3), 300),
        (When(event="prepared", node="b", count=2), 301),
        (When(event="prepared", view=1), 400),
        (When(event="prepared", sequence=2, node="b"), 301),
        (When(event="committed", node="role:bank"), 201),
        (When(event="view-change-started"), 500),
        (When(event="prepared", view=7), None),
        (When(event="timer-fired", node="a", count=2), 200),
        (When(event="persisted", node="a", count=1), 100),
    ],
)
def test_a_fault_can_wait_for_an_event(when: When, at_us: int | None) -> None:
    later = [(at + 1, *rest) for at, *rest in STORY]
    stage = Stage(
        "abc",
        {"a": storyteller(STORY), "b": storyteller(later)},  # type: ignore[arg-type]
        roles={"b": "bank"},
    )
    stage.listen(FaultChanged)
    stage.world.add_faults([Isolate(when=when, for_=1000, node="c")])
    stage.world.run(SECOND)
    times = [r.at_us for r in stage.records if isinstance(r, FaultChanged)]
    assert times == ([] if at_us is None else [at_us, at_us + 1000])


def test_a_fault_that_waits_acts_before_the_next_effect() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot):
            return [
                Send("b", ping("a", 1)),
                Milestone("prepared", 0, 1),
                Send("b", ping("a", 2)),
            ]
        return []

    stage = Stage("ab", {"a": react})
    stage.world.add_faults([Isolate(when=When(event="prepared"), node="a")])
    stage.world.run(SECOND)
    assert [number for _, _, number in stage.received("b")] == [1]


def block(height: int, view: int) -> Block:
    header = Header(height, b"", 0, 0, b"", b"", b"", b"")
    return Block(header, Batch(0, ()), (), b"", CommitCertificate(0, view, height, b"", ()))


@pytest.mark.parametrize(
    ("when", "at_us"),
    [
        (When(event="executed"), 200),  # what is replayed from disk doesn't count
        (When(event="executed", view=1), 300),
        (When(event="executed", sequence=6), None),
        (When(event="height", sequence=4), 200),
        (When(event="height", sequence=6), 300),
        (When(event="height", sequence=8), None),
    ],
)
def test_a_fault_can_wait_for_a_height(when: When, at_us: int | None) -> None:
    timers: dict[str, list[Effect]] = {
        "100": [BlockExecuted(block(7, 1), replayed=True)],
        "200": [BlockExecuted(block(5, 0))],
        "300": [BlockExecuted(block(7, 1))],
    }
    boot: list[Effect] = [SetTimer((key,), int(key)) for key in timers]
    stage = Stage("ab", {"a": on_timer(timers, boot)})
    stage.listen(FaultChanged)
    stage.world.add_faults([Isolate(when=when, node="b")])
    stage.world.run(SECOND)
    assert [r.at_us for r in stage.records] == ([] if at_us is None else [at_us])
