"""A node that isn't deterministic shows when its seed is run again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.by_hand import written
from tests.unit.cli.conftest import environment

HASTY = "tests.unit.goals.hasty:Hasty"


def chainsim(folder: Path, hash_seed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chainsim", *arguments],
        cwd=folder,
        env=environment(PYTHONHASHSEED=hash_seed),
        capture_output=True,
        text=True,
        check=False,
    )


def digest(folder: Path, hash_seed: str, protocol: str) -> str:
    asked = ("run", "./small.toml", "--set", f"consensus.protocol={protocol}", "--json")
    done = chainsim(folder, hash_seed, *asked)
    assert done.returncode == 0, done.stderr
    found: str = json.loads(done.stdout)["digest"]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(written(""))
    return tmp_path


def test_a_replica_that_hangs_on_the_hash_seed_is_caught(folder: Path) -> None:
    assert digest(folder, "1", HASTY) == digest(folder, "1", HASTY)
    assert digest(folder, "1", HASTY) != digest(folder, "2", HASTY)
    again = chainsim(folder, "3", "replay", "@last", "--verify")
    assert again.returncode == 5, "the replay diverges"


def test_the_real_one_does_not(folder: Path) -> None:
    assert digest(folder, "1", "pbft") == digest(folder, "2", "pbft")
    assert chainsim(folder, "3", "replay", "@last", "--verify").returncode == 0
