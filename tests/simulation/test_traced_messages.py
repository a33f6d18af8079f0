"""What a run tells of messages and CPUs to those who listen, and that it changes nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from chainsim.build import build
from chainsim.run_result import RunResult
from chainsim.trace import MessageMoved, Recorder, Worked, read_trace
from consensus.messages import PrePrepare
from scenarios.loader import load_text
from tests.simulation.runs import BASE

ROUGH = """
[[faults]]
kind = "crash"
node = "v0"
at = "1s"
for = "500ms"

[[faults]]
kind = "link"
from = ["v1"]
to = ["v2"]
loss = 0.3
duplicate = 0.3
at = "0s"
until = "2s"
"""


class Heard:
    """A run and what was heard of it."""

    def __init__(self, path: Path | None = None, *, listen: bool = True) -> None:
        recorder = Recorder("messages" if path else "off", path)
        self.moves: list[MessageMoved] = []
        self.work: list[Worked] = []
        if listen:
            recorder.subscribe(MessageMoved, self.moves.append)
            recorder.subscribe(Worked, self.work.append)
        self.result: RunResult = build(load_text(BASE.format(n=4) + ROUGH), recorder).run()
        recorder.close()


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


def test_what_becomes_of_each_sending_can_be_followed(heard: Heard) -> None:
    sent = {move.flight: move for move in heard.moves if move.what == "sent"}
    assert len(sent) == sum(heard.result.messages.sent.values())
    assert 0 not in sent
    ends = Counter[int]()
    for move in heard.moves:
        if move.what == "sent":
            continue
        start = sent[move.flight]
        ends[move.flight] += 1
        lost = move.what == "dropped"
        assert (move.node, move.peer) == (
            (start.node, start.peer) if lost else (start.peer, start.node)
        )
        assert (move.type, move.view, move.sequence) == (start.type, start.view, start.sequence)
        assert move.at_us >= start.at_us
    copies = sum(count - 1 for count in ends.values())
    in_flight = heard.result.messages.in_flight
    assert copies == heard.result.messages.duplicated > 0
    assert len(sent) - len(ends) == in_flight


def test_listeners_see_what_moved_and_files_do_not(heard: Heard, tmp_path: Path) -> None:
    proposals = [move for move in heard.moves if move.type == "pre-prepare"]
    assert proposals
    for move in proposals:
        assert isinstance(move.message, PrePrepare)
        assert move.message.slot() == (move.view, move.sequence)
    Heard(tmp_path / "trace")
    written = [r for r in read_trace(tmp_path / "trace") if isinstance(r, MessageMoved)]
    assert [m.flight for m in written] == [m.flight for m in heard.moves]
    assert all(move.message is None for move in written)


def test_cpu_work_is_told_as_it_is_charged(heard: Heard) -> None:
    """60 us a signature, 150 us a verification, 20 us a transaction (the defaults)."""
    assert {work.node for work in heard.work} >= {"v0", "v1", "v2", "v3"}
    for work in heard.work:
        expected = 60 * work.signatures + 150 * work.verifications + 20 * work.transactions
        assert work.busy_us == expected > 0
    free_at: dict[str, int] = {}
    for work in heard.work:
        if work.node != "v0":  # it dies in the middle of something
            assert work.at_us >= free_at.get(work.node, 0), "one CPU does one thing at a time"
        free_at[work.node] = work.at_us + work.busy_us


def test_who_listens_changes_nothing(heard: Heard, tmp_path: Path) -> None:
    assert Heard(listen=False).result.digest == heard.result.digest
    assert Heard(tmp_path / "trace", listen=False).result.digest == heard.result.digest
