"""The command line as a person meets it: a process of its own, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

Chainsim = Callable[..., subprocess.CompletedProcess[str]]


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without what would colour or widen the output."""
    dropped = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONOPTIMIZE", "TTY_COMPATIBLE")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm", **extra}


@pytest.fixture
def chainsim(tmp_path: Path) -> Chainsim:
    """``chainsim("run", "quick", NO_COLOR="1")``: arguments, then environment."""

    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "chainsim", *arguments],
            cwd=tmp_path,
            env=environment(**extra),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )

    return run
