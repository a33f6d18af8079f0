"""Clogs, flapping lines, damaged messages and ``mangle``: who gets what, and when exactly."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given

from chainsim.simulation.latency import constant
from chainsim.simulation.mangling import corrupted
from chainsim.simulation.settings import NetworkSettings
from consensus.effects import Broadcast, Effect, SetTimer
from consensus.events import Boot, Event, Receive, TimerFired
from consensus.messages import Message, Prepare
from scenarios.faults import Fault
from scenarios.faults.clog import Clog
from scenarios.faults.flapping import Flapping
from scenarios.faults.isolate import Isolate
from scenarios.faults.link import Link
from scenarios.faults.mangle import Mangle
from scenarios.faults.priorities import Priorities
from tests.unit.protocol.strategies import MESSAGES
from tests.unit.simulation.dummies import MS, SECOND, Dummy, Stage

LATENCY_US = 10 * MS
EVERY_US = 100 * MS


def vote(node: str, number: int) -> Prepare:
    return Prepare(b"chain", 0, node, number % 3, number, b"digest", b"signature")


def talk(faults: Sequence[Fault], *, names: str = "abc", until_us: int = SECOND) -> Stage:
    """Each node sends vote number k to all others at k * 100 ms."""

    def react(node: Dummy, event: Event) -> list[Effect]:
        if not isinstance(event, Boot | TimerFired):
            return []
        others = tuple(name for name in names if name != node.id)
        number = event.now_us // EVERY_US
        return [Broadcast(others, vote(node.id, number)), SetTimer(("talk",), EVERY_US)]

    stage = Stage(names, react, network=NetworkSettings(latency=constant(LATENCY_US)))
    stage.world.add_faults(faults)
    stage.world.run(until_us)
    return stage


def arrivals(stage: Stage, to: str, sender: str) -> list[tuple[int, int]]:
    """(ms, number) of what arrived, whoever claims to have sent it, on one line."""
    return [
        (event.now_us // MS, event.message.sequence)
        for event in stage.memory[to]
        if isinstance(event, Receive)
        and isinstance(event.message, Prepare)
        and event.message.sender == sender
    ]


USUAL = [(100 * k + 10, k) for k in range(10)]


def test_a_clog_holds_everything_and_releases_it_at_once() -> None:
    stage = talk([Clog(at=200 * MS, until=505 * MS, from_="a", to="b")])
    held = [(505, 2), (505, 3), (505, 4), (510, 5)]
    assert arrivals(stage, "b", "a") == [*USUAL[:2], *held, *USUAL[6:]]
    assert arrivals(stage, "c", "a") == arrivals(stage, "a", "b") == USUAL


def test_what_a_clog_releases_was_on_its_way() -> None:
    """A message sent just before the end arrives in its own time, not at the end."""
    stage = talk([Clog(at=200 * MS, until=201 * MS, from_="a", to="b")])
    assert arrivals(stage, "b", "a") == USUAL
    assert stage.world.network.passage.clogs == []


def test_messages_in_a_clog_are_in_flight() -> None:
    stage = talk([Clog(at=200 * MS, from_="a")])
    counts = stage.world.messages()
    assert counts.in_flight >= 16
    total = sum(counts.delivered.values()) + sum(counts.dropped.values()) + counts.in_flight
    assert total == sum(counts.sent.values()) + counts.duplicated


def test_a_flapping_line_is_down_then_up_both_ways() -> None:
    flapping = Flapping(at=100 * MS, from_="a", to="b", down=200 * MS, up=300 * MS, until=850 * MS)
    stage = talk([flapping])
    kept = [entry for entry in USUAL if entry[1] not in (1, 2, 6, 7)]
    assert arrivals(stage, "b", "a") == arrivals(stage, "a", "b") == kept
    assert arrivals(stage, "c", "a") == USUAL
    one_way = Flapping(at=0, from_="a", down=SECOND, up=MS, one_way=True)
    stage = talk([one_way])
    assert arrivals(stage, "b", "a") == []
    assert arrivals(stage, "a", "b") == USUAL


def test_mangle_drops_what_matches_all_that_is_given() -> None:
    stage = talk([Mangle(at=0, type="prepare", from_="a", to="b", view=1, drop=True)])
    assert arrivals(stage, "b", "a") == [entry for entry in USUAL if entry[1] % 3 != 1]
    assert arrivals(stage, "c", "a") == arrivals(stage, "b", "c") == USUAL
    assert stage.world.messages().dropped_by_cause == {"mangle": 4}
    stage = talk([Mangle(at=0, from_="a", to="b", sequence=4, drop=True)])
    assert arrivals(stage, "b", "a") == [entry for entry in USUAL if entry[1] != 4]
    stage = talk([Mangle(at=0, type=("commit", "request"), drop=True)])
    assert arrivals(stage, "b", "a") == USUAL


def test_mangle_counts_matches_over_all_its_lines() -> None:
    stage = talk([Mangle(at=150 * MS, from_="a", view=0, nth=3, drop=True)])
    # Votes of view 0 from 150 ms on: 3 to b, 3 to c, 6 to b: the third match.
    assert arrivals(stage, "b", "a") == [entry for entry in USUAL if entry[1] != 6]
    assert arrivals(stage, "c", "a") == USUAL


def test_mangle_delays_doubles_and_replays() -> None:
    stage = talk([Mangle(at=0, from_="a", to="b", sequence=2, delay=155 * MS)])
    assert arrivals(stage, "b", "a") == [*USUAL[:2], USUAL[3], (365, 2), *USUAL[4:]]
    stage = talk([Mangle(at=0, from_="a", to="b", sequence=2, duplicate=3)])
    assert arrivals(stage, "b", "a").count((210, 2)) == 4
    assert stage.world.messages().duplicated == 3
    stage = talk([Mangle(at=0, from_="a", to="b", sequence=2, replay=300 * MS)])
    times = [at for at, number in arrivals(stage, "b", "a") if number == 2]
    assert times == [210, 510]


def test_of_several_that_match_the_first_in_the_file_acts() -> None:
    delay = Mangle(at=0, from_="a", to="b", sequence=2, delay=155 * MS)
    drop = Mangle(at=0, from_="a", to="b", drop=True)
    assert [n for _, n in arrivals(talk([delay, drop]), "b", "a")] == [2]
    assert arrivals(talk([drop, delay]), "b", "a") == []


def test_a_cut_and_a_clog_go_in_file_order() -> None:
    cut, clog = Isolate(at=0, node="b"), Clog(at=0, until=500 * MS, to="b")
    assert arrivals(talk([cut, clog]), "b", "a") == []
    released = arrivals(talk([clog, cut], until_us=490 * MS), "b", "a")
    assert released == []
    assert [n for _, n in arrivals(talk([clog, cut]), "b", "a")] == [0, 1, 2, 3, 4]


def test_probability_is_a_share() -> None:
    half = talk(
        [Mangle(at=0, from_="a", to="b", probability=500_000, drop=True)], until_us=20 * SECOND
    )
    assert 60 < len(arrivals(half, "b", "a")) < 140


def test_mangle_damages_a_field_and_leaves_the_signature() -> None:
    stage = talk([Mangle(at=0, from_="a", to="b", sequence=2, corrupt="digest")])
    got = [
        e.message for e in stage.memory["b"] if isinstance(e, Receive) and e.message.sender == "a"
    ]
    changed = [m for m in got if isinstance(m, Prepare) and m.digest != b"digest"]
    assert [(m.sequence, m.signature) for m in changed] == [(2, b"signature")]


def test_a_corrupting_link_damages_one_field_of_each() -> None:
    stage = talk([Link(at=0, from_="a", to="b", corrupt=1_000_000)])
    got = [e.message for e in stage.memory["b"] if isinstance(e, Receive)]
    damaged = [m for m in got if m not in [vote(n, k) for n in "ac" for k in range(10)]]
    assert len(damaged) == 10
    fields = set()
    for message in damaged:
        assert isinstance(message, Prepare)
        original = vote("a", 0)
        fields |= {
            name
            for name in ("chain", "epoch", "sender", "digest", "signature")
            if getattr(message, name) != getattr(original, name)
        }
    assert len(fields) > 2
    assert arrivals(stage, "c", "a") == USUAL


@given(MESSAGES)
def test_every_field_of_every_message_can_be_damaged(message: Message) -> None:
    for field in message.__struct_fields__:
        damaged = corrupted(message, field)
        assert type(damaged) is type(message)
        if getattr(message, field) not in ((), None):
            assert damaged != message, field


@pytest.mark.parametrize("kind", [Clog, Flapping])
def test_lines_are_named(kind: type[Fault]) -> None:
    fields = {"down": MS, "up": MS} if kind is Flapping else {}
    with pytest.raises(ValueError, match="from, to or both"):
        kind(at=0, **fields)  # type: ignore[call-arg]


def test_priorities_let_the_less_important_wait() -> None:
    order = Priorities(at=0, order=("b", "a"), step=7 * MS)
    stage = talk([order])
    assert arrivals(stage, "b", "a") == USUAL
    assert arrivals(stage, "a", "b") == [(at + 7, number) for at, number in USUAL]
    assert arrivals(stage, "c", "a") == USUAL, "who isn't named waits for nobody"


def test_at_a_change_point_the_receiver_becomes_the_last() -> None:
    """Per round: a to b, b to a, c to a, c to b; the fifth is a's to b in the second round."""
    stage = talk([Priorities(at=0, order=("b", "a"), step=7 * MS, changes=(5,))])
    late = [(at + 7, number) for at, number in USUAL]
    assert arrivals(stage, "b", "a") == [USUAL[0], *late[1:]]
    assert arrivals(stage, "a", "b") == [late[0], *USUAL[1:]]


def test_priorities_that_end_leave_nothing_behind() -> None:
    stage = talk([Priorities(at=0, for_=450 * MS, order=("b", "a"), step=7 * MS)])
    late = [(at + 7, number) for at, number in USUAL]
    assert arrivals(stage, "a", "b") == [*late[:5], *USUAL[5:]]
