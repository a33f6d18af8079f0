"""``forensics`` as a process: what it prints, leaves behind, and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainsim.recorded_run import run_recorded
from scenarios.loader import load
from tests.unit.cli.conftest import Chainsim


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the control that forks."""
    return Path(run_recorded(load("colluders-fork"), tmp_path_factory.mktemp("a"), "off").run_dir)


def test_it_names_the_guilty_with_proofs_that_verify(chainsim: Chainsim, forked: Path) -> None:
    done = chainsim("forensics", str(forked))
    assert done.returncode == 0, done.stderr
    assert "Provably guilty: exchange-a, exchange-b." in done.stdout
    found = json.loads(chainsim("forensics", "--json", str(forked)).stdout)
    assert found["culprits"] == ["exchange-a", "exchange-b"]
    assert found["forks"][0]["views"] == [0, 0]
    assert len(found["proofs"]) == 2
    for proof in found["proofs"]:
        checked = chainsim("verify", proof["evidence"])
        assert checked.returncode == 0
        assert checked.stdout.startswith(f"Proven: {proof['node']}, {proof['kind']}")


def test_a_run_without_a_fork_accuses_nobody(chainsim: Chainsim, tmp_path: Path) -> None:
    summary = run_recorded(load("quick", ["workload[0].stop=2s"]), tmp_path, "off")
    done = chainsim("forensics", summary.run_dir)
    assert done.returncode == 0
    assert done.stdout == "No fork: the logs of mof, sbp, pvara, exchange-a agree on every block.\n"
    assert list((Path(summary.run_dir) / "evidence").iterdir()) == []


def test_another_run_is_not_taken_for_the_recorded_one(
    chainsim: Chainsim, forked: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("scenario.toml", "summary.json"):
        text = (forked / name).read_text("utf-8")
        (copy / name).write_text(text.replace("seed = 1", "seed = 2", 1), "utf-8")
    done = chainsim("forensics", str(copy))
    assert done.returncode == 5
    assert "another run" in done.stderr


def test_no_run_is_said_so(chainsim: Chainsim) -> None:
    done = chainsim("forensics", "nothing")
    assert done.returncode == 2
    assert "no run" in done.stderr
