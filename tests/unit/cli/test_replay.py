"""A replay is held against its recording, record by record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from chainsim.replay import Comparison, Difference
from chainsim.trace import (
    Executed,
    FaultChanged,
    MessageMoved,
    NodeChanged,
    Reached,
    Record,
    Recorder,
    Violation,
)

RUN: Sequence[Record] = (
    NodeChanged(0, "mof", "up"),
    FaultChanged(5, "", 0, "crash", True, ("mof",)),
    Reached(7, "sbp", "prepared", 0, 1, b"\x00\xff" * 16),
    Executed(9, "sbp", 1, b"h" * 32, b"s", b"r", b"b", 1, False),
)


def recorded(path: Path, records: Sequence[Record] = RUN) -> Path:
    recorder = Recorder("messages", path)
    for record in records:
        recorder.message(MessageMoved(1, "sbp", "delivered", "prepare", "mof", 0, 1, 100))
        recorder.record(record)
    recorder.violation(Violation(9, "sbp", "agreement", "…"))
    recorder.close()
    return path


def replayed(
    trace: Path, records: Sequence[Record], *, prefix: bool = False
) -> tuple[Difference | None, int]:
    comparison = Comparison(trace, prefix=prefix)
    recorder = Recorder()
    comparison.listen_to(recorder)
    for record in records:
        recorder.record(record)
    return comparison.finish(), comparison.compared


def test_the_same_run_is_the_same_whatever_was_traced(tmp_path: Path) -> None:
    assert replayed(recorded(tmp_path / "t"), RUN) == (None, len(RUN))


@pytest.mark.parametrize("index", range(len(RUN)))
def test_the_first_record_that_differs_is_named(tmp_path: Path, index: int) -> None:
    changed = list(RUN)
    changed[index] = msgspec.structs.replace(changed[index], at_us=99)
    difference, _ = replayed(recorded(tmp_path / "t"), changed)
    assert difference is not None
    assert difference.index == index
    assert '"at_us":99' in difference.replayed
    assert '"at_us":99' not in difference.recorded


def test_a_replay_that_ends_early_or_late_differs(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "t")
    short, _ = replayed(trace, RUN[:-1])
    assert short is not None
    assert (short.index, short.replayed) == (3, "")
    long, _ = replayed(trace, [*RUN, NodeChanged(10, "mof", "down")])
    assert long is not None
    assert (long.index, long.recorded) == (4, "")
    assert "nothing more" in str(long)


def test_of_an_interrupted_run_the_beginning_counts(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "t", RUN[:2])
    assert replayed(trace, RUN, prefix=True) == (None, 2)
    difference, _ = replayed(trace, [RUN[0], RUN[2]], prefix=True)
    assert difference is not None


def test_a_damaged_recording_is_told_and_raises_nothing(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "t")
    trace.write_bytes(trace.read_bytes()[:-12])
    difference, _ = replayed(trace, RUN)
    assert difference is not None
    assert "unreadable" in difference.recorded
    assert replayed(trace, RUN, prefix=True)[0] is None
    trace.write_bytes(b"no gzip")
    difference, _ = replayed(trace, RUN)
    assert difference is not None
    assert difference.index == 0
