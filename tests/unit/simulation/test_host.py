"""Law 2, the CPU, timers and the disk: what a machine does with a node's effects."""

from __future__ import annotations

import pytest

from chainsim.simulation.disk import Contents, Disk
from chainsim.simulation.settings import CpuPrices
from chainsim.trace import Final, NodeChanged, Persisted, Reached, Signed, Submitted, TimerExpired
from consensus.effects import (
    Broadcast,
    CancelTimer,
    Compact,
    Compute,
    Effect,
    Milestone,
    Persist,
    Send,
    SetTimer,
)
from consensus.encoding import encode
from consensus.events import Boot, Event, Receive, TimerFired
from consensus.messages import Request
from nodes.effects import RequestFinal, RequestSigned
from scenarios.faults.base import When
from scenarios.faults.crash import Crash
from scenarios.faults.restart import Restart
from scenarios.faults.slow import SlowCpu
from tests.unit.simulation.dummies import (
    ANYTHING,
    MS,
    SECOND,
    Dummy,
    Reaction,
    Stage,
    on_boot,
    on_timer,
    ping,
)

FSYNC_US = 2 * MS


def synced_times(stage: Stage) -> list[tuple[int, int]]:
    return [(r.at_us, r.records) for r in stage.records if isinstance(r, Persisted)]


# Effects, in order


def test_send_waits_for_every_persist_before_it_and_for_none_after() -> None:
    effects: list[Effect] = [
        Send("b", ping("a", 1)),
        Persist("log", "vote"),
        Send("b", ping("a", 2)),
        Persist("log", "later"),
        Broadcast(("b",), ping("a", 3)),
    ]
    stage = Stage("ab", {"a": on_boot(*effects)}, fsync_us=FSYNC_US)
    stage.listen(Persisted)
    stage.world.run(SECOND)
    # One fsync covers both writes, as both were appended when it started.
    [(synced_us, count)] = synced_times(stage)
    assert count == 2
    assert FSYNC_US <= synced_us <= 2 * FSYNC_US
    assert stage.received("b") == [
        (10 * MS, "a", 1),
        (synced_us + 10 * MS, "a", 2),
        (synced_us + 10 * MS, "a", 3),
    ]


def test_a_send_never_overtakes_one_that_waits() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot):
            return [Persist("log", 1), Send("b", ping("a", 1)), SetTimer(("t",), 500)]
        if isinstance(event, TimerFired):
            return [Send("b", ping("a", 2))]
        return []

    stage = Stage("ab", {"a": react}, fsync_us=FSYNC_US)
    stage.world.run(SECOND)
    assert [number for _, _, number in stage.received("b")] == [1, 2]
    assert stage.times("b")[0] == stage.times("b")[1] >= 10 * MS + FSYNC_US


LATE_SYNC_US = SECOND
"""When the second fsync of ``reaching`` starts, at the latest."""


def reaching() -> Reaction:
    """Reaches something with each of two writes to the log, and tells of the first."""
    first: list[Effect] = [Persist("log", 1), Milestone("prepared", 0, 1), Send("b", ping("a"))]
    later: list[Effect] = [
        Milestone("committed", 0, 1),
        Persist("blocks", "one"),
        Milestone("prepared", 0, 2),
        Persist("log", 2),
        Milestone("committed", 0, 2),
    ]
    return on_timer({"later": later}, [*first, SetTimer(("later",), LATE_SYNC_US)])


def reached(stage: Stage) -> list[tuple[str, int]]:
    return [(r.event, r.sequence) for r in stage.records if isinstance(r, Reached)]


def test_the_trace_tells_what_was_reached_once_it_is_durable_and_before_anybody_hears() -> None:
    stage = Stage("ab", {"a": reaching()}, fsync_us=FSYNC_US)
    stage.listen(Reached, Persisted, Signed)
    stage.world.run(2 * SECOND)
    kinds = [type(r) for r in stage.records if r.node == "a"]
    # The decision on 1 rests on what was durable already, and is told at once.
    assert kinds == [Persisted, Reached, Signed, Reached, Persisted, Reached, Reached]
    assert reached(stage) == [(e, n) for n in (1, 2) for e in ("prepared", "committed")]
    at_us = [r.at_us for r in stage.records if isinstance(r, Reached)]
    assert at_us[0] >= FSYNC_US
    assert at_us[1] == LATE_SYNC_US
    assert at_us[2] == at_us[3] >= LATE_SYNC_US + FSYNC_US


