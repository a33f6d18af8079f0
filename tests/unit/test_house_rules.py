"""Rules of the house that no linter knows (law 3: one seed, one execution)."""

from __future__ import annotations

import ast
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("consensus", "nodes", "scenarios", "chainsim")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def parameters(function: ast.FunctionDef) -> set[str]:
    """The names of a function's parameters."""
    arguments = function.args
    return {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def unstable_builtins(source: str) -> list[str]:
    """Uses of the builtins ``hash`` and ``id``, as ``line: name``.

    Excepted: a class's own ``__hash__``, and a parameter of that name.
    """
    tree = ast.parse(source)
    allowed = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef)
        for inner in ast.walk(outer)
        if outer.name == "__hash__"
        or (isinstance(inner, ast.Name) and inner.id in parameters(outer))
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
    assert unstable_builtins("x.id\nx.hash\nid_ = 1\ndef f(id): return id") == []


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
