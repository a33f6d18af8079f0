"""Rules of the house that no linter knows (law 3: one seed, one execution)."""

from __future__ import annotations

import ast
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("consensus", "nodes", "scenarios", "chainsim")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def unstable_builtins(source: str) -> list[str]:
    """Uses of the builtins ``hash`` and ``id``, as ``line: name``; own ``__hash__`` excepted."""
    tree = ast.parse(source)
    allowed = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef) and outer.name == "__hash__"
        for inner in ast.walk(outer)
    }
    return [
        f"{node.lineno}: {node.id}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and node.id in ("hash", "id")
        and node not in allowed
    ]


def test_unstable_builtins_are_seen() -> None:
    assert unstable_builtins("x = hash('a')\ny = map(id, [])") == ["1: hash", "2: id"]
    assert unstable_builtins("x.id\nx.hash\nid_ = 1") == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_builtin_that_differs_between_processes(path: Path) -> None:
    assert unstable_builtins(path.read_text(encoding="utf-8")) == []


def test_setup_cfg_lists_every_package() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(config["options"]["packages"].split())
    found = {str(path.parent.relative_to(ROOT)).replace("/", ".") for path in SOURCES}
    assert found <= listed


def test_no_test_folder_is_named_like_a_package() -> None:
    tests = ROOT / "tests"
    assert not [name for name in PACKAGES if (tests / name).exists()]
    folders = {path.parent for path in tests.rglob("*.py")}
    assert not [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()]