ALL_REACHED = [("prepared", 1), ("committed", 1), ("prepared", 2), ("committed", 2)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        # The vote log lost its second entry: what rests on that never was.
        (Crash(node="a", at=LATE_SYNC_US + 1, for_=MS), ALL_REACHED[:3]),
        (
            Crash(node="a", at=LATE_SYNC_US + 1, for_=MS, mode="amnesia", rejoins=True),
            ALL_REACHED[:2],
        ),
        (Restart(node="a", at=LATE_SYNC_US + 1), ALL_REACHED),
    ],
)
def test_rule_23_a_crash_undoes_what_its_log_forgets_and_nothing_else(
    fault: Crash | Restart, told: list[tuple[str, int]]
) -> None:
    stage = Stage("ab", {"a": reaching()}, fsync_us=FSYNC_US)
    stage.listen(Reached)
    stage.world.add_faults([fault])
    stage.world.run(2 * SECOND)
    assert [what for what in reached(stage) if what[0] in ("prepared", "committed")] == told


def test_what_waits_when_the_run_is_over_is_told() -> None:
    stage = Stage("ab", {"a": reaching()}, fsync_us=FSYNC_US)
    stage.listen(Reached)
    stage.world.run(LATE_SYNC_US + 1)
    assert reached(stage) == ALL_REACHED[:2]
    stage.world.close()
    assert reached(stage) == ALL_REACHED


def test_group_commit_what_comes_during_an_fsync_waits_for_the_next() -> None:
    timers: dict[str, list[Effect]] = {
        "one": [Persist("log", 2), Persist("blocks", 3), Send("b", ping("a", 2))],
        "two": [Persist("log", 4), Send("b", ping("a", 4))],
    }
    boot: list[Effect] = [
        Persist("log", 1),
        Send("b", ping("a", 1)),
        SetTimer(("one",), 500),
        SetTimer(("two",), 900),
    ]
    stage = Stage("ab", {"a": on_timer(timers, boot)}, fsync_us=FSYNC_US)
    stage.listen(Persisted)
    stage.world.run(SECOND)
    (first_us, one), (second_us, three) = synced_times(stage)
    assert (one, three) == (1, 3)
    assert first_us + FSYNC_US <= second_us <= first_us + 2 * FSYNC_US
    assert [(us - 10 * MS, number) for us, _, number in stage.received("b")] == [
        (first_us, 1),
        (second_us, 2),
        (second_us, 4),
    ]


def test_a_single_write_during_an_fsync_is_not_covered_by_it() -> None:
    timers: dict[str, list[Effect]] = {"one": [Persist("log", 2), Send("b", ping("a", 2))]}
    boot: list[Effect] = [Persist("log", 1), SetTimer(("one",), 500)]
    stage = Stage("ab", {"a": on_timer(timers, boot)}, fsync_us=FSYNC_US)
    stage.listen(Persisted)
    stage.world.run(SECOND)
    assert stage.times("b") == [synced_times(stage)[1][0] + 10 * MS]


def test_timers_act_at_once_even_behind_a_waiting_send() -> None:
    effects: list[Effect] = [Persist("log", 1), Send("b", ping("a")), SetTimer(("t",), 100)]
    stage = Stage("ab", {"a": on_boot(*effects)}, fsync_us=FSYNC_US)
    stage.listen(TimerExpired)
    stage.world.run(SECOND)
    assert [e.now_us for e in stage.memory["a"] if isinstance(e, TimerFired)] == [100]
    assert [(r.at_us, r.node) for r in stage.records] == [(stage.times("b")[0] - 10 * MS, "a")]


