"""Disks that lie, tear, rot, fill up and slow down, and power that goes at the worst moment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chainsim.trace import NodeChanged, Persisted, Reached
from consensus.effects import Compact, Effect, Persist, Send, SetTimer
from scenarios.faults import Fault
from scenarios.faults.bit_rot import BitRot
from scenarios.faults.crash import Crash
from scenarios.faults.full import Full
from scenarios.faults.lost_fsync import LostFsync
from scenarios.faults.power_loss import PowerLoss
from scenarios.faults.restart import Restart
from scenarios.faults.slow_fsync import SlowFsync
from scenarios.faults.torn_write import TornWrite
from tests.unit.simulation.dummies import MS, SECOND, Stage, on_timer, ping

FSYNC_US = 2 * MS


def writers(names: str, faults: Sequence[Fault], *, fsync_us: int = FSYNC_US) -> Stage:
    """Each node writes a vote and a block at 1 s and at 2 s, and tells ``z`` when it is durable."""

    def act(name: str, number: int) -> list[Effect]:
        return [
            Persist("log", number),
            Persist("blocks", f"block {number}"),
            Send("z", ping(name, number)),
        ]

    react = {
        name: on_timer(
            {"one": act(name, 1), "two": act(name, 2)},
            [SetTimer(("one",), SECOND), SetTimer(("two",), 2 * SECOND)],
        )
        for name in names
    }
    stage = Stage(names + "z", react, fsync_us=fsync_us)
    stage.listen(NodeChanged, Persisted, Reached)
    stage.world.add_faults(faults)
    stage.world.run(10 * SECOND)
    return stage


def told(stage: Stage) -> list[tuple[str, int]]:
    return sorted((sender, number) for _, sender, number in stage.received("z"))


def said(stage: Stage, event: str) -> list[str]:
    return [r.cause for r in stage.records if isinstance(r, Reached) and r.event == event]


def states(stage: Stage, node: str) -> list[tuple[int, str]]:
    changes = [r for r in stage.records if isinstance(r, NodeChanged) and r.node == node]
    return [(r.at_us // MS, r.state) for r in changes]


# lost-fsync


def test_a_lying_disk_acknowledges_what_a_crash_then_loses() -> None:
    lies = LostFsync(at=1500 * MS, for_=2 * SECOND, node="a")
    stage = writers("a", [lies, Crash(at=3 * SECOND, for_=MS, node="a")])
    assert told(stage) == [("a", 1), ("a", 2)]
    assert stage.boots("a")[1].log == (1,)
    assert stage.boots("a")[1].blocks == ("block 1",)
    assert not said(stage, "halted")


def test_a_restart_of_the_process_or_an_honest_fsync_saves_what_was_in_the_cache() -> None:
    lies = LostFsync(at=500 * MS, until=1500 * MS, node="a")
    honest = writers("a", [lies, Crash(at=3 * SECOND, for_=MS, node="a")])
    assert honest.boots("a")[1].log == (1, 2)
    for_ever = LostFsync(at=0, node="a")
    restarted = writers("a", [for_ever, Restart(at=3 * SECOND, node="a")])
    assert restarted.boots("a")[1].log == (1, 2)


# torn-write


def test_what_was_synced_outlives_a_torn_write() -> None:
    faults = [
        TornWrite(at=0, node="a"),
        Crash(at=2 * SECOND + FSYNC_US - 1, for_=MS, node="a"),
    ]
    stage = writers("a", faults)
    assert told(stage) == [("a", 1)]
    assert stage.boots("a")[1].log in ((1,), (1, 2))


# bit-rot


def test_rule_25_a_rotten_vote_log_keeps_a_validator_down() -> None:
    rot = BitRot(at=1500 * MS, node="a")
    stage = writers("a", [rot, Restart(at=3 * SECOND, node="a", downtime=MS)])
    assert len(stage.boots("a")) == 1
    assert "its vote log is damaged: record 0 can't be read" in said(stage, "halted")[0]
    assert "rule 25" in said(stage, "halted")[0]
    assert states(stage, "a") == [(0, "up"), (3000, "down"), (3001, "up"), (3001, "down")]


def test_rule_25_rotten_blocks_are_cut_off_with_all_after_them() -> None:
    rot = BitRot(at=1500 * MS, node="a", area="blocks")
    stage = writers("a", [rot, Restart(at=3 * SECOND, node="a")])
    boot = stage.boots("a")[1]
    assert (boot.log, boot.blocks) == ((1, 2), ())
    assert said(stage, "disk-repaired") == ["blocks from 1 on are damaged, and fetched again"]


# amnesia


def test_rule_25_an_amnesiac_stays_down_unless_an_operator_says_that_its_disk_is_new() -> None:
    crash = Crash(at=3 * SECOND, for_=MS, node="a", mode="amnesia")
    stage = writers("a", [crash, Restart(at=4 * SECOND, node="a")])
    assert len(stage.boots("a")) == 1
    assert len(said(stage, "halted")) == 2
    assert "its disk is empty, and it isn't new here" in said(stage, "halted")[0]
    assert not stage.world.hosts[1].up
    again = Crash(at=3 * SECOND, for_=MS, node="a", mode="amnesia", rejoins=True)
    assert [boot.log for boot in writers("a", [again]).boots("a")] == [(), ()]


# full


@pytest.mark.parametrize("room", [False, True])
def test_rule_23_a_failed_write_is_fatal_and_never_retried(room: bool) -> None:
    full = Full(at=1500 * MS, node="a", for_=3 * SECOND if room else None)
    stage = writers("a", [full])
    assert told(stage) == [("a", 1)]
    expected = [(0, "up"), (2000, "down")] + ([(4500, "up")] if room else [])
    assert states(stage, "a") == expected
    if room:
        assert stage.boots("a")[1].log == (1,)
        assert stage.boots("a")[1].blocks == ("block 1",)


def test_rule_23_a_failed_compaction_is_fatal_and_leaves_the_old_log() -> None:
    compact: list[Effect] = [Compact(("short",)), Send("z", ping("a"))]
    react = on_timer({"one": compact}, [Persist("log", "old"), SetTimer(("one",), SECOND)])
    stage = Stage("az", {"a": react}, fsync_us=FSYNC_US)
    stage.listen(NodeChanged)
    stage.world.add_faults([Full(at=SECOND, node="a", for_=SECOND)])
    stage.world.run(5 * SECOND)
    assert told(stage) == []
    assert states(stage, "a") == [(0, "up"), (1000, "down"), (2000, "up")]
    assert stage.boots("a")[1].log == ("old",)


def test_who_boots_on_a_full_disk_dies_of_its_next_write_only() -> None:
    faults: list[Fault] = [
        Full(at=100 * MS, node="a", for_=5 * SECOND),
        Restart(at=200 * MS, node="a"),
    ]
    stage = writers("a", faults)
    # Its timers died with it, so it never writes again.
    assert states(stage, "a") == [(0, "up"), (200, "down"), (300, "up")]


# slow-fsync


def test_a_slow_disk_takes_a_multiple_of_its_time() -> None:
    def synced(faults: list[Fault]) -> list[int]:
        stage = writers("a", faults)
        return [r.at_us for r in stage.records if isinstance(r, Persisted)]

    usual = synced([])
    slow = synced([SlowFsync(at=1500 * MS, for_=SECOND, node="a", factor=10_000_000)])
    assert slow[0] == usual[0]
    assert slow[1] - 2 * SECOND == 10 * (usual[1] - 2 * SECOND)


# power-loss


@pytest.mark.parametrize(("boundary", "kept"), [("synced", (1, 2)), ("written", (1,))])
def test_power_goes_at_a_boundary_of_persist(boundary: str, kept: tuple[int, ...]) -> None:
    """All at once, and nothing that waited for the boundary's own fsync has left."""
    loss = PowerLoss(at=1500 * MS, for_=SECOND, nodes=("a", "b"), boundary=boundary)  # type: ignore[arg-type]
    stage = writers("ab", [loss])
    assert told(stage) == [("a", 1), ("b", 1)]
    downs = [r for r in stage.records if isinstance(r, NodeChanged) and r.state == "down"]
    assert len({r.at_us for r in downs}) == 1
    assert {r.node for r in downs} == {"a", "b"}
    assert downs[0].at_us // MS in range(2000, 2005)
    logs = sorted(stage.boots(name)[1].log for name in "ab")
    assert logs[-1] == kept
    assert logs[0] in ((1,), kept)
    assert all(stage.boots(name)[1].now_us == 2500 * MS for name in "ab")


def test_power_that_finds_no_boundary_stays_on() -> None:
    stage = writers("a", [PowerLoss(at=1500 * MS, for_=100 * MS, node="a")])
    assert states(stage, "a") == [(0, "up")]
