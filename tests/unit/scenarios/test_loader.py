"""Loading, overriding, writing back; the contract's own example."""

from __future__ import annotations

import datetime

import pytest

from scenarios.faults.crash import Crash
from scenarios.loader import ScenarioErrors, load, load_text, resolved_toml, shipped
from scenarios.schema import ConstantLatency
from scenarios.workload.transfers import Transfers

SMALL = """
name = "small"
duration = "20s"
validators = 4

[[workload]]
kind = "transfers"
rate = "50/s"
stop = "6s"

[[faults]]
kind = "crash"
node = "v0"
at = "5s"
for = "10s"
"""

# SCENARIOS.md, "A scenario file", with its ellipses filled in and a whole cast.
# ruff: noqa: E501
EXAMPLE = """
schema = 1
name = "coupon-day-partition"            # [a-z0-9-]+
title = "Coupon day while Karachi is cut off"
description = "…"
tags = ["domain", "partition"]
seed = 7
duration = "120s"

[calendar]
start = 2026-01-05
day = "20s"

[consensus]
protocol = "pbft"
block_max_txs = 200
block_interval = "100ms"
checkpoint_interval = 10                  # K
window = 20                               # L
request_timeout = "2s"
view_change_timeout = "2s"                # doubles
status_interval = "1s"                    # above twice the largest round trip
signatures = "ed25519"

[network]
latency = "pakistan-gulf"
jitter = 0.1
loss = 0.0
duplicate = 0.0
reorder = 0.0
bandwidth = "100Mbit"

[cpu]
sign = "60us"
verify = "150us"
execute = "20us"

[disk]
fsync = "2ms"

[[validators]]
id = "mof"
name = "Ministry of Finance"
role = "ministry"
city = "islamabad"

[[validators]]
id = "sbp"
role = "central-bank"
city = "karachi"

[[validators]]
id = "pvara"
role = "licensor"

[[validators]]
id = "exchange-a"
role = "exchange"
city = "dubai"

[[validators]]
id = "exchange-c"
role = "exchange"
city = "london"

[genesis]
include = "sovereign"
[[genesis.parties]]
id = "exchange-a"
role = "exchange"
licence = "NOC_GRANTED"

[[workload]]
kind = "transfers"
rate = "50/s"
start = "1s"
stop = "60s"

[[workload]]
kind = "script"
steps = [ { at = "3s", from = "sbp", tx = "CASH_MINT", body = { account = "exchange-a/cash", amount = "1000000.00 PKR" } },
          { at = "4s", from = "exchange-a", tx = "TRANSFER", body = { source = "exchange-a/cash", target = "pd-1/cash", amount = "1.00 PKR" }, expect_code = "E_LICENCE" } ]

[[faults]]
kind = "crash"
node = "mof"
at = "5s"
for = "10s"

[expect]
safety = "holds"
liveness = "recovers"
within = "10s"
min_height = 100
max_view_changes = 5
finality_p99 = "2s"
culprits = ["exchange-c"]
sometimes = ["view-change", "state-transfer"]
halt_alone_never = ["exchange"]
[[expect.receipts]]
tx = "COUPON_PAY"
code = "OK"
count = 1
[[expect.balance]]
account = "exchange-a/cash"
amount = "1000000.00 PKR"
[[expect.metric]]
name = "late_coupon_days"
op = ">="
value = 1
"""