def test_a_timer_armed_anew_or_cancelled_never_reports() -> None:
    timers: dict[str, list[Effect]] = {
        "move": [SetTimer(("kept",), 1000), CancelTimer(("gone",)), CancelTimer(("unknown",))]
    }
    boot: list[Effect] = [SetTimer((name,), 200) for name in ("kept", "gone")]
    stage = Stage("a", {"a": on_timer(timers, [SetTimer(("move",), 150), *boot])})
    stage.listen(TimerExpired)
    stage.world.run(SECOND)
    assert [(r.at_us, r.key) for r in stage.records if isinstance(r, TimerExpired)] == [
        (150, "move"),
        (1150, "kept"),
    ]


def test_a_timer_that_waits_for_the_cpu_can_still_be_cancelled() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot):
            return [SetTimer(("work",), 100), SetTimer(("late",), 150)]
        if isinstance(event, TimerFired) and event.key == ("work",):
            return [Compute(signatures=1), CancelTimer(("late",))]
        return []

    stage = Stage("a", {"a": react}, cpu=CpuPrices(sign_us=100))
    stage.listen(TimerExpired)
    stage.world.run(SECOND)
    assert [r.key for r in stage.records if isinstance(r, TimerExpired)] == ["work"]


def test_an_own_message_is_recorded_when_it_leaves_once_a_broadcast() -> None:
    effects: list[Effect] = [
        Persist("log", 1),
        Broadcast(("b", "c"), ping("a", 1)),
        Send("b", ping("somebody-else", 2)),
    ]
    stage = Stage("abc", {"a": on_boot(*effects)}, fsync_us=FSYNC_US)
    stage.listen(Persisted, Signed)
    stage.world.run(SECOND)
    persisted, signed = stage.records
    assert isinstance(signed, Signed)
    assert (signed.type, signed.sequence, signed.at_us) == ("ping", 1, persisted.at_us)
    assert signed.digest == ping("a", 1).digest_bytes


# The CPU


def answering(cost: Compute) -> dict[str, object]:
    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Receive):
            number = event.message.slot()[1]
            return [cost, Send("z", ping(node.id, number))]
        return []

    return {"b": react}


def test_effects_are_released_when_the_work_is_done_and_work_queues() -> None:
    react = answering(Compute(signatures=1, verifications=2, transactions=3))
    react["a"] = on_boot(*(Send("b", ping("a", number)) for number in (1, 2)))
    prices = CpuPrices(sign_us=100, verify_us=10, execute_us=1)
    stage = Stage("abz", react, cpu=prices)  # type: ignore[arg-type]
    stage.world.run(SECOND)
    assert stage.times("b") == [10 * MS, 10 * MS + 123]
    assert stage.times("z") == [20 * MS + 123, 20 * MS + 246]


def test_an_idle_cpu_takes_a_message_at_arrival_and_work_without_effects_needs_no_event() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        return [Compute(verifications=1)] if isinstance(event, Receive) else []

    sends = [Send("b", ping("a", number)) for number in range(5)]
    stage = Stage("ab", {"a": on_boot(*sends[:1]), "b": react}, cpu=CpuPrices(verify_us=50))
    stage.world.run(SECOND)
    assert stage.world.scheduler.events == 3  # two boots, one arrival
    stage = Stage("ab", {"a": on_boot(*sends), "b": react}, cpu=CpuPrices(verify_us=50))
    stage.world.run(SECOND)
    assert stage.times("b") == [10 * MS + 50 * k for k in range(5)]


def test_a_slow_cpu_takes_its_factor_and_recovers_exactly() -> None:
    timers: dict[str, list[Effect]] = {
        key: [Compute(signatures=1), Send("b", ping("a", number))]
        for number, key in enumerate(("early", "first", "last", "after"))
    }
    at = {"early": 999_999, "first": SECOND, "last": 1_999_999, "after": 2 * SECOND}
    boot: list[Effect] = [SetTimer((key,), delay) for key, delay in at.items()]
    stage = Stage("ab", {"a": on_timer(timers, boot)}, cpu=CpuPrices(sign_us=1))
    stage.world.add_faults([SlowCpu(at=SECOND, for_=SECOND, node="a", factor=3_500_000)])
    stage.world.run(5 * SECOND)
    costs = [us - 10 * MS - at[key] for us, key in zip(stage.times("b"), at, strict=True)]
    assert costs == [1, 3, 3, 3]  # the last waits for the one before it, then takes 1
    assert stage.times("b")[3] == stage.times("b")[2] + 1


