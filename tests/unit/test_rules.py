"""The table of PBFT's rules is complete: each has a row, rooms that exist, and its own tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "consensus" / "pbft" / "README.md"
RULES = range(1, 35)

ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"^\s*(?:async )?def test_rule_(\d\d)_\w+", re.MULTILINE)


def rows() -> dict[int, tuple[str, str]]:
    text = TABLE.read_text(encoding="utf-8")
    return {int(rule): (where, held) for rule, _, where, held in ROW.findall(text)}


def named_after_rules() -> dict[int, list[Path]]:
    found: dict[int, list[Path]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for rule in TEST.findall(path.read_text(encoding="utf-8")):
            found.setdefault(int(rule), []).append(path)
    return found


def test_every_rule_has_a_row_and_no_other_has() -> None:
    assert sorted(rows()) == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_tests_named_after_it_where_its_row_says(rule: int) -> None:
    files = named_after_rules().get(rule, [])
    assert files
    _, held = rows()[rule]
    folders = list(re.findall(r"`(tests/[^`]*)`", held)) or ["tests/unit/pbft/"]
    if f"`test_rule_{rule:02}_" in held and "tests/unit/pbft/" not in folders:
        folders.append("tests/unit/pbft/")
    homes = {path.relative_to(ROOT).as_posix() for path in files}
    assert any(home.startswith(tuple(folders)) for home in homes), homes


@pytest.mark.parametrize("rule", RULES)
def test_where_a_rule_lives_exists(rule: int) -> None:
    where, _ = rows()[rule]
    for name in re.findall(r"`([a-z_/]+\.py)`", where):
        places = [ROOT / name, ROOT / "consensus" / "pbft" / name, ROOT / "consensus" / name]
        assert any(place.is_file() for place in places), name
