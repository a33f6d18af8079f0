"""Measures rows, each in a process of its own; keeps what was measured in a file."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from chainsim import __version__
from chainsim.bench.measure import BenchmarkFailed, Row
from chainsim.bench.others import ROOT


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--save`` writes and ``--compare`` reads."""

    bench: int = 2
    """Version of this format."""
    chainsim: str
    python: str
    rows: tuple[Row, ...]


FORMAT: Final = 2


class NotSaved(Exception):
    """A file that holds no measurements: says why, and what to do."""


def measured(name: str) -> Row:
    """The row ``name``. Raises ``BenchmarkFailed``."""
    done = subprocess.run(
        [sys.executable, "-m", "chainsim.bench", name],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkFailed(f"row {name}: {done.stderr.strip()[-500:]}")
    return msgspec.json.decode(done.stdout, type=Row)


def encoded(rows: tuple[Row, ...]) -> bytes:
    """Rows as a file keeps them."""
    version = platform.python_version()
    saved = Saved(bench=FORMAT, chainsim=__version__, python=version, rows=rows)
    return msgspec.json.format(msgspec.json.encode(saved), indent=1) + b"\n"


def read(path: Path) -> Saved:
    """What ``encoded`` wrote to ``path``. Raises ``NotSaved``."""
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=Saved)
    except OSError as error:
        raise NotSaved(f"{path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotSaved(
            f"{path}: no measurements: {error}; chainsim bench --save writes some"
        ) from error
    if saved.bench != FORMAT:
        raise NotSaved(
            f"{path}: format {saved.bench}, and this version reads {FORMAT}; measure anew"
        )
    return saved
