"""What is measured of a run, from hand-made records."""

from __future__ import annotations

import pytest

from chainsim.measures import Measures, percentile
from chainsim.run_summary import FaultLine, Finality
from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    Final,
    Reached,
    Record,
    Recorder,
    Signed,
    Submitted,
)
from tests.unit.cli.test_chain_export import block


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (1, 1), (50, 50), (51, 51), (99, 99), (100, 100)]
)
def test_percentile_is_the_nearest_rank(percent: int, expected: int) -> None:
    assert percentile(range(1, 101), percent) == expected
    assert percentile([7], percent) == 7


def feed(*records: Record) -> Measures:
    measures, recorder = Measures(), Recorder()
    measures.listen(recorder)
    for record in records:
        recorder.record(record)
    return measures


def test_transactions_and_finality() -> None:
    measures = feed(
        Submitted(10, "a", 1, b"1"),
        Submitted(10, "a", 2, b"2"),
        Submitted(10, "b", 1, b"3"),
        Final(30, "a", 1, "OK", 20, b""),
        Final(50, "b", 1, "E_LICENCE", 40, b""),
    )
    done = measures.transactions
    assert (done.submitted, done.final, done.failed) == (3, 2, 1)
    assert done.by_code == {"E_LICENCE": 1, "OK": 1}
    assert measures.finality == Finality(p50=20, p99=40, max=40)
    assert feed().finality == Finality()


def test_a_view_counts_once_however_many_enter_it() -> None:
    entered = [
        Reached(1, node, "new-view-entered", view, 0, b"") for node in "abc" for view in (0, 1, 3)
    ]
    assert feed(*entered).view_changes == 2


def test_faults_as_they_acted() -> None:
    measures = feed(
        FaultChanged(5, "", 1, "crash", True, ("mof",)),
        FaultChanged(3, "", 0, "partition", True, ("a", "b")),
        FaultChanged(9, "", 1, "crash", False, ("mof",)),
        FaultChanged(20, "", 1, "crash", True, ("sbp",)),
    )
    assert measures.faults == (
        FaultLine(kind="partition", nodes=("a", "b"), from_us=3),
        FaultLine(kind="crash", nodes=("mof",), from_us=5, until_us=9, index=1),
        FaultLine(kind="crash", nodes=("sbp",), from_us=20, index=1),
    )


def test_each_misbehaviour_is_kept_once_with_its_first_proof() -> None:
    measures = feed(
        Accused(1, "a", "exchange-c", "conflicting-commit", None),
        Accused(2, "b", "exchange-c", "conflicting-commit", None),
        Accused(2, "b", "exchange-c", "conflicting-prepare", None),
    )
    assert list(measures.evidence) == [
        ("exchange-c", "conflicting-commit"),
        ("exchange-c", "conflicting-prepare"),
    ]


def test_stages_follow_a_request_through_its_batch() -> None:
    only = block(1, b"x")
    batch, (request,) = only.batch.digest, only.batch.requests
    measures = feed(
        Submitted(100, "exchange-a", 1, request.digest),
        Signed(130, "mof", "pre-prepare", 0, 0, 1, batch),
        Reached(150, "mof", "prepared", 0, 1, batch),
        Reached(155, "sbp", "prepared", 0, 1, batch),
        Executed(181, "sbp", 1, b"", b"", b"", batch, 1, False, only),
        Final(231, "exchange-a", 1, "OK", 131, b""),
    )
    assert list(measures.stages_us().values()) == [30, 20, 31, 50]
    assert feed(Submitted(1, "a", 1, b"")).stages_us() == {}
