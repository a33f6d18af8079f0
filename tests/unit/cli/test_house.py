"""chainsim refuses to start where it can't be trusted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from chainsim.cli import house

ROOT = Path(__file__).parents[3]


def test_this_checkout_is_in_order() -> None:
    assert house.complaint() == ""


def test_a_package_from_elsewhere_is_named() -> None:
    here, elsewhere = Path("/here"), Path("/elsewhere")
    folders: dict[str, Path | None] = {name: here / name for name in house.PACKAGES}
    assert house.misplaced(folders) == ""
    wrong = house.misplaced({**folders, "nodes": elsewhere / "nodes"})
    assert "'nodes' comes from /elsewhere/nodes, not from beside /here/chainsim" in wrong
    assert "no package 'scenarios'" in house.misplaced({**folders, "scenarios": None})


def test_python_without_assertions_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-m", "chainsim", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "assertions" in done.stderr
    assert "Traceback" not in done.stderr
