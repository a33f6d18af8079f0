"""The real command in a process of its own, and how much of an area is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
CORES: Final = os.cpu_count() or 1


class Scale(NamedTuple):
    """How much is run: everything, or of each thing a sample."""

    sample: int | None = None

    def of(self, whole: int) -> int:
        """How many of ``whole`` seeds, rows and so on."""
        return whole if self.sample is None else min(whole, self.sample)


def chainsim(*arguments: str, hash_seed: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs ``chainsim`` and waits for it; raises KeyboardInterrupt if it was interrupted."""
    done = subprocess.run(
        [sys.executable, "-m", "chainsim", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 130:
        raise KeyboardInterrupt
    return done


def chainsim_json(*arguments: str, hash_seed: int = 0, out: bool = True) -> tuple[int, Any]:
    """(exit code, the object that it printed); its runs go to a folder that goes too (``out``)."""
    with tempfile.TemporaryDirectory(prefix="chainsim-acceptance-") as folder:
        where = ("--out", folder) if out else ()
        done = chainsim(*arguments, "--json", *where, hash_seed=hash_seed)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        tail = done.stderr[-2000:]
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{tail}") from None
