"""Each line that a shipped scenario expects can fail: a line that can't is no test.

Every line is held against two runs that are made up: one in which nothing happened, and one in
which everything went as far as the scenario itself lets it. It must fail in one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest
from msgspec.structs import replace

from chainsim.checks import CheckResult, Kind
from chainsim.expectations import Facts, evaluate
from chainsim.measures import Measures
from nodes.ledger.receipts import Receipt
from scenarios.faults.byzantine import ByzantineFault
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.loader import load, load_text, shipped
from scenarios.metrics import DURATION, METRICS
from scenarios.schema import Expect, ExpectMetric, ExpectReceipts, Scenario
from scenarios.workload import Submission
from scenarios.workload.plan import number, submissions

KINDS: Final[tuple[Kind, ...]] = ("safety", "liveness", "money", "coverage")
MANY: Final = 10**9
UNPLANNED: Final = 1_000
"""Receipts of a kind that no workload asks for by itself."""
CERTAIN: Final = frozenset({"block"})
"""Happens in every run that isn't dead."""
BASES: Final = ("explore-base", "explore-money", "explore-twins")
"""What ``chainsim explore`` starts from: what must happen in them is said of the whole sweep."""

BY_CHANCE: Final = ("twins",)
"""Whether anybody can prove the lie differs from seed to seed."""
PROMISED: Final = """
    quick sovereign-day coupon-day-partition revoked-mid-settlement equivocator-redeems-itself
    colluders-fork central-bank-down-at-maturity ministry-censors-bids primary-reorders-bids
    cap-race wrong-allotment freeze-races-transfer crash-while-paying-10000 deciding-seat-revoked
    stale-vault-attestation primary-crash cascading-primary-crashes partition-heal asymmetric-cut
    slow-primary lossy-wan all-restart amnesia-beyond-f late-joiner add-and-remove-validator
    key-rotation chaotic-start only-the-primary-committed lone-prepared-is-discarded
    missed-two-view-changes checkpoint-lag-state-transfer state-transfer-source-lies
    equivocating-primary twins future-flood lossy-100-validators
"""
"""People's scripts name them: none may go."""


def plan(scenario: Scenario) -> list[tuple[Submission, int]]:
    keys = Keys(scenario.seed, "fast")
    return list(number(submissions(scenario, make_genesis(scenario, keys), keys)))


def nothing(scenario: Scenario) -> Facts:
    """All as at the start, and as bad as that is for what should have happened."""
    return facts(scenario, ok=False, metrics=dict.fromkeys(METRICS, 0), receipts=[], planned=[])


def everything(scenario: Scenario, planned: list[tuple[Submission, int]]) -> Facts:
    """As much, as long and as often as the scenario's own bounds allow."""
    views = scenario.duration // scenario.consensus.view_change_timeout
    most = {
        name: scenario.duration if unit == DURATION else MANY for name, unit in METRICS.items()
    } | {"view": views, "view_changes": views, "beside_throughput_ppm": 1_000_000}
    receipts = [receipt for row in scenario.expect.receipts for receipt in all_of(row, planned)]
    return facts(scenario, ok=True, metrics=most, receipts=receipts, planned=planned)


def all_of(row: ExpectReceipts, planned: Sequence[tuple[Submission, int]]) -> list[Receipt]:
    """Every transaction of the row's kind ends with the row's code."""
    senders = [s.party for s, _ in planned if s.type == row.tx and row.sender in (None, s.party)]
    wanted = row.sender or "anybody"
    return [
        Receipt(1, 0, sender, 0, row.tx, row.code) for sender in senders or [wanted] * UNPLANNED
    ]


