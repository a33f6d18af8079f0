"""The simulated disk: bytes made late are the same bytes, and what a crash leaves of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainsim.simulation.disk import Contents, Disk
from consensus.effects import Area, Compact, Persist
from nodes import wal
from nodes.durable import BESIDE, SUPERBLOCK, read_superblock
from scenarios.rng import Stream
from tests.unit.simulation.dummies import ANYTHING

AREAS: tuple[Area, ...] = ("log", "blocks")


class Keep(Stream):
    """Draws what it is told, in order."""

    def __init__(self, *values: int) -> None:
        super().__init__(0, "")
        self.values = list(values)
        self.limits: list[int] = []

    def below(self, limit: int) -> int:
        self.limits.append(limit)
        return self.values.pop(0)


def booted() -> Disk:
    """A disk on which a process runs."""
    disk = Disk("a", ANYTHING)
    assert disk.open() == Contents({})
    return disk


def sync(disk: Disk, *writes: Persist | Compact) -> None:
    for write in writes:
        disk.append(write)
    disk.complete(disk.start())


def log(*records: Any) -> list[Persist]:
    return [Persist("log", record) for record in records]


def found(log: tuple[Any, ...] = (), blocks: tuple[Any, ...] = (), **more: str) -> Contents:
    return Contents({"log": log, "blocks": blocks}, **more)


# Late is the same as early

WORDS = st.one_of(st.integers(0, 1000), st.text(max_size=20))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("persist"), st.sampled_from(AREAS), WORDS),
        st.tuples(st.just("compact"), st.sampled_from(AREAS), st.lists(WORDS, max_size=3)),
        st.tuples(st.sampled_from(["start", "complete", "boot", "restart", "lie", "honest"])),
        st.tuples(st.just("crash"), st.sampled_from(["synced", "unnoticed", "torn"])),
        st.tuples(st.just("rot"), st.sampled_from(AREAS), st.integers(1, 3)),
    ),
    max_size=40,
)


def play(steps: list[tuple[Any, ...]], eager: bool) -> list[Any]:
    """What every boot finds, and at the end all bytes; ``eager`` makes them at every step."""
    disk = booted()
    running: list[int] = []
    seen: list[Any] = []
    for number, step in enumerate(steps):
        match step:
            case ("persist", area, word):
                disk.append(Persist(area, word))
            case ("compact", area, words):
                disk.append(Compact(tuple(words), area))
            case ("start",):
                running = [disk.start()]
            case ("complete",) if running:
                disk.complete(running.pop())
            case ("lie" | "honest",):
                disk.lies = step[0] == "lie"
            case ("rot", area, records):
                disk.rot(area, records, Stream(number, "rot"))
            case ("crash", survival):
                disk.tears = Stream(number, "tear") if survival == "torn" else None
                disk.crash("synced" if survival == "torn" else survival)
                seen.append(disk.open())
                running.clear()
            case ("boot" | "restart",):
                disk.crash("written" if step[0] == "restart" else "synced")
                seen.append(disk.open())
                running.clear()
        if eager:
            disk.image()
        if seen and seen[-1].forgotten:
            break  # no process runs on it any more
    return [*seen, disk.image()]


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_bytes_that_are_made_late_are_those_that_would_have_been_made_at_once(
    steps: list[tuple[Any, ...]],
) -> None:
    assert play(steps, eager=False) == play(steps, eager=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from(AREAS), WORDS), max_size=4), max_size=6))
def test_what_was_synced_is_found_whatever_else_was_written(
    groups: list[list[tuple[Area, Any]]],
) -> None:
    disk = booted()
    for group in groups:
        sync(disk, *(Persist(area, word) for area, word in group))
        disk.append(Persist("log", "not synced"))
        disk.crash("synced")
        contents = disk.open()
        assert (contents.forgotten, contents.repaired) == ("", "")
    for area in AREAS:
        wanted = tuple(word for group in groups for where, word in group if where == area)
        assert disk.open().records[area] == wanted


def test_a_disk_that_nobody_wrote_to_needs_no_look() -> None:
    """The short cut finds what the long way finds."""
    assert booted().image()[SUPERBLOCK] != Disk("a", ANYTHING).image()[SUPERBLOCK]
    disk = booted()
    assert disk.open() == found()
    untouched = Disk("a", ANYTHING)
    assert untouched.open().log == ()
    assert untouched.image() == disk.image()


# Group commit


def test_law_2_one_fsync_covers_all_that_was_appended_when_it_starts() -> None:
    disk = booted()
    for write in log(1, 2):
        disk.append(write)
    mark = disk.start()
    disk.append(Persist("log", 3))
    assert disk.complete(mark) == 2
    disk.crash("synced")
    assert disk.open().log == (1, 2)


def test_law_2_an_fsync_that_has_not_ended_made_nothing_durable() -> None:
    disk = booted()
    disk.append(Persist("log", 1))
    disk.start()
    disk.crash("synced")
    assert disk.open().log == ()


def test_rule_25_the_marks_say_how_far_the_last_fsync_came() -> None:
    disk = booted()
    sync(disk, *log(1, 2), Persist("blocks", 1))
    superblock = read_superblock(disk.image()[SUPERBLOCK], "a")
    assert superblock is not None
    assert superblock.booted
    assert superblock.marks["log"].records == 2
    assert superblock.marks["blocks"].records == 1
    assert superblock.marks["log"].length == len(disk.image()["log"])
    disk.append(Persist("log", 3))
    disk.crash("written")
    image = disk.image()
    assert read_superblock(image[SUPERBLOCK], "a") == superblock  # the third is beyond it
    assert len(image["log"]) > superblock.marks["log"].length
    assert disk.open() == found((1, 2, 3), (1,))
    after = read_superblock(disk.image()[SUPERBLOCK], "a")
    assert after is not None
    assert after.marks["log"].records == 3  # who acts on it has synced it


# Torn tails


def test_rule_25_a_torn_write_keeps_any_number_of_bytes_of_each_file() -> None:
    frame = wal.OVERHEAD + 1
    for kept_log in range(2 * frame + 1):
        for kept_blocks in (0, 1, frame, frame + 1):
            disk = booted()
            sync(disk, *log(1))
            for number in (2, 3):
                disk.append(Persist("log", number))
                disk.append(Persist("blocks", number))
            keep = disk.tears = Keep(kept_log, kept_blocks)
            # Before the first entry that the log lost, as the writes were made: 1, 3 or all 5.
            assert disk.crash("synced") == 1 + 2 * (kept_log // frame)
            assert keep.limits == [2 * frame + 1] * 2
            contents = disk.open()
            assert contents.log == (1, 2, 3)[: 1 + kept_log // frame]
            assert contents.blocks == (2, 3)[: kept_blocks // frame]
            torn = kept_log % frame or kept_blocks % frame
            said = "a torn tail beyond the durable mark is cut off" if torn else ""
            assert (contents.repaired, contents.forgotten) == (said, "")
            assert disk.open() == found(contents.log, contents.blocks)  # cut, and synced
            sync(disk, *log("after"))
            assert disk.open().log == (*contents.log, "after")


def test_a_torn_tail_that_rots_is_no_amnesia() -> None:
    disk = booted()
    sync(disk, *log(1))
    disk.append(Persist("log", 2))
    disk.append(Persist("log", 3))
    disk.tears = Keep(2 * (wal.OVERHEAD + 1))
    disk.crash("synced")
    disk.rot("log", 1, Stream(1, "rot"))
    contents = disk.open()
    assert contents in (
        found((1,), repaired="a torn tail beyond the durable mark is cut off"),
        found((1, 2), repaired="a torn tail beyond the durable mark is cut off"),
        Contents({}, "its vote log is damaged: record 0 can't be read"),
    )


# Compaction


@pytest.mark.parametrize("times", [1, 2])
def test_rule_23_compaction_leaves_the_old_log_or_the_new_never_a_mix(times: int) -> None:
    seen = set()
    kept = 0
    while True:
        disk = booted()
        sync(disk, *log("old", "older", "oldest"))
        disk.append(Persist("log", "last"))
        for number in range(times):
            disk.append(Compact((f"short {number}",)))
        disk.append(Persist("log", "after"))
        keep = disk.tears = Keep(kept)
        disk.crash("synced")
        beside = "log" + BESIDE in disk.image()
        contents = disk.open()
        assert not contents.forgotten
        seen.add(contents.log)
        if beside:
            assert contents.repaired
            assert "log" + BESIDE not in disk.image()
        assert disk.open() == found(contents.log)
        if kept == keep.limits[0] - 1:
            break
        kept += 1
    old = ("old", "older", "oldest")
    new = (f"short {times - 1}",)
    between = {(f"short {number}",) for number in range(times)}
    assert seen == {old, (*old, "last"), *between, (*new, "after")}


def test_rule_25_a_compacted_log_that_rots_before_its_mark_follows_is_amnesia() -> None:
    """It was synced before it took its place: what it began with must be there."""
    disk = booted()
    sync(disk, *log(1, 2, 3))
    disk.append(Compact(("short",)))
    disk.crash("written")
    disk.rot("log", 1, Stream(1, "rot"))
    assert disk.open().forgotten == "its vote log is damaged: record 0 can't be read"


def test_compaction_writes_rot_away() -> None:
    disk = booted()
    sync(disk, *log(1))
    disk.rot("log", 5, Stream(1, "rot"))
    assert disk.open().forgotten
    sync(disk, Compact(("short",)))
    assert disk.open() == found(("short",))


def test_other_files_can_be_compacted_too() -> None:
    disk = booted()
    sync(disk, Persist("blocks", 1), *log(1), Compact((2, 3), "blocks"))
    assert disk.open() == found((1,), (2, 3))


# Rot


@pytest.mark.parametrize("area", AREAS)
def test_rule_25_rot_flips_a_bit_of_a_durable_record(area: Area) -> None:
    hit = set()
    for seed in range(60):
        disk = booted()
        sync(disk, *(Persist(area, number) for number in range(4)))
        before = disk.image()
        disk.rot(area, 1, Stream(seed, "rot"))
        after = disk.image()
        changed = [
            n for n, (a, b) in enumerate(zip(before[area], after[area], strict=True)) if a != b
        ]
        assert len(changed) == 1
        assert (before[area][changed[0]] ^ after[area][changed[0]]).bit_count() == 1
        assert {**before, area: b""} == {**after, area: b""}
        contents = disk.open()
        frame = wal.OVERHEAD + 1
        record = (changed[0] - len(wal.new_file(wal.FileId("a", area)))) // frame
        hit.add(record)
        if area == "log":
            assert contents.forgotten == f"its vote log is damaged: record {record} can't be read"
            assert disk.open() == contents  # nobody repairs what can't be
        else:
            assert contents.blocks == tuple(range(record))
            assert (
                contents.repaired == f"blocks from {record + 1} on are damaged, and fetched again"
            )
            sync(disk, Persist(area, "fetched"))
            assert disk.open() == found((), (*range(record), "fetched"))
    assert hit == {0, 1, 2, 3}


def test_an_empty_file_can_not_rot() -> None:
    disk = booted()
    disk.rot("log", 3, Stream(1, "rot"))
    assert disk.open() == found()


# Amnesia


def test_rule_25_an_empty_disk_is_amnesia_except_at_the_recorded_first_boot() -> None:
    disk = Disk("a", ANYTHING)
    assert not disk.open().forgotten
    assert not disk.open().forgotten  # it had nothing to say yet, and its disk knows so
    sync(disk, *log(1))
    disk.crash("nothing")
    assert disk.image() == {}
    assert disk.open().forgotten == "its disk is empty, and it isn't new here"
    fresh = Disk("a", ANYTHING)
    fresh.crash("nothing")  # lost before it ever ran: nobody can tell
    assert fresh.open().forgotten


def test_rule_25_only_an_operator_can_say_that_an_empty_disk_is_a_new_one() -> None:
    disk = booted()
    sync(disk, *log(1), Persist("blocks", 1))
    disk.crash("unnoticed")
    assert disk.open() == found()
    disk.append(Persist("log", 2))
    disk.complete(disk.start())
    assert disk.open().log == (2,)
