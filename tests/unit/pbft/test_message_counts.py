"""The exact message counts of a fault-free network (end of the rules)."""

from __future__ import annotations

import pytest

from tests.unit.pbft.bench import Bench


@pytest.mark.parametrize(("n", "per_decision"), [(4, 24), (7, 84), (10, 180)])
def test_counts_per_decision(n: int, per_decision: int) -> None:
    bench = Bench(n)
    decisions = 5
    for number in range(1, decisions + 1):
        bench.submit(number)
        bench.run_for(150_000)
    traffic = bench.view_traffic()
    assert {len(host.blocks) for host in bench.hosts.values()} == {decisions}
    assert traffic["pre-prepare"] == decisions * (n - 1)
    assert traffic["prepare"] == decisions * (n - 1) ** 2
    assert traffic["commit"] == decisions * n * (n - 1)
    assert 2 * n * (n - 1) == per_decision
    assert sum(traffic.values()) == decisions * per_decision


def test_counts_of_a_checkpoint() -> None:
    bench = Bench(4, checkpoint_interval=2, window=4)
    for number in range(1, 5):
        bench.submit(number)
        bench.run_for(150_000)
    assert bench.view_traffic()["checkpoint"] == 2 * 4 * 3
    assert {host.replica.stable for host in bench.hosts.values()} == {4}


def test_counts_of_a_view_change_at_four() -> None:
    bench = Bench(4)
    bench.crash("r0")
    bench.submit(1, to="all")
    bench.run_for(2_500_000)
    traffic = bench.view_traffic()
    assert traffic["view-change"] == 9
    assert traffic["new-view"] == 3
    assert {h.replica.view for h in bench.hosts.values() if h.up} == {1}
