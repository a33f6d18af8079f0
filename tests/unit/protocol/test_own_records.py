"""A protocol with records of its own in its vote log gets them back when it boots."""

from __future__ import annotations

import msgspec

from chainsim.testing import cluster
from consensus.effects import Effect, Persist
from consensus.events import Boot, Event
from consensus.protocol import log_record_of
from consensus.records import LogRecord
from docs.examples.two_phase import TwoPhase


class Started(msgspec.Struct, frozen=True, tag="started"):
    """It started for the ``times``-th time."""

    times: int


class Counting(TwoPhase):
    """Notes every start."""

    LOG_RECORD = Started

    def handle(self, event: Event) -> list[Effect]:
        effects = super().handle(event)
        if isinstance(event, Boot):
            self.starts = (*event.log, Started(len(event.log) + 1))
            effects.append(Persist("log", self.starts[-1]))
        return effects


class Undeclared(Counting):
    """Doesn't say that its records are others."""

    LOG_RECORD = LogRecord


def test_own_records_come_back() -> None:
    assert log_record_of("pbft") is LogRecord
    c = cluster(n=4, protocol=Counting)
    c.run_for("1s")
    for _ in range(2):
        c.restart("r1")
        c.run_for("1s")
    node = c._host("r1").node
    assert node is not None
    assert node.replica.starts == (Started(1), Started(2), Started(3))  # type: ignore[attr-defined]


def test_undeclared_records_are_of_no_known_kind() -> None:
    c = cluster(n=4, protocol=Undeclared)
    c.run_for("1s")
    c.restart("r1")
    c.run_for("1s")
    assert not c._host("r1").up
    causes = [getattr(record, "cause", "") for record in c.records]
    assert any("record 0 is of no kind that is known here" in cause for cause in causes)
