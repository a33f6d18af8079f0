"""Scripted interactions whose whole text is committed: read the diff when one changes.

After etcd-io/raft's interaction tests: a transcript shows every milestone and every delivery of
the messages that matter, in order of execution.
"""

from __future__ import annotations

from collections.abc import Callable

from chainsim.build import build
from chainsim.trace import (
    Executed,
    FaultChanged,
    Final,
    MessageMoved,
    NodeChanged,
    Persisted,
    Reached,
    Record,
    Recorder,
    Submitted,
    TimerExpired,
)
from scenarios.loader import load_text

BASE = """
schema = 1
name = "transcript"
title = "A transcript"
description = "One transfer after the other, on a network without chance."
duration = "20s"
validators = 4

[consensus]
signatures = "fast"
block_interval = "100ms"
checkpoint_interval = 2
window = 4

[network]
latency = {{ kind = "constant", value = "10ms" }}
jitter = 0.0

[disk]
fsync = "0ms"

[genesis]
include = "cash"

[[workload]]
kind = "transfers"
rate = "2/s"
start = "1s"
stop = "{stop}"
{faults}
"""

CRASH = """
[[faults]]
kind = "crash"
node = "primary"
at = "1200ms"
for = "6s"
"""


def _line(record: Record) -> str:
    match record:
        case MessageMoved(what=what, type=kind, peer=peer, view=view, sequence=sequence):
            return f"{what} {kind}({view},{sequence}) {'to' if what == 'sent' else 'from'} {peer}"
        case Reached(event=event, view=view, sequence=sequence, cause=cause):
            return f"{event} ({view},{sequence}){': ' + cause if cause else ''}"
        case Executed(sequence=sequence, transactions=count, replayed=replayed):
            return f"executed block {sequence}, {count} tx{' from disk' if replayed else ''}"
        case Final(number=number, code=code, latency_us=latency_us):
            return f"request {number} is final: {code} after {latency_us} us"
        case Submitted(number=number):
            return f"request {number} signed"
        case TimerExpired(key=key):
            return f"timer {key}"
        case Persisted(records=count):
            return f"fsync: {count} more records durable"
        case FaultChanged(kind=kind, active=active, nodes=nodes):
            return f"fault {kind} {'begins' if active else 'ends'}: {', '.join(nodes)}"
        case NodeChanged(state=state):
            return state
        case _:
            raise AssertionError(record)


def _transcript(stop: str, faults: str = "") -> str:
    recorder = Recorder()
    lines: list[str] = []

    def write(record: Record) -> None:
        if isinstance(record, MessageMoved) and (
            record.what != "delivered" or record.type == "status"
        ):
            return
        if isinstance(record, TimerExpired) and record.key == "status":
            return
        lines.append(f"{record.at_us:>9} {record.node or 'world':<9} {_line(record)}")

    for kind in (
        MessageMoved,
        Reached,
        Executed,
        Final,
        Submitted,
        TimerExpired,
        Persisted,
        FaultChanged,
        NodeChanged,
    ):
        recorder.subscribe(kind, write)
    result = build(load_text(BASE.format(stop=stop, faults=faults)), recorder).run()
    assert result.ok, [check for check in result.checks if not check.ok]
    return "\n".join([*lines, f"digest {result.digest}", ""])


def test_happy_path(golden: Callable[[str, str], None]) -> None:
    """Two transfers, two blocks, one checkpoint."""
    golden("happy-path.txt", _transcript("2s"))


def test_view_change(golden: Callable[[str, str], None]) -> None:
    """The primary dies after its first block: view 1 starts with that block and goes on."""
    golden("view-change.txt", _transcript("2s", CRASH))
