"""Any number of validators: exact message counts of a decision and of a view change (rule 1).

Counts are those of PBFT's normal case and view change, point to point, self-sends excluded:
PRE-PREPARE n-1, PREPARE (n-1)^2, COMMIT n(n-1), together 2n(n-1); VIEW-CHANGE (n-1)^2 and NEW-VIEW
n-1 when the primary has crashed.
"""

from __future__ import annotations

import pytest

from consensus.messages import Checkpoint, Prepare
from consensus.types import max_faulty, quorum_size
from tests.unit.pbft.bench import Bench

SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 16, 31, 64, 65, 100)
QUORUMS = (1, 2, 2, 3, 4, 4, 5, 6, 7, 9, 11, 21, 43, 44, 67)
"""ceil((n + f + 1) / 2), by hand."""
CAN_LOSE_ONE = tuple(n for n in SIZES if n - quorum_size(n) >= 1)
"""A quorum is left without the primary."""
SECOND = 1_000_000


def test_the_smallest_have_no_spare_validator() -> None:
    assert [n for n in SIZES if n not in CAN_LOSE_ONE] == [1, 2]


def test_rule_01_quorums_by_hand() -> None:
    assert tuple(quorum_size(n) for n in SIZES) == QUORUMS


@pytest.mark.parametrize("n", SIZES)
def test_rule_01_a_fault_free_decision(n: int) -> None:
    bench = Bench(n, checkpoint_interval=1, window=2)
    bench.submit(1)
    bench.settle()
    assert {len(host.history) for host in bench.hosts.values()} == {1}
    assert {host.replica.status() for host in bench.hosts.values()} == {(0, True, 1, 1)}
    sent = bench.view_traffic()
    assert sent == {
        "pre-prepare": n - 1,
        "prepare": (n - 1) ** 2,
        "commit": n * (n - 1),
        "checkpoint": n * (n - 1),
        "view-change": 0,
        "new-view": 0,
    }
    decision = sent["pre-prepare"] + sent["prepare"] + sent["commit"]
    assert decision == 2 * n * (n - 1)
    assert decision == {4: 24, 7: 84, 10: 180}.get(n, decision)
    assert bench.now_us == 0  # it took no timer


@pytest.mark.parametrize("n", CAN_LOSE_ONE)
def test_rule_14_a_crashed_primary_is_replaced(n: int) -> None:
    bench = Bench(n)
    bench.crash("r0")
    bench.submit(1, to="all")
    bench.run_for(bench.parameters.request_timeout_us + SECOND // 2)
    alive = [host for host in bench.hosts.values() if host.up]
    assert {host.replica.status() for host in alive} == {(1, True, 1, 0)}
    assert len({tuple(host.history) for host in alive}) == 1
    sent = bench.view_traffic()
    assert sent["view-change"] == (n - 1) ** 2
    assert sent["new-view"] == n - 1
    assert (sent["view-change"], sent["new-view"]) == {4: (9, 3)}.get(
        n, (sent["view-change"], sent["new-view"])
    )
    # The new primary's batch, without the one that is down: as many votes, fewer voters.
    assert sent["pre-prepare"] == n - 1
    assert sent["prepare"] == (n - 2) * (n - 1)
    assert sent["commit"] == (n - 1) ** 2


@pytest.mark.parametrize("n", [n for n in SIZES if 4 <= n <= 31])
def test_rule_13_what_was_prepared_survives_the_primary(n: int) -> None:
    """All are prepared, nobody hears a COMMIT, and the primary dies: the next proposes it again."""
    bench = Bench(n)
    bench.rule = lambda _from, _to, m: m.TYPE != "commit"
    bench.submit(1, to="all")
    bench.settle()
    assert all(host.reached("prepared") for host in bench.hosts.values())
    digest = bench["r1"].replica.core.slots[1].certificate.digest  # type: ignore[union-attr]
    bench.crash("r0")
    bench.rule = lambda _from, _to, _m: True
    bench.run_for(bench.parameters.request_timeout_us + SECOND // 2)
    alive = [host for host in bench.hosts.values() if host.up]
    assert {tuple(host.history) for host in alive} == {(digest,)}
    assert bench.sent["view-change"] == (n - 1) ** 2
    assert bench.sent["new-view"] == n - 1


@pytest.mark.parametrize("n", [n for n in SIZES if n >= 4])
def test_rule_01_a_quorum_decides_and_one_fewer_does_not(n: int) -> None:
    """The last n - Q are cut off: it goes on. One more is: it stands still, and nothing forks."""
    assert n - quorum_size(n) >= max_faulty(n)
    for cut, decided in ((n - quorum_size(n), 1), (n - quorum_size(n) + 1, 0)):
        bench = Bench(n)
        away = {f"r{i}" for i in range(n - cut, n)}
        bench.rule = lambda source, to, _m, away=away: not {source, to} & away  # type: ignore[misc]
        bench.submit(1)
        bench.settle()
        lengths = {len(h.history) for name, h in bench.hosts.items() if name not in away}
        assert lengths == {decided}
        assert all(not bench[name].history for name in away)


def test_a_prepare_of_the_primary_is_never_sent() -> None:
    bench = Bench(4)
    senders: dict[str, None] = {}

    def note(source: str, _to: str, message: object) -> bool:
        if isinstance(message, Prepare | Checkpoint):
            senders[source] = None
        return True

    bench.rule = note
    bench.submit(1)
    bench.settle()
    assert sorted(senders) == ["r1", "r2", "r3"]
