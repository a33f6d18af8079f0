"""What is collected when a run is executed again: it agrees with what was recorded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chainsim.recorded_run import Interrupted, run_recorded
from chainsim.report import ledger
from chainsim.report.observed import Diverged, NoSummary, Observed, Stopped, observe
from chainsim.simulation.standing import Progress
from scenarios.loader import load, load_text
from tests.unit.report.conftest import scenario_text


def test_messages_are_those_of_the_summary(observed: Observed, summary: Any) -> None:
    messages = summary["messages"]
    assert observed.messages.sent == len(observed.messages.flights) == messages["sent"]
    by_type = {kind: sum(bins) for kind, bins in observed.workload.sent.items()}
    assert by_type == messages["by_type"]
    assert sum(observed.workload.lost.values()) == messages["dropped"]
    lost = [flight for flight in observed.messages.flights.values() if flight.lost]
    copies = sum(len(flight.copies) for flight in observed.messages.flights.values())
    assert copies
    assert len(lost) <= messages["dropped"]
    assert {flight.lost for flight in lost} >= {"down", "link"}


def test_requests_are_those_of_the_summary(observed: Observed, summary: Any) -> None:
    work = summary["transactions"]
    assert sum(observed.workload.submitted) == work["submitted"]
    assert sum(observed.workload.final) == work["final"] == len(observed.workload.finality)
    assert max(took for _, took, _ in observed.workload.finality) == summary["finality_us"]["max"]


def test_heights_and_views_end_where_validators_stand(observed: Observed, summary: Any) -> None:
    for node in summary["nodes"]:
        assert observed.timeline.heights[node["id"]][-1][1] == node["height"]
        view, active = observed.timeline.views[node["id"]][-1][1:]
        assert (view, active) == (node["view"], node["active"])


def test_what_stands_out(observed: Observed) -> None:
    told = [(moment.kind, moment.node, moment.text) for moment in observed.timeline.moments]
    assert ("fault", "", "crash begins (v0)") in told
    assert ("process", "v0", "went down") in told
    assert any(kind == "view change" and "calls for view 1" in text for kind, _, text in told)
    assert any(kind == "evidence" and "against v1" in text for kind, _, text in told)
    (outage,) = observed.timeline.outages
    assert (outage.node, outage.from_us, outage.until_us) == ("v0", 1_000_000, 3_000_000)


def test_cpu_work_is_divided_and_nothing_is_lost(observed: Observed) -> None:
    for node, work in observed.workload.work.items():
        busy = sum(observed.workload.busy[node])
        assert 0 <= busy - sum(work) <= busy // 1000
        assert work[1] > 0


def test_ledger_measures_are_the_chains(observed: Observed, summary: Any) -> None:
    found = ledger.measures(observed.folder)
    assert found is not None
    codes: dict[str, int] = {}
    for type_, code, count in found.receipts:
        if type_ != "DAY_OPEN":
            codes[code] = codes.get(code, 0) + count
    assert codes["OK"] >= summary["transactions"]["by_code"]["OK"]
    assert found.totals
    assert ledger.measures(observed.folder / "nowhere") is None


@pytest.mark.parametrize(
    ("asset", "minor", "text"),
    [("PKR", 152_115_000_000, "1,521,150,000.00"), ("PKR", -5, "-0.05"), ("PIB", 1234, "1,234")],
)
def test_amounts_are_exact(asset: str, minor: int, text: str) -> None:
    assert ledger.readable(asset, minor) == text


def test_a_run_that_diverges_is_not_drawn(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    changed = json.loads((copy / "summary.json").read_text("utf-8"))
    changed["digest"] = "0" * 64
    (copy / "summary.json").write_text(json.dumps(changed))
    with pytest.raises(Diverged, match="differs"):
        observe(load(str(copy / "scenario.toml")), copy)


def test_a_run_that_died_has_no_report(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "summary.json").write_text("{")
    with pytest.raises(NoSummary, match="can't be read"):
        observe(load(str(copy / "scenario.toml")), copy)
    (copy / "summary.json").unlink()
    with pytest.raises(NoSummary, match="holds no summary"):
        observe(load(str(copy / "scenario.toml")), copy)


def stop_after(us: int) -> Any:
    def progress(now: Progress) -> None:
        if now.now_us > us:
            raise Interrupted

    return progress


def test_a_run_that_was_cut_short_is_drawn_as_far_as_it_got(tmp_path: Path) -> None:
    scenario = load_text(scenario_text())
    summary = run_recorded(scenario, tmp_path, "milestones", stop_after(2_000_000))
    assert summary.ended == "interrupted"
    observed = observe(scenario, Path(summary.run_dir))
    flights = observed.messages.flights.values()
    assert max(flight.sent_us for flight in flights) <= summary.virtual_time_us
    heights = observed.timeline.heights["v2"]
    assert heights[-1][1] == next(node.height for node in summary.nodes if node.id == "v2")


def test_ctrl_c_ends_it(folder: Path) -> None:
    with pytest.raises(Stopped):
        observe(load(str(folder / "scenario.toml")), folder, stop_after(1_000_000))
