"""Failures that were found once, kept as scenarios: ``make test`` runs each of them for ever.

A file holds what failed, as small as it got, with the expectations that it failed: it is red until
the bug is mended, and red again if it comes back.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from chainsim import __version__
from scenarios.loader import resolved_toml
from scenarios.schema import Scenario

FOLDER: Final = Path("regressions")
"""Beside the packages: from the root of a checkout."""


def keep(scenario: Scenario, check: str, origin: str, folder: Path = FOLDER) -> Path:
    """Writes a scenario that violates ``check``; ``origin`` says how it was found. The same one
    is kept once. Raises ``OSError``."""
    text = resolved_toml(scenario)
    digest = sha256(text.encode()).hexdigest()[:8]
    path = folder / f"{scenario.name}-{check}-{digest}.toml"
    folder.mkdir(parents=True, exist_ok=True)
    header = f"# Violated {check}, version {__version__}.\n# {' '.join(origin.split())}\n\n"
    path.write_text(header + text, encoding="utf-8")
    return path
