"""Checks at start: this Python runs asserts, and the four packages are those of one checkout."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGES: Final = ("consensus", "nodes", "scenarios", "chainsim")


def complaint() -> str:
    """Why chainsim can't run here; empty if it can."""
    if not __debug__:
        return (
            "chainsim relies on its assertions, and python -O (or PYTHONOPTIMIZE) strips them: "
            "run it without."
        )
    return misplaced({name: folder_of(name) for name in PACKAGES})


def folder_of(package: str) -> Path | None:
    """The folder that an import of ``package`` would read; None if there is none."""
    spec = find_spec(package)
    if spec is None or not spec.origin:
        return None
    return Path(spec.origin).resolve().parent


def misplaced(folders: dict[str, Path | None]) -> str:
    """Names the package that isn't beside ``chainsim``; empty if all are.

    Their names are common: another project's ``nodes`` may come first on the path.
    """
    own = folders["chainsim"]
    assert own is not None
    for package, folder in folders.items():
        if folder is None:
            return f"chainsim is incomplete: there is no package {package!r} beside {own}."
        if folder.parent != own.parent:
            return (
                f"the package {package!r} comes from {folder}, not from beside {own}: "
                "run from the root of the checkout, or in a virtual environment of its own."
            )
    return ""