def errors(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(text, overrides=overrides)
    return [str(error) for error in caught.value.errors]


def test_the_contracts_example_loads() -> None:
    scenario = load_text(EXAMPLE)
    assert scenario.duration == 120_000_000
    assert scenario.calendar.start == datetime.date(2026, 1, 5)
    assert scenario.network.jitter == 100_000
    assert scenario.network.bandwidth == 100_000_000
    assert scenario.cpu.sign == 60
    assert scenario.expect.finality_p99 == 2_000_000
    assert scenario.faults == (Crash(node="mof", at=5_000_000, for_=10_000_000),)
    assert load_text(resolved_toml(scenario)) == scenario


def test_a_number_of_validators_is_a_shorthand() -> None:
    assert [v.id for v in load_text(SMALL).validators] == ["v0", "v1", "v2", "v3"]


@pytest.mark.parametrize("name", shipped())
def test_shipped_scenarios_load_and_say_what_they_are(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.title
    assert len(scenario.description) > 40
    assert scenario.tags
    if "explore" not in scenario.tags:  # judged by its checks alone
        assert scenario.expect.min_height
        assert scenario.expect.sometimes


@pytest.mark.parametrize("name", shipped())
def test_a_resolved_file_is_the_same_scenario(name: str) -> None:
    scenario = load(name, seed=77)
    text = resolved_toml(scenario)
    again = load_text(text)
    assert again == scenario
    assert again.seed == 77
    assert resolved_toml(again) == text


def test_what_needs_escaping_survives_being_written() -> None:
    title = 'tab\t "quotes" \\ back — emoji 🙂 \x7f \x01'
    scenario = load_text(SMALL, overrides=[f"description={title}"])
    assert scenario.description == title
    assert load_text(resolved_toml(scenario)) == scenario


class TestOverrides:
    def test_values_are_toml_or_else_strings(self) -> None:
        scenario = load_text(
            SMALL,
            overrides=[
                "faults[0].at=3s",
                "workload[0].rate = 7/s",
                "network.loss=0.25",
                'tags=["a", "b"]',
                "network.latency={ kind = 'constant', value = '1ms' }",
                "title=Two words",
            ],
        )
        assert scenario.faults[0].at == 3_000_000
        assert isinstance(scenario.workload[0], Transfers)
        assert scenario.workload[0].rate == 7 * 3600
        assert scenario.network.loss == 250_000
        assert scenario.tags == ("a", "b")
        assert scenario.network.latency == ConstantLatency(value=1000)
        assert scenario.title == "Two words"

    def test_the_last_wins_and_the_seed_option_after_all(self) -> None:
        scenario = load_text(SMALL, overrides=["seed=3", "seed=4"])
        assert scenario.seed == 4
        assert load_text(SMALL, overrides=["seed=3"], seed=9).seed == 9

    def test_validators_by_number_or_one_of_them(self) -> None:
        scenario = load_text(SMALL, overrides=["validators=7", "validators[6].city=dubai"])
        assert len(scenario.validators) == 7
        assert scenario.validators[6].city == "dubai"

    def test_an_unknown_path_says_what_was_meant(self) -> None:
        (error,) = errors(SMALL, "netwrok.loss=0.1")
        assert error == 'netwrok: unknown field; did you mean "network"?'
        (error,) = errors(SMALL, "consensus.windw=20")
        assert error == 'consensus.windw: unknown field; did you mean "window"?'
        (error,) = errors(SMALL, "faults[0].fro=3s")
        assert error.startswith('faults[0].fro: unknown field; did you mean "for"?')

    def test_an_index_that_isnt_there(self) -> None:
        (error,) = errors(SMALL, "faults[1].at=3s")
        assert error.startswith("faults[1].at: there is no [1]: the file has 0 to 0")
        (error,) = errors(SMALL, "expect.receipts[0].count=3")
        assert "there is no receipts[0]: the file has no receipts" in error

    @pytest.mark.parametrize(
        "override", ["faults", "=3", "faults[x]=1", "[0]=1", "a..b=1", "a.=1", "seed.x=1", ""]
    )
    def test_nonsense_is_an_error(self, override: str) -> None:
        assert errors(SMALL, override)

    def test_a_value_cant_smuggle_in_other_keys(self) -> None:
        scenario = load_text(SMALL, overrides=["title=1\nseed = 99"])
        assert scenario.seed == 1
        assert scenario.title == "1\nseed = 99"

    def test_an_error_in_an_overridden_value_names_no_line(self) -> None:
        (error,) = errors(SMALL, "duration=20")
        assert error.startswith("duration: wanted a duration")
        assert "(line" not in error
