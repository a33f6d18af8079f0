"""``chainsim report``: where its file goes, and what it says when it can't be drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainsim.cli import report
from tests.unit.cli.conftest import Chainsim
from tests.unit.cli.test_run import SMALL


def recorded(chainsim: Chainsim, *options: str) -> Path:
    Path("small.toml").write_text(SMALL)
    done = chainsim("run", "small.toml", *options)
    assert done.returncode == 0, done.stderr
    (folder,) = Path("runs").iterdir()
    return folder


def test_it_goes_into_the_runs_folder(chainsim: Chainsim) -> None:
    folder = recorded(chainsim)
    done = chainsim("report", "@last")
    assert (done.returncode, done.stdout) == (0, f"{folder}/report.html\n")
    assert (folder / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert "messages are drawn" in done.stderr


def test_equal_runs_have_equal_reports(chainsim: Chainsim, process: Chainsim) -> None:
    """Nothing of the clock, the machine or the process is in it."""
    folder = recorded(chainsim)
    for name, seed in (("one.html", "1"), ("two.html", "2")):
        done = process("report", str(folder), "-o", name, PYTHONHASHSEED=seed)
        assert (done.returncode, done.stdout) == (0, f"{name}\n"), done.stderr
    assert Path("one.html").read_bytes() == Path("two.html").read_bytes()
    assert str(Path.cwd()) not in Path("one.html").read_text("utf-8")


@pytest.mark.parametrize("level", ["off", "messages"])
def test_whatever_was_recorded(chainsim: Chainsim, level: str) -> None:
    recorded(chainsim, "--trace", level)
    assert chainsim("report", "@last", "-o", "x.html").returncode == 0
    assert Path("x.html").exists()


def test_another_run_than_the_recorded_one_is_not_drawn(chainsim: Chainsim) -> None:
    folder = recorded(chainsim)
    text = (folder / "scenario.toml").read_text("utf-8").replace("seed = 5", "seed = 6")
    (folder / "scenario.toml").write_text(text)
    done = chainsim("report", "@last")
    assert done.returncode == 5
    assert "first at milestone" in done.stderr
    assert not (folder / "report.html").exists()


def test_a_run_without_summary(chainsim: Chainsim) -> None:
    folder = recorded(chainsim)
    (folder / "summary.json").unlink()
    done = chainsim("report", "small")
    assert done.returncode == 2
    assert "holds no summary.json" in done.stderr


def test_without_bokeh_it_says_what_to_do(
    chainsim: Chainsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(chainsim)
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    done = chainsim("report", "@last")
    assert done.returncode == 2
    assert "needs Bokeh" in done.stderr
    assert "make report" in done.stderr
    assert "-m pip install bokeh" in done.stderr


def test_wrong_targets(chainsim: Chainsim) -> None:
    recorded(chainsim)
    assert chainsim("report", "nothing").returncode == 2
    done = chainsim("report", "@last", "-o", "no/such/folder.html")
    assert done.returncode == 2
    assert "can't write no/such/folder.html" in done.stderr


def test_a_damaged_recording_is_no_traceback(chainsim: Chainsim) -> None:
    folder = recorded(chainsim)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    del summary["height"]
    (folder / "summary.json").write_text(json.dumps(summary))
    done = chainsim("report", "@last")
    assert done.returncode == 2
    assert "can't be read" in done.stderr


def test_a_trace_for_perfetto(chainsim: Chainsim, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = recorded(chainsim)
    monkeypatch.setattr(report, "find_spec", lambda name: None)  # Bokeh isn't needed
    done = chainsim("report", "@last", "--format", "perfetto")
    assert (done.returncode, done.stdout) == (0, f"{folder}/perfetto.json\n")
    assert json.loads((folder / "perfetto.json").read_text("utf-8"))["traceEvents"]
