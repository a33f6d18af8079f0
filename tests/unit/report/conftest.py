"""One recorded run with faults, executed again once for all tests of its pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chainsim.recorded_run import run_recorded
from chainsim.report.observed import Observed, observe
from scenarios.loader import load, load_text
from tests.simulation.runs import BASE

STORY = """
title = "A primary crashes <script>alert(1)</script>, and another contradicts itself"
"""

FAULTS = """
[[workload]]
kind = "transfers"
rate = "20/s"
start = "4s"
stop = "7s"

[[faults]]
kind = "crash"
node = "v0"
at = "1s"
for = "2s"

[[faults]]
kind = "byzantine"
behaviour = "conflicting-votes"
node = "v1"
at = "4s"
for = "3s"

[[faults]]
kind = "link"
from = ["v2"]
to = ["v3"]
loss = 0.3
duplicate = 0.2
at = "500ms"
until = "5s"

[expect]
safety = "holds"
min_height = 1000
beside = "undisturbed"
"""
"""The last expectation fails: a report has to say so."""


def scenario_text() -> str:
    """The run's scenario."""
    return BASE.format(n=4).replace('name = "small"', f'name = "small"{STORY}') + FAULTS


def recorded(runs: Path) -> Path:
    """Runs it, and leaves its folder in ``runs``."""
    return Path(run_recorded(load_text(scenario_text()), runs, "milestones").run_dir)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A milestone run's folder; nobody writes into it."""
    return recorded(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def summary(folder: Path) -> Any:
    """``summary.json`` as anybody would read it."""
    return json.loads((folder / "summary.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def observed(folder: Path) -> Observed:
    """What pictures are drawn from."""
    return observe(load(str(folder / "scenario.toml")), folder)


@pytest.fixture(scope="session")
def html(observed: Observed) -> str:
    """The report."""
    pytest.importorskip("bokeh", reason="Bokeh draws the report: the extra `report`")
    from chainsim.report.page import page

    return page(observed)