def test_of_two_factors_the_first_in_the_file_decides() -> None:
    boot: list[Effect] = [SetTimer(("t",), SECOND)]
    stage = Stage(
        "ab",
        {"a": on_timer({"t": [Compute(signatures=1), Send("b", ping("a"))]}, boot)},
        cpu=CpuPrices(sign_us=10),
    )
    stage.world.add_faults(
        [SlowCpu(at=5, node="a", factor=2_000_000), SlowCpu(at=0, node="a", factor=9_000_000)]
    )
    stage.world.run(5 * SECOND)
    assert stage.times("b") == [SECOND + 20 + 10 * MS]


def request(sender: str, number: int) -> Request:
    return Request(b"chain", 0, sender, number, b"", b"")


def test_consensus_goes_ahead_of_clients_and_senders_take_turns() -> None:
    """A flood from one doesn't delay another by more than one item each (rule 32)."""

    def react(node: Dummy, event: Event) -> list[Effect]:
        return [Compute(verifications=1)] if isinstance(event, Receive) else []

    flood = [Send("z", ping("a", number)) for number in range(100)]
    asks = [Send("z", request("c", number)) for number in range(3)]
    stage = Stage(
        "abz",
        {
            "a": on_boot(*flood),
            "b": on_boot(*(Send("z", ping("b", number)) for number in range(3))),
            "c": on_boot(*asks),
            "z": react,
        },
        cpu=CpuPrices(verify_us=100),
        clients=["c"],
    )
    stage.world.run(SECOND)
    order = [e.message.sender for e in stage.memory["z"] if isinstance(e, Receive)]
    # All of a's were pushed first; the first was taken at arrival, then they take turns.
    assert "".join(order) == "a" + "ab" * 3 + "a" * 96 + "ccc"


def test_a_timer_goes_ahead_of_messages() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot):
            return [SetTimer(("t",), 10 * MS + 50)]
        return [Compute(verifications=1)]

    sends = [Send("b", ping("a", number)) for number in range(4)]
    stage = Stage("ab", {"a": on_boot(*sends), "b": react}, cpu=CpuPrices(verify_us=100))
    stage.world.run(SECOND)
    kinds = [type(event).__name__ for event in stage.memory["b"]]
    assert kinds == ["Boot", "Receive", "TimerFired", "Receive", "Receive", "Receive"]


def test_overflow_drops_only_the_flooders_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainsim.simulation.cpu.SENDER_LIMIT", 5)

    def react(node: Dummy, event: Event) -> list[Effect]:
        return [Compute(verifications=1)] if isinstance(event, Receive) else []

    stage = Stage(
        "abz",
        {
            "a": on_boot(*(Send("z", ping("a", number)) for number in range(20))),
            "b": on_boot(*(Send("z", ping("b", number)) for number in range(3))),
            "z": react,
        },
        cpu=CpuPrices(verify_us=100),
    )
    stage.world.run(SECOND)
    senders = [sender for _, sender, _ in stage.received("z")]
    assert (senders.count("a"), senders.count("b")) == (6, 3)
    assert stage.world.messages().dropped_by_cause == {"overflow": 14}


# Death


def test_a_crash_discards_unreleased_effects_and_unstarted_work() -> None:
    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Receive):
            return [Compute(signatures=1), Send("z", ping("b", event.message.slot()[1]))]
        return []

    sends = [Send("b", ping("a", number)) for number in (1, 2, 3)]
    stage = Stage("abz", {"a": on_boot(*sends), "b": react}, cpu=CpuPrices(sign_us=100))
    # 1 is done at +100; at +150 the work on 2 is under way, 3 waits.
    stage.world.add_faults([Crash(node="b", at=10 * MS + 150, for_=SECOND)])
    stage.world.run(5 * SECOND)
    assert [number for _, _, number in stage.received("b")] == [1, 2]
    assert [number for _, _, number in stage.received("z")] == [1]
    assert stage.world.messages().dropped_by_cause == {"down": 1}
    assert len(stage.boots("b")) == 2


