"""Liars: their shipped scenarios hold, and without the guard in question they don't.

Beside each guard: what a run comes to without the liar, so that it takes both.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from msgspec.structs import replace

from chainsim.build import build
from chainsim.evidence import evidence_file, judge
from chainsim.forensics import investigate_scenario
from chainsim.recorded_run import origin_of
from chainsim.run_result import RunResult
from scenarios.loader import load
from tests.mutants.client_and_disk import one_reply
from tests.mutants.log import future_unbounded
from tests.mutants.views import patient_backups
from tests.mutants.votes import quorum_2f
from tests.simulation import weakened

Patch = AbstractContextManager[None]

FAST = "consensus.signatures=fast"
CONTROLS = ("coalition-forks", "liars-fool-a-client")
SCENARIOS = (
    "ministry-censors-bids",
    "primary-reorders-bids",
    "wrong-allotment",
    "equivocator-redeems-itself",
    "equivocating-primary",
    "future-flood",
    *CONTROLS,
)


def run(name: str, *settings: str, peace: bool = False, seed: int | None = None) -> RunResult:
    scenario = load(name, [FAST, *settings], seed)
    if peace:
        scenario = replace(scenario, faults=())
    return build(scenario).run()


def complaints(result: RunResult) -> list[str]:
    """Names of checks and expectations that fail."""
    checks = [check.name for check in result.checks if not check.ok]
    return checks + [row.name for row in result.expectations if not row.ok]


def codes(result: RunResult, type_name: str) -> list[str]:
    """Of all receipts of a type, in the order of the chain."""
    receipts = (receipt for block in result.chain for receipt in block.receipts)
    return [receipt.code for receipt in receipts if receipt.type == type_name]


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("seed", [1, 2])
def test_they_end_as_they_say(name: str, seed: int) -> None:
    result = run(name, seed=seed)
    assert result.exit_code == 0, complaints(result)


GUARDS: list[tuple[str, Callable[[], Patch], str]] = [
    ("ministry-censors-bids", patient_backups, "liveness"),
    ("ministry-censors-bids", weakened.one_deadline_for_all, "receipts BID OK of bank-b"),
    ("primary-reorders-bids", weakened.first_come_first_served, "receipts AUCTION_ALLOT OK"),
    ("primary-reorders-bids", weakened.no_window, "receipts TRANSFER OK"),
    ("wrong-allotment", weakened.own_key_will_do, "validity"),
    ("equivocator-redeems-itself", quorum_2f, "agreement"),
    ("equivocating-primary", quorum_2f, "agreement"),
    ("future-flood", future_unbounded, "bounded-memory"),
]
"""Scenario, what is broken, and what notices."""


@pytest.mark.parametrize(("name", "guard", "notices"), GUARDS)
def test_without_its_guard_the_liar_succeeds(
    name: str, guard: Callable[[], Patch], notices: str
) -> None:
    with guard():
        assert notices in complaints(run(name))


@pytest.mark.parametrize(("name", "guard", "notices"), GUARDS)
def test_without_its_guard_and_without_the_liar_nothing_is_wrong(
    name: str, guard: Callable[[], Patch], notices: str
) -> None:
    """Beyond what the scenario wants to have happened."""
    with guard():
        found = complaints(run(name, peace=True))
    wanted = {"sometimes", "culprits", "receipts AUCTION_ALLOT E_SIG"}
    assert set(found) <= wanted, found
    assert notices not in found


def test_a_window_shorter_than_the_time_outs_is_closed_before_the_censor_is_deposed() -> None:
    """What the protocol promises is an order within time-outs, and no more: a market that closes
    sooner than that can be censored."""
    result = run("ministry-censors-bids", "workload[1].steps[1].body.closes_at=8s")
    assert "E_LATE" in codes(result, "BID")
    assert codes(run("ministry-censors-bids"), "BID") == ["OK"] * 3


def test_its_own_bids_do_come_first() -> None:
    """The order is the liar's: it is the allotment that doesn't follow the order."""

    def dealers(result: RunResult) -> list[str]:
        receipts = (receipt for block in result.chain for receipt in block.receipts)
        return [r.client for r in receipts if r.type == "BID_COMMIT"]

    assert dealers(run("primary-reorders-bids"))[:2] == ["bank-b", "bank-b"]
    assert dealers(run("primary-reorders-bids", peace=True))[0] == "bank-a"


def test_the_forged_allotment_leaves_the_true_one_its_number() -> None:
    """E_SIG changes nothing, the window included: the desk's own request is still good."""
    found = codes(run("wrong-allotment"), "AUCTION_ALLOT")
    assert found[0] == "E_ALLOT_MISMATCH"
    assert found[-1] == "OK"
    assert set(found[1:-1]) == {"E_SIG"}


def test_two_liars_take_no_one_reply_for_an_answer() -> None:
    """f+1 equal answers fool a client; one does only if the client believes one."""
    alone = 'faults=[{ kind = "byzantine", node = "exchange-a", behaviour = "false-reply" }]'
    honest = ["expect.safety=holds", alone]
    assert run("liars-fool-a-client", *honest).exit_code == 0
    with one_reply():
        assert "client-history" in complaints(run("liars-fool-a-client", *honest))


def test_the_coalition_is_convicted_by_forensics_too() -> None:
    """More than f of them, nobody else, and each proof stands by itself."""
    scenario = load("coalition-forks", [FAST, "faults[0].groups=[]"])
    found = investigate_scenario(scenario)[0]
    assert sorted(found.findings.culprits) == ["exchange-a", "exchange-b", "exchange-c"]
    for proof in found.findings.proofs:
        content = evidence_file(proof, found.origin)
        assert content is not None
        assert judge(content, found.origin.scheme).holds


@pytest.mark.parametrize(
    "name",
    ["coalition-forks", "equivocator-redeems-itself", "equivocating-primary", "future-flood"],
)
def test_what_was_reported_convicts_offline(name: str) -> None:
    """Everybody whom the scenario names, and nobody else, by each file alone."""
    scenario = load(name, [FAST])
    simulation = build(scenario)
    reported = simulation.run().measures.evidence
    origin = origin_of(simulation)
    assert {culprit for culprit, _ in reported} == set(scenario.expect.culprits or ())
    assert reported
    for (culprit, kind), proof in reported.items():
        assert proof is not None
        content = evidence_file(proof, origin)
        assert content is not None
        assert (content.culprit, content.kind) == (culprit, kind)
        assert judge(content, origin.scheme).holds