def facts(
    scenario: Scenario,
    *,
    ok: bool,
    metrics: dict[str, int],
    receipts: Sequence[Receipt],
    planned: Sequence[tuple[Submission, int]],
) -> Facts:
    measures = Measures()
    if ok:
        measures.evidence = {(v.id, "everything"): None for v in scenario.validators}
    return Facts(
        checks=tuple(CheckResult(kind, kind, ok, "") for kind in KINDS),
        measures=measures,
        metrics=metrics,
        receipts=receipts,
        submissions=planned,
        committees=(),
        balance=lambda *_: 0 if ok else MANY**2,
    )


def that_cannot_fail(scenario: Scenario) -> list[str]:
    """Names of the lines that hold in both runs."""
    asked = replace(scenario, expect=replace(scenario.expect, halt_alone_never=()))
    planned = plan(scenario)
    rows = zip(
        evaluate(asked, nothing(asked)), evaluate(asked, everything(asked, planned)), strict=False
    )
    return [little.name for little, much in rows if little.ok and much.ok]


@pytest.mark.parametrize("name", shipped())
def test_each_line_of_a_shipped_scenario_can_fail(name: str) -> None:
    assert that_cannot_fail(load(name)) == []


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_scenario_says_what_must_have_happened(name: str) -> None:
    """Beside what its faults do at a set time anyway: that happens in every run."""
    scenario = load(name)
    timed = {str(fault.__struct_config__.tag) for fault in scenario.faults if fault.when is None}
    if {"crash", "power-loss", "restart", "late-start", "rotate-key"} & timed:
        timed |= {"crash", "restart"}
    telling = set(scenario.expect.sometimes) - timed - CERTAIN
    assert telling or name in BASES
    assert scenario.title
    assert len(scenario.description) > len(scenario.title)


@pytest.mark.parametrize("name", [name for name in shipped() if name not in (*BASES, *BY_CHANCE)])
def test_a_scenario_with_a_liar_says_who_is_proven_to_have_lied(name: str) -> None:
    """Nobody, where all that it says is true, or signed by nobody."""
    scenario = load(name)
    liars = [fault for fault in scenario.faults if isinstance(fault, ByzantineFault)]
    hostile = {name for fault in liars for name in fault.selectors()}
    culprits = scenario.expect.culprits
    assert culprits is not None or not liars
    assert set(culprits or ()) <= hostile


def test_what_is_promised_is_shipped() -> None:
    assert set(PROMISED.split()) <= set(shipped())


BASE = """
schema = 1
name = "vacuous"
duration = "30s"
validators = 4
[consensus]
view_change_timeout = "2s"
[genesis]
include = "cash"
[[workload]]
kind = "transfers"
rate = "10/s"
stop = "3s"
"""


def metric(name: str, op: str, value: int | str) -> Expect:
    return Expect(metric=(ExpectMetric(name=name, op=op, value=value),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expect", "vacuous"),
    [
        (Expect(min_height=0), ["min_height"]),
        (Expect(min_height=1), []),
        (Expect(max_view_changes=15), ["max_view_changes"]),
        (Expect(max_view_changes=14), []),
        (Expect(finality_p99=30_000_000), ["finality_p99"]),
        (Expect(finality_p99=29_000_000), []),
        (metric("view", ">=", 0), ["metric view"]),
        (metric("view", "<=", 15), ["metric view"]),
        (metric("view", ">=", 1), []),
        (metric("finality_max", "<=", "1h"), ["metric finality_max"]),
        (Expect(receipts=(ExpectReceipts(tx="TRANSFER", min=0),)), ["receipts TRANSFER OK"]),
        (Expect(receipts=(ExpectReceipts(tx="TRANSFER", max=20),)), ["receipts TRANSFER OK"]),
        (Expect(receipts=(ExpectReceipts(tx="TRANSFER", max=19),)), []),
        (Expect(receipts=(ExpectReceipts(tx="TRANSFER", min=1),)), []),
    ],
)
def test_lines_that_can_never_fail_are_found(expect: Expect, vacuous: list[str]) -> None:
    assert that_cannot_fail(replace(load_text(BASE), expect=expect)) == vacuous
