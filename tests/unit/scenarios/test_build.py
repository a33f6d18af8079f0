"""Scenario to simulation, and the verdict on it."""

from __future__ import annotations

import pytest

from chainsim.build import build
from chainsim.exit_codes import ExitCode
from chainsim.run_result import RunResult, receipts_of
from chainsim.simulation.standing import Progress
from scenarios.loader import load, load_text, resolved_toml
from scenarios.schema import Scenario

BASE = """
name = "small"
duration = "20s"
validators = 4
[consensus]
signatures = "fast"
request_timeout = "500ms"
view_change_timeout = "500ms"
[network]
latency = { kind = "constant", value = "5ms" }
[[workload]]
kind = "transfers"
rate = "10/s"
stop = "3s"
"""
CRASH = '[[faults]]\nkind = "crash"\nnode = "v0"\nat = "2s"\nfor = "5s"\n'
STALL = '[[faults]]\nkind = "crash"\nnodes = ["v0", "v1"]\nat = "2s"\n'


def run(text: str, *overrides: str) -> RunResult:
    return build(load_text(BASE + text, overrides=overrides)).run()


def rows(result: RunResult) -> dict[str, tuple[bool, str, str]]:
    return {row.name: (row.ok, row.wanted, row.got) for row in result.expectations}


def test_a_run_and_its_resolved_file_have_one_digest() -> None:
    scenario = load_text(BASE + CRASH)
    first = build(scenario).run()
    assert first.digest == build(load_text(resolved_toml(scenario))).run().digest
    assert first.exit_code == ExitCode.OK
    assert first.ended == "settled"
    assert first.metrics["transactions_final"] == 20
    assert first.digest != build(load_text(BASE + CRASH, seed=2)).run().digest


def test_a_run_is_ok_only_if_every_line_holds() -> None:
    result = run(
        CRASH + "[expect]\nmin_height = 1000\nmax_view_changes = 0\n"
        'finality_p99 = "1ms"\nculprits = ["v0"]\nsometimes = ["view-change", "restart"]\n'
        'halt_alone_never = ["other"]\n'
        '[[expect.receipts]]\ntx = "TRANSFER"\nmin = 5\nmax = 19\n'
        '[[expect.receipts]]\ntx = "TRANSFER"\ncount = 99\nsender = "dealer-a"\n'
        '[[expect.balance]]\naccount = "dealer-a/cash"\namount = "1.00 PKR"\n'
        '[[expect.metric]]\nname = "finality_max"\nop = "<"\nvalue = "1ms"\n'
        '[[expect.metric]]\nname = "view"\nop = ">="\nvalue = 1\n'
    )
    found = rows(result)
    assert sorted(name for name, row in found.items() if row[0]) == [
        "liveness",
        "metric view",
        "safety",
        "sometimes",
    ]
    assert found["max_view_changes"][1:] == ("at most 0", "1")
    assert found["culprits"][1:] == ("v0", "nobody")
    assert found["halt_alone_never other"][1:] == ("fewer than 2 validators", "4")
    assert found["receipts TRANSFER OK"][1:] == ("at least 5, at most 19", "20")
    assert result.exit_code == ExitCode.EXPECTATION


SEATS = """
name = "seats"
duration = "40s"
[consensus]
signatures = "fast"
checkpoint_interval = 5
window = 10
request_timeout = "500ms"
view_change_timeout = "500ms"
[network]
latency = { kind = "constant", value = "5ms" }
[genesis]
include = "cash"
[[workload]]
kind = "transfers"
rate = "10/s"
stop = "6s"
[[observers]]
id = "exchange-b"
role = "exchange"
[expect]
halt_alone_never = ["exchange"]
""" + "".join(
    f'[[validators]]\nid = "{id_}"\nrole = "{role}"\n'
    for id_, role in (("mof", "ministry"), ("sbp", "central-bank"), ("pvara", "licensor"),
                      ("exchange-a", "exchange"))
)  # fmt: skip
FIFTH = '[[validators]]\nid = "secp"\nrole = "registrar"\n'
ADD = '[[faults]]\nkind = "add-validator"\nnode = "exchange-b"\nat = "1s"\n'
REMOVE = '[[faults]]\nkind = "remove-validator"\nnode = "exchange-a"\nat = "4s"\n'


@pytest.mark.parametrize(
    ("changes", "ok", "wanted", "got"),
    [
        ("", True, "fewer than 2 validators", "1"),
        (ADD, False, "fewer than 2 validators (of 5 in epoch 1, the closest)", "2"),
        # It could for a while: an epoch later is too late.
        (ADD + REMOVE, False, "fewer than 2 validators (of 5 in epoch 1, the closest)", "2"),
        # Neither is it about who was ever there: the second comes when the first has left.
        (
            FIFTH + REMOVE.replace("4s", "1s") + ADD.replace("1s", "4s"),
            True,
            "fewer than 2 validators (of 5 in epoch 0, the closest)",
            "1",
        ),
    ],
)
def test_a_role_may_never_halt_the_network_alone_in_any_epoch(
    changes: str, ok: bool, wanted: str, got: str
) -> None:
    result = build(load_text(SEATS + changes)).run()
    done = [r for r in receipts_of(result.chain) if (r.type, r.code) == ("VALIDATOR_UPDATE", "OK")]
    assert len(done) == changes.count("[[faults]]")
    assert rows(result)["halt_alone_never exchange"] == (ok, wanted, got)
    assert result.exit_code == (ExitCode.OK if ok else ExitCode.EXPECTATION)


