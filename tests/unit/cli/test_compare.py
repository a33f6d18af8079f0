"""``chainsim compare``: what differs, and nothing else."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from chainsim.cli import report
from tests.unit.cli.conftest import Chainsim
from tests.unit.cli.test_run import SMALL


@pytest.fixture
def runs(chainsim: Chainsim) -> list[str]:
    """Two equal runs, and one with slower lines."""
    Path("small.toml").write_text(SMALL)
    for options in ([], [], ["--set", "network.jitter=0.3"]):
        assert chainsim("run", "small.toml", *options).returncode == 0
    found = {path.name: path for path in Path("runs").iterdir()}
    (again,) = (name for name in found if name.endswith(".2"))
    first = again.removesuffix(".2")
    (other,) = found.keys() - {first, again}
    return [str(found[name]) for name in (first, again, other)]


def test_equal_runs(chainsim: Chainsim, runs: list[str]) -> None:
    done = chainsim("compare", runs[0], runs[1])
    assert done.returncode == 0
    assert done.stdout.startswith("equal: ")
    assert " milestones" in done.stdout


def test_different_runs(chainsim: Chainsim, runs: list[str]) -> None:
    done = chainsim("compare", runs[0], runs[2], COLUMNS="160")
    assert done.returncode == 1
    assert "≠ network.jitter" in done.stdout
    assert "≠ digest" in done.stdout
    assert "≠ seed" not in done.stdout
    assert f"parts from {Path(runs[0]).name} at milestone " in done.stdout
    assert done.stdout.rstrip().endswith("values differ")


def test_everything_and_json_agree_with_the_summaries(chainsim: Chainsim, runs: list[str]) -> None:
    done = chainsim("compare", *runs, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert not found["equal"]
    rows = {(row["section"], row["name"]): row for row in found["rows"]}
    summaries = [json.loads((Path(run) / "summary.json").read_text()) for run in runs]
    assert rows["run", "digest"]["values"] == [s["digest"] for s in summaries]
    sent = [f"{s['messages']['sent']:,}" for s in summaries]
    assert rows["figures", "messages sent"]["values"] == sent
    for kind in summaries[0]["messages"]["by_type"]:
        counts = [f"{s['messages']['by_type'][kind]:,}" for s in summaries]
        assert rows["figures", f"sent {kind}"]["values"] == counts
    for number, check in enumerate(summaries[0]["checks"]):
        row = rows["checks", check["name"]]
        assert row["values"][0] == f"holds: {summaries[0]['checks'][number]['detail']}"
    assert rows["scenario", "network.jitter"]["values"] == ["0.1", "0.1", "0.3"]
    equal, parted = found["partings"]
    assert equal["difference"] is None
    assert equal["compared"] > 100
    assert parted["difference"]["index"] == parted["compared"] > 0
    assert parted["difference"]["recorded"] != parted["difference"]["replayed"]
    assert all(row["equal"] == (len(set(row["values"])) == 1) for row in rows.values())


def test_only_the_first_record_that_differs_makes_them_different(
    chainsim: Chainsim, runs: list[str]
) -> None:
    """One byte in the trace, all else equal."""
    trace = Path(runs[1]) / "trace.jsonl.gz"
    lines = gzip.decompress(trace.read_bytes()).decode().splitlines()
    changed = json.loads(lines[7])
    changed["at_us"] += 1
    lines[7] = json.dumps(changed)
    trace.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    done = chainsim("compare", runs[0], runs[1])
    assert done.returncode == 1
    assert "at milestone 7" in done.stdout
    trace.write_bytes(trace.read_bytes()[:-40])
    assert chainsim("compare", runs[0], runs[1]).returncode == 1


def test_changes_are_told_in_numbers(chainsim: Chainsim, runs: list[str]) -> None:
    summary = Path(runs[1]) / "summary.json"
    changed = json.loads(summary.read_text())
    before = changed["messages"]["sent"]
    changed["messages"]["sent"] = before + before // 2
    changed["finality_us"]["p50"] = None
    changed["checks"][0]["ok"] = False
    summary.write_text(json.dumps(changed))
    found = json.loads(chainsim("compare", runs[0], runs[1], "--json").stdout)
    rows = {row["name"]: row for row in found["rows"] if not row["equal"]}
    assert rows["messages sent"]["change"].startswith(f"+{before // 2:,} (+")
    assert rows["finality p50"]["values"][1] == "(none)"
    assert rows["finality p50"]["change"] == ""
    assert rows["agreement"]["values"][1].startswith("FAILS: ")
    assert len(rows) == 3


def test_as_html(chainsim: Chainsim, runs: list[str]) -> None:
    done = chainsim("compare", runs[0], runs[2], "-o", "differences.html")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "differences.html")
    html = Path("differences.html").read_text("utf-8")
    assert "default-src 'none'" in html
    digest = json.loads((Path(runs[2]) / "summary.json").read_text())["digest"]
    assert digest in html
    assert '<tr class="differs" data-row="scenario network.jitter">' in html
    assert '<tr class="" data-row="run seed">' in html


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["@last"], "two runs or more"),
        (["@last", "nothing"], 'no run "nothing"'),
        (["@last", "@last", "-o", "no/such.html"], "can't write no/such.html"),
    ],
)
def test_bad_usage(
    chainsim: Chainsim, runs: list[str], arguments: list[str], complaint: str
) -> None:
    done = chainsim("compare", *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_a_run_without_summary(chainsim: Chainsim, runs: list[str]) -> None:
    shutil.rmtree(Path(runs[1]) / "evidence")
    (Path(runs[1]) / "summary.json").unlink()
    done = chainsim("compare", runs[0], runs[1])
    assert done.returncode == 2
    assert "holds no summary.json" in done.stderr


def test_the_table_needs_no_bokeh(
    chainsim: Chainsim, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    assert chainsim("compare", runs[0], runs[1]).returncode == 0
    done = chainsim("compare", runs[0], runs[1], "-o", "x.html")
    assert done.returncode == 2
    assert "needs Bokeh" in done.stderr
