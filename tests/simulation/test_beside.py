"""A run beside the same one without its faults: the figures are those of two runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from chainsim import beside
from chainsim.build import build
from chainsim.cli.group import cli
from chainsim.recorded_run import Interrupted, play
from chainsim.run_summary import Beside, ExpectationLine, Finality, Pace
from chainsim.simulation import scheduler
from chainsim.simulation.world import Progress
from scenarios.loader import load, load_text
from scenarios.schema import Scenario

BASE = """
schema = 1
name = "attacked"
duration = "40s"
validators = 4
[consensus]
signatures = "fast"
request_timeout = "500ms"
view_change_timeout = "500ms"
checkpoint_interval = 5
window = 10
[network]
latency = { kind = "uniform", low = "5ms", high = "25ms" }
[genesis]
include = "cash"
[[workload]]
kind = "transfers"
rate = "20/s"
stop = "4s"
[[faults]]
kind = "isolate"
node = "primary"
at = "1s"
for = "2s"
[[faults]]
kind = "rotate-key"
node = "v2"
at = "500ms"
[expect]
beside = "undisturbed"
"""


def attacked(*overrides: str) -> Scenario:
    return load_text(BASE, overrides=overrides)


def test_the_figures_are_those_of_the_two_runs() -> None:
    scenario = attacked()
    alone = replace(scenario, expect=replace(scenario.expect, beside=None))
    disturbed, peace = build(alone).run(), build(replace(alone, faults=())).run()
    result = build(scenario).run()
    assert result.exit_code == 0
    assert result.digest == disturbed.digest
    found = result.beside
    assert found is not None
    assert found.digest == peace.digest != disturbed.digest
    assert found.undisturbed.finality_us == peace.measures.finality
    assert (found.disturbed.view_changes, found.undisturbed.view_changes) == (1, 0)
    # The key's rotation is the fault's transaction, not the workload's.
    assert disturbed.metrics["transactions_final"] == 61
    for pace in (found.disturbed, found.undisturbed):
        assert (pace.submitted, pace.final) == (60, 60)
    spans = peace.measures.spans
    took_us = max(final or 0 for _, final in spans) - spans[0][0]
    assert found.undisturbed.throughput_per_hour == 60 * beside.HOUR_US // took_us
    assert peace.metrics["throughput"] == found.undisturbed.throughput_per_hour
    one, other = found.disturbed.finality_us, found.undisturbed.finality_us
    assert one.p99 is not None
    assert other.p99 is not None
    assert one.p99 > 5 * other.p99
    assert result.metrics["beside_finality_p99_ppm"] == one.p99 * 1_000_000 // other.p99
    assert "beside_finality_p99_ppm" not in disturbed.metrics


def test_an_attack_that_costs_nothing_fails_an_expectation_that_says_it_does() -> None:
    metric = '[[expect.metric]]\nname = "{}"\nop = "{}"\nvalue = {}\n'
    costs = metric.format("beside_finality_p99_ppm", ">=", 3_000_000)
    costs += metric.format("throughput", ">=", '"10/s"')
    assert build(load_text(BASE + costs)).run().exit_code == 0
    harmless = build(load_text(BASE + costs, overrides=['faults[0].node="v3"'])).run()
    bad = {row.name: row.got for row in harmless.expectations if not row.ok}
    assert list(bad) == ["metric beside_finality_p99_ppm"]
    too_much = costs.replace('"10/s"', '"21/s"')
    failing = [row for row in build(load_text(BASE + too_much)).run().expectations if not row.ok]
    assert [row.name for row in failing] == ["metric throughput"]
    assert failing[0].wanted == ">= 21/s"
    assert failing[0].got.endswith("/h")


def test_json_holds_both_runs_and_people_see_them(tmp_path: Path) -> None:
    path = tmp_path / "attacked.toml"
    path.write_text(BASE)
    run = ("run", str(path), "--out", str(tmp_path / "runs"))
    told = json.loads(CliRunner().invoke(cli, [*run, "--json"]).stdout)["beside"]
    assert told["disturbed"]["view_changes"] == 1
    assert told["undisturbed"]["finality_us"]["p99"] < told["disturbed"]["finality_us"]["p99"]
    assert len(told["digest"]) == 64
    text = CliRunner().invoke(cli, list(run)).stdout
    section = text.partition("Beside the same run without its faults")[2].partition("Checks")[0]
    rows = {line[:16].strip(): line[16:].split() for line in section.splitlines() if line.strip()}
    assert rows["view changes"] == ["1", "0"]
    assert rows["final"] == ["60", "of", "60", "60", "of", "60"]
    assert rows["throughput"][0].endswith("/s")
    plain = CliRunner().invoke(cli, ["run", "quick", "--out", str(tmp_path / "runs")]).stdout
    assert "Beside" not in plain


@pytest.mark.parametrize("after", [5, 10_000])
def test_ctrl_c_ends_either_of_the_two_runs(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches may stop it while the second one runs, too."""
    monkeypatch.setattr(scheduler, "CHUNK", 100)
    simulation = build(attacked())
    calls, last_us, second = 0, 0, False

    def watch(progress: Progress) -> None:
        nonlocal calls, last_us, second
        calls += 1
        second = second or progress.now_us < last_us
        last_us = progress.now_us
        if calls == after or second:
            raise Interrupted

    result, _ = play(simulation, watch)
    assert second == (after == 10_000)
    assert result.ended == "interrupted"
    assert result.exit_code == 130
    assert result.beside is None


def test_nothing_final_is_no_rate_and_no_ratio() -> None:
    nothing = Pace(
        submitted=3, final=0, throughput_per_hour=0, finality_us=Finality(), view_changes=9
    )
    some = Pace(
        submitted=3,
        final=3,
        throughput_per_hour=7200,
        finality_us=Finality(p50=1, p99=2, max=2),
        view_changes=0,
    )
    stopped = beside.ratios(Beside(disturbed=nothing, undisturbed=some, digest=""))
    assert stopped == {"beside_throughput_ppm": 0}
    assert beside.ratios(Beside(disturbed=some, undisturbed=nothing, digest="")) == {}


@pytest.mark.parametrize("name", ["forced-view-changes", "delayed-proposals"])
def test_performance_attacks_are_told_beside_a_run_in_peace(name: str) -> None:
    scenario = load(name, ["consensus.signatures=fast"])
    compared = {m.name for m in scenario.expect.metric if m.name.startswith("beside_")}
    assert "beside_finality_p99_ppm" in compared
    result = build(scenario, memoise=True).run()
    assert result.exit_code == 0
    assert result.beside is not None
    # Without the attack each thing that the scenario says of it fails.
    harmless = replace(scenario, faults=(), expect=replace(scenario.expect, sometimes=()))
    bad = {row.name.removeprefix("metric ") for row in _bad(harmless)}
    assert compared <= bad


def _bad(scenario: Scenario) -> list[ExpectationLine]:
    return [row for row in build(scenario, memoise=True).run().expectations if not row.ok]