@pytest.mark.parametrize("cut_at", range(4))
def test_a_crash_cuts_between_any_two_effects(cut_at: int) -> None:
    """The fault waits for the n-th milestone: what comes after it never happens."""
    parts: list[list[Effect]] = [
        [Milestone("prepared", 0, number), Send("b", ping("a", number))] for number in range(4)
    ]
    stage = Stage("ab", {"a": on_boot(*(effect for part in parts for effect in part))})
    when = When(event="prepared", node="a", count=cut_at + 1)
    stage.world.add_faults([Crash(node="a", when=when)])
    stage.world.run(SECOND)
    assert [number for _, _, number in stage.received("b")] == list(range(cut_at))
    assert not stage.world.hosts[1].up


def reviving(node: Dummy, event: Event) -> list[Effect]:
    """Answers each ping to z, at the cost of a signature; a later boot takes five, and no more."""
    if isinstance(event, Boot) and len(node.memory) > 1:
        return [Compute(signatures=5)]
    if isinstance(event, Receive):
        number = event.message.slot()[1]
        return [Compute(signatures=1), Persist("log", number), Send("z", ping(node.id, number))]
    return []


@pytest.mark.parametrize(
    ("at_us", "what"), [(10 * MS + 50, "at work"), (10 * MS + 100 + FSYNC_US // 2, "syncing")]
)
def test_nothing_of_a_dead_process_acts_in_the_next_one(at_us: int, what: str) -> None:
    """Not the effects that were to be released, nor the sends that waited, nor its wake-ups."""
    timers: dict[str, list[Effect]] = {
        "first": [Send("b", ping("a", 1))],
        "soon": [Send("b", ping("a", number)) for number in (2, 3, 4)],
    }
    boot: list[Effect] = [SetTimer(("first",), 0), SetTimer(("soon",), at_us - 10 * MS + 20)]
    stage = Stage(
        "abz",
        {"a": on_timer(timers, boot), "b": reviving},
        cpu=CpuPrices(sign_us=100),
        fsync_us=FSYNC_US,
    )
    stage.world.add_faults([Crash(node="b", at=at_us, for_=10)])
    stage.world.run(SECOND)
    assert [number for _, _, number in stage.received("b")] == [1, 2, 3, 4], what
    assert [number for _, _, number in stage.received("z")] == [2, 3, 4], what


def test_a_crash_when_a_timer_fires_comes_before_the_timer_is_handled() -> None:
    stage = Stage("a", {"a": on_timer({}, [SetTimer(("t",), 100)])})
    stage.world.add_faults([Crash(when=When(event="timer-fired"), for_=50, node="a")])
    stage.world.run(SECOND)
    assert [(type(e), e.now_us) for e in stage.memory["a"]] == [(Boot, 0), (Boot, 150)]


def crashed_disk(fault: object, at_us: int) -> tuple[object, object]:
    """(log, blocks) at the boot after ``fault``: 1 and 2 are synced early, 3 and 4 are written."""
    timers: dict[str, list[Effect]] = {
        "more": [Persist("log", 3), Persist("blocks", "four"), Send("b", ping("a"))]
    }
    boot: list[Effect] = [
        Persist("log", 1),
        Persist("blocks", "two"),
        SetTimer(("more",), SECOND),
    ]
    stage = Stage("ab", {"a": on_timer(timers, boot)}, fsync_us=FSYNC_US)
    stage.world.add_faults([fault])  # type: ignore[list-item]
    stage.world.run(10 * SECOND)
    assert stage.times("b") == ([SECOND + 10 * MS] if at_us > SECOND + 2 * FSYNC_US else [])
    first, second = stage.boots("a")
    assert (first.log, first.blocks) == ((), ())
    return second.log, second.blocks


def test_durable_keeps_what_was_synced_and_nothing_that_was_only_written() -> None:
    at_us = SECOND + FSYNC_US - 1  # an fsync never takes less
    assert crashed_disk(Crash(node="a", at=at_us, for_=MS), at_us) == ((1,), ("two",))


def test_a_restart_keeps_what_was_written() -> None:
    at_us = SECOND + FSYNC_US - 1
    assert crashed_disk(Restart(node="a", at=at_us), at_us) == ((1, 3), ("two", "four"))


def test_amnesia_keeps_nothing() -> None:
    at_us = SECOND + FSYNC_US - 1
    assert crashed_disk(
        Crash(node="a", at=at_us, for_=MS, mode="amnesia", rejoins=True), at_us
    ) == ((), ())


def test_compact_replaces_the_log_at_the_next_fsync_and_leaves_blocks() -> None:
    timers: dict[str, list[Effect]] = {
        "compact": [Compact(("short",)), Persist("log", "after")],
    }
    boot: list[Effect] = [
        Persist("log", 1),
        Persist("blocks", "b"),
        Persist("log", 2),
        SetTimer(("compact",), SECOND),
    ]
    for at_us, log in ((SECOND + 1, (1, 2)), (2 * SECOND, ("short", "after"))):
        stage = Stage("a", {"a": on_timer(timers, boot)}, fsync_us=FSYNC_US)
        stage.world.add_faults([Crash(node="a", at=at_us, for_=MS)])
        stage.world.run(5 * SECOND)
        assert (stage.boots("a")[1].log, stage.boots("a")[1].blocks) == (log, ("b",))


def test_a_disk_survives_two_crashes_with_its_counts() -> None:
    disk = Disk("a", ANYTHING)
    disk.open()
    disk.append(Persist("log", 1))
    disk.complete(disk.start())
    disk.append(Persist("log", "lost"))
    disk.crash("synced")
    disk.append(Persist("log", 2))
    assert disk.complete(disk.start()) == 1
    disk.crash("synced")
    assert disk.open() == Contents({"log": (1, 2), "blocks": ()})


def test_timers_die_with_the_process() -> None:
    boot: list[Effect] = [SetTimer(("t",), SECOND)]
    stage = Stage("a", {"a": on_timer({}, boot)})
    stage.world.add_faults([Crash(node="a", at=SECOND - 1, for_=1)])
    stage.listen(TimerExpired, NodeChanged)
    stage.world.run(5 * SECOND)
    assert [(r.at_us, r.state) for r in stage.records if isinstance(r, NodeChanged)] == [
        (0, "up"),
        (SECOND - 1, "down"),
        (SECOND, "up"),
    ]
    assert len(stage.records) == 3


def test_messages_to_a_dead_process_are_lost_and_those_in_flight_outlive_their_sender() -> None:
    timers: dict[str, list[Effect]] = {str(k): [Send("b", ping("a", k))] for k in range(0, 100, 10)}
    boot: list[Effect] = [SetTimer((key,), int(key) * MS) for key in timers]
    stage = Stage("ab", {"a": on_timer(timers, boot)})
    stage.world.add_faults([Crash(node="b", at=25 * MS, for_=30 * MS), Crash(node="a", at=85 * MS)])
    stage.world.run(SECOND)
    # Arrivals at 10, 20, (30, 40, 50 lost), 60, …; what left at 80 arrives after a's death.
    assert stage.times("b") == [k * MS for k in (10, 20, 60, 70, 80, 90)]
    assert stage.world.messages().dropped_by_cause == {"down": 3}


def test_finality_record_counts_from_the_signature() -> None:
    timers: dict[str, list[Effect]] = {
        "done": [RequestFinal("p", 4, encode(("E_LICENCE", 3, 0, "")), b"d")]
    }
    boot: list[Effect] = [RequestSigned(request("p", 4)), SetTimer(("done",), 700)]
    stage = Stage("v", {"c": on_timer(timers, boot)}, clients=["c"])
    stage.listen(Submitted, Final)
    stage.world.run(SECOND)
    submitted, final = stage.records
    assert isinstance(final, Final)
    assert (submitted.node, final.node) == ("c", "c")
    assert (final.at_us, final.number, final.code, final.latency_us) == (700, 4, "E_LICENCE", 700)


def test_a_message_is_one_object_for_all_its_receivers() -> None:
    boot = Broadcast(("b", "c"), ping("a"))
    stage = Stage("abc", {"a": on_boot(boot)})
    stage.world.run(SECOND)
    got = [e.message for name in "bc" for e in stage.memory[name] if isinstance(e, Receive)]
    assert got[0] is boot.message is got[1]
