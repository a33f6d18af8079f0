"""Which code this is: the commit of the checkout, for figures that outlive it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


def commit() -> str:
    """The short name of the checkout's commit, with ``+`` if files differ from it; empty where
    there is no git or no checkout."""
    name = _git("rev-parse", "--short=10", "HEAD")
    return name + "+" if name and _git("status", "--porcelain", "--untracked-files=no") else name


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
