"""The page about the ledger names every code, every policy and every measure, and no other."""

from __future__ import annotations

import re

from msgspec.structs import fields

from nodes.ledger import codes
from nodes.ledger.genesis import Policies
from scenarios.genesis import _POLICY_NAMES
from scenarios.metrics import METRICS
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")


def table(heading: str) -> list[str]:
    """The names in the first column of the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)


def test_codes() -> None:
    assert sorted(table("Codes")) == sorted(n for n in vars(codes) if n.startswith("E_"))


def test_policies() -> None:
    written = {ours: theirs for theirs, ours in _POLICY_NAMES.items()}
    names = [written.get(field.name, field.name) for field in fields(Policies)]
    assert sorted(table("Policies")) == sorted(names)


def test_measures_can_be_asked_for() -> None:
    section = PAGE.split("`[[expect.metric]]`:")[1].split(". Business")[0]
    named = re.findall(r"`([a-z0-9_]+)`", section)
    assert len(named) == 11
    assert all(name in METRICS for name in named)
