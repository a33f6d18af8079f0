"""The recorder: digest, subscribers, file."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    Final,
    Level,
    MessageMoved,
    NodeChanged,
    Persisted,
    Reached,
    Record,
    Recorder,
    Signed,
    Submitted,
    TimerExpired,
    Violation,
    digest_bytes,
    read_trace,
)
from consensus.messages import Batch, CommitCertificate, Prepare
from consensus.misbehaviour import Misbehaviour
from nodes.block import Block, Header

HEADER = Header(1, b"p", 5, 0, b"b", b"t", b"r", b"s")
BLOCK = Block(HEADER, Batch(1, ()), (), b"reply", CommitCertificate(0, 0, 1, b"d", ()))
VOTE = Prepare(b"chain", 0, "a", 0, 1, b"d")
RECORDS: list[Record] = [
    NodeChanged(0, "a", "up"),
    FaultChanged(1, "", 0, "crash", True, ("a", "b")),
    Signed(2, "a", "prepare", 0, 1, 2, b"d"),
    Reached(3, "a", "prepared", 1, 2, b"d"),
    Executed(4, "a", 1, b"h", b"s", b"r", b"b", 3, False, BLOCK),
    TimerExpired(5, "a", "status"),
    Persisted(6, "a", 2),
    Submitted(7, "c", 1, b"d"),
    Final(8, "c", 1, "OK", 90, b"r"),
    Accused(
        9, "a", "b", "conflicting-prepare", Misbehaviour("conflicting-prepare", "b", VOTE, VOTE)
    ),
]
MOVED = MessageMoved(3, "a", "sent", "prepare", "b", 0, 1, 150)
GOLDEN = "5c8c0ac8123126f6139dacf793d8649c9204c0e973d4687011e00b99fc43f0f8"


def digest(records: list[Record]) -> str:
    recorder = Recorder()
    for record in records:
        recorder.record(record)
    return recorder.digest()


def test_golden_digest() -> None:
    """It changes only when a milestone's fields do: then runs of older versions differ."""
    assert digest(RECORDS) == GOLDEN


@pytest.mark.parametrize("number", range(len(RECORDS)), ids=lambda n: type(RECORDS[n]).__name__)
def test_every_milestone_counts_and_so_does_their_order(number: int) -> None:
    missing = RECORDS[:number] + RECORDS[number + 1 :]
    assert digest(missing) != GOLDEN
    assert digest([*missing, RECORDS[number]]) != GOLDEN or number == len(RECORDS) - 1


def test_shared_objects_are_no_part_of_it() -> None:
    bare = [
        Executed(4, "a", 1, b"h", b"s", b"r", b"b", 3, False)
        if isinstance(record, Executed)
        else Accused(9, "a", "b", "conflicting-prepare")
        if isinstance(record, Accused)
        else record
        for record in RECORDS
    ]
    assert digest(bare) == GOLDEN
    assert [digest_bytes(one) for one in bare] == [digest_bytes(one) for one in RECORDS]


def test_a_digest_can_be_asked_for_at_any_time() -> None:
    recorder = Recorder()
    seen = set()
    for record in RECORDS:
        recorder.record(record)
        seen.add(recorder.digest())
    assert len(seen) == len(RECORDS)
    assert recorder.digest() == GOLDEN


@pytest.mark.parametrize("level", ["off", "milestones", "messages"])
def test_level_file_and_listeners_change_no_digest(level: Level, tmp_path: Path) -> None:
    recorder = Recorder(level, tmp_path / "trace.jsonl.gz")
    heard: list[Record] = []
    recorder.subscribe(Executed, heard.append)
    recorder.subscribe(MessageMoved, heard.append)
    for record in RECORDS:
        recorder.record(record)
    recorder.message(MOVED)
    recorder.violation(Violation(9, "a", "agreement", "broken"))
    recorder.close()
    assert recorder.digest() == GOLDEN
    assert heard == [RECORDS[4], MOVED]
    assert heard[0] is RECORDS[4]
    assert recorder.messages


def test_message_records_are_wanted_only_if_somebody_asks() -> None:
    assert not Recorder("milestones").messages
    assert Recorder("messages").messages


@pytest.mark.parametrize(("level", "messages"), [("milestones", 0), ("messages", 1)])
def test_the_file_holds_what_was_recorded(level: Level, messages: int, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl.gz"
    recorder = Recorder(level, path)
    many = RECORDS * 200
    for record in many:
        recorder.record(record)
    recorder.message(MOVED)
    recorder.close()
    recorder.close()
    back = list(read_trace(path))
    assert len(back) == len(many) + messages
    assert [digest_bytes(one) for one in back[: len(many)]] == [digest_bytes(one) for one in many]
    assert back[len(many) :] == [MOVED] * messages


def test_equal_runs_leave_equal_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        recorder = Recorder("milestones", tmp_path / name)
        for record in RECORDS:
            recorder.record(record)
        recorder.close()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_off_writes_no_file(tmp_path: Path) -> None:
    recorder = Recorder("off", tmp_path / "trace")
    recorder.record(RECORDS[0])
    recorder.close()
    assert not (tmp_path / "trace").exists()