@pytest.mark.parametrize(
    ("liveness", "code"),
    [("recovers", ExitCode.LIVENESS), ("stalls", ExitCode.OK), ("ignore", ExitCode.OK)],
)
def test_a_stall_is_4_unless_it_is_wanted(liveness: str, code: ExitCode) -> None:
    result = run(STALL, f"expect.liveness={liveness}")
    assert result.exit_code == code
    assert result.ended == "duration"


def test_a_stall_that_was_wanted_and_did_not_come_is_1() -> None:
    result = run("", "expect.liveness=stalls")
    assert rows(result)["liveness"] == (False, "stalls", "recovers")
    assert result.exit_code == ExitCode.EXPECTATION


def test_a_violation_that_was_wanted_and_did_not_come_is_1() -> None:
    result = run("", "expect.safety=violated")
    assert rows(result)["safety"] == (False, "violated", "holds")
    assert result.exit_code == ExitCode.EXPECTATION


def test_a_code_that_a_step_expects_is_a_row_of_its_own() -> None:
    steps = (
        '[[workload]]\nkind = "script"\nsteps = [{ at = "1s", from = "dealer-a", tx = "TRANSFER", '
        'body = { source = "dealer-b/cash", target = "dealer-a/cash", amount = "1.00 PKR" }, '
        'expect_code = "OK" }]\n'
    )
    result = run(steps)
    ok, wanted, got = rows(result)["workload[1].steps[0] TRANSFER of dealer-a"]
    assert (ok, wanted) == (False, "OK")
    assert got.startswith("E_")
    assert result.exit_code == ExitCode.EXPECTATION


def test_watching_changes_nothing_and_an_interrupt_keeps_what_was_done() -> None:
    scenario = load_text(BASE + CRASH)
    alone = build(scenario).run()
    seen: list[Progress] = []
    assert build(scenario).run(seen.append).digest == alone.digest

    class Stop(Exception):
        pass

    def stop(_: Progress) -> None:
        raise Stop

    load_more = load_text(BASE.replace("10/s", "400/s"))
    simulation = build(load_more)
    with pytest.raises(Stop):
        simulation.run(stop)
    result = simulation.finish("interrupted")
    assert result.exit_code == ExitCode.INTERRUPTED
    assert result.ended == "interrupted"


def test_the_party_that_is_a_validator_too_hears_its_replies() -> None:
    text = """
name = "desk"
duration = "20s"
[consensus]
signatures = "fast"
[[validators]]
id = "sbp"
[[workload]]
kind = "script"
[[workload.steps]]
at = "1s"
from = "sbp"
tx = "CASH_MINT"
body = { account = "dealer-a/cash", amount = "1.00 PKR" }
expect_code = "OK"
"""
    result = build(load_text(text)).run()
    assert result.metrics["transactions_final"] == 1
    assert result.exit_code == ExitCode.OK


def test_an_amnesiac_is_not_honest() -> None:
    amnesia = CRASH + 'mode = "amnesia"\n'
    assert build(load_text(BASE + CRASH)).context.honest == {"v0", "v1", "v2", "v3"}
    assert build(load_text(BASE + amnesia)).context.honest == {"v1", "v2", "v3"}


def test_every_latency_table_runs() -> None:
    for table in (
        "{ kind = 'uniform', low = '1ms', high = '9ms' }",
        "{ kind = 'normal', mean = '9ms', deviation = '3ms' }",
        "{ kind = 'lognormal', median = '5ms', p99 = '20ms' }",
        "{ kind = 'exponential', mean = '5ms', floor = '1ms' }",
    ):
        assert run("", f"network.latency={table}").exit_code == ExitCode.OK


QUICK = [
    "quick",
    "primary-crash",
    "partition-heal",
    "slow-primary",
    "lossy-wan",
]


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("seed", [1, 2])
def test_library(name: str, seed: int) -> None:
    result = build(load(name, ["consensus.signatures=fast"], seed)).run()
    assert [row for row in result.expectations if not row.ok] == []
    assert [check for check in result.checks if not check.ok] == []
    assert result.exit_code == ExitCode.OK


def test_the_sovereign_day() -> None:
    """Fourteen real bids, licensing, DvP, a crash and a partition; the smaller target's tie."""
    target = "workload[1].target=10130000000.00 PKR"
    result = build(load("sovereign-day", ["consensus.signatures=fast", target])).run()
    assert [row for row in result.expectations if not row.ok] == []
    assert [check for check in result.checks if not check.ok] == []
    (allot,) = [r for b in result.chain for r in b.receipts if r.type == "AUCTION_ALLOT"]
    given = dict(allot.data)
    assert given["unsold"] == str(29 * 100_000_000)
    assert sorted(int(v) for k, v in given.items() if k.startswith("bid."))[-1] == 200_000_000_000
    assert result.exit_code == ExitCode.OK


def without_the_crash(scenario: Scenario) -> Scenario:
    return load_text(resolved_toml(scenario), overrides=["faults=[]", "consensus.signatures=fast"])


@pytest.mark.parametrize("name", ["primary-crash", "partition-heal", "slow-primary"])
def test_the_librarys_expectations_can_fail(name: str) -> None:
    """Without its fault a fault scenario shows nothing, and says so."""
    assert build(without_the_crash(load(name))).run().exit_code == ExitCode.EXPECTATION
