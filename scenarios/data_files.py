"""Files that ship with the package: scenarios in ``library/``, everything else in ``data/``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

PACKAGE: Final = "scenarios"


def data_names(prefix: str, suffix: str) -> tuple[str, ...]:
    """What stands between ``prefix`` and ``suffix`` in names of data files, sorted."""
    return _names("data", prefix, suffix)


def data_text(name: str) -> str:
    """The text of a data file. Raises ``FileNotFoundError``."""
    return resources.files(PACKAGE).joinpath("data", name).read_text(encoding="utf-8")


def shipped() -> tuple[str, ...]:
    """The names of the shipped scenarios, sorted."""
    return _names("library", "", ".toml")


def shipped_text(name: str) -> str:
    """The TOML text of a shipped scenario. Raises ``FileNotFoundError``."""
    return resources.files(PACKAGE).joinpath("library", f"{name}.toml").read_text(encoding="utf-8")


@cache
def _names(folder: str, prefix: str, suffix: str) -> tuple[str, ...]:
    names = (item.name for item in resources.files(PACKAGE).joinpath(folder).iterdir())
    found = (n for n in names if n.startswith(prefix) and n.endswith(suffix))
    return tuple(sorted(n[len(prefix) : len(n) - len(suffix)] for n in found))
