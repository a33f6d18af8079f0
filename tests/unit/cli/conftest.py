"""The command line as a person meets it, in an empty folder.

``chainsim`` runs it inside the test's process, which is quick; ``process`` runs a process of
its own, for what only that can show (pipes, signals, hash seeds, start-up).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chainsim.cli import entry

ROOT = Path(__file__).parents[3]
UNWANTED = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONOPTIMIZE", "TTY_COMPATIBLE")
"""What would colour or widen the output."""

Done = subprocess.CompletedProcess[str]
Chainsim = Callable[..., Done]


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, and the checkout's packages."""
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm", **extra}


@pytest.fixture
def chainsim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Chainsim:
    """``chainsim("run", "quick", NO_COLOR="1")``: arguments, then environment."""
    monkeypatch.chdir(tmp_path)
    for name in UNWANTED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def run(*arguments: str, **extra: str) -> Done:
        with monkeypatch.context() as changed, pytest.raises(SystemExit) as end:
            for name, value in extra.items():
                changed.setenv(name, value)
            entry.main(arguments)
        told = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Done(arguments, end.value.code, told.out, told.err)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Chainsim:
    """Like ``chainsim``, in a process of its own."""

    def run(*arguments: str, **extra: str) -> Done:
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
