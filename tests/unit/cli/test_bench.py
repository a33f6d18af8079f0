"""The exploring row of the bench: what it counts, and that a wrong run has no speed."""

from __future__ import annotations

import pytest

from chainsim.benchmark import BenchmarkFailed, exploring, ledger_alone
from chainsim.explore.planting import Planted, planted
from nodes.ledger.state import State


def test_seeds_are_counted_by_cpu_time() -> None:
    row = exploring(2)
    assert (row.count, row.unit) == (2, "seeds")
    assert row.per_s == pytest.approx(2 / row.wall_s, abs=1.1, rel=0.02)
    assert row.detail["deliveries"] > 500


def test_a_run_that_breaks_a_property_has_no_speed() -> None:
    with planted(Planted("tests.mutants", 3)), pytest.raises(BenchmarkFailed, match="seed"):
        exploring(32)


def test_the_ledger_alone_is_measured_with_and_without_hashing() -> None:
    bare, hashed = (ledger_alone(hashing=hashing, accounts=100) for hashing in (False, True))
    assert bare.count == hashed.count == 10_000
    assert bare.per_s > hashed.per_s, "hashing costs something"
    assert State.rehashed.__name__ == "rehashed", "and is put back"
