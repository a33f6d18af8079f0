"""No float anywhere in the ledger: looked for in the syntax trees of its modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import nodes.ledger

FOLDER = Path(nodes.ledger.__file__).parent
MODULES = [
    *sorted(FOLDER.glob("*.py")),
    FOLDER.parent / "merkle.py",
    FOLDER.parent / "state_tree.py",
]

MAY_DIVIDE = {
    "pricing.py": {"solve_yield", "_narrow", "present_value"},
    "bonds.py": {"clean_price", "yield_of", "_dirty", "remaining"},
    "sukuk.py": {"clean_price", "yield_of", "_dirty"},
    "bills.py": {"clean_price", "yield_of"},
    "auction_outcome.py": {"_allotments"},
    "auction_report.py": {"_millions"},
}
"""Functions whose ``/`` is of ``Decimal`` or ``Fraction``; read them before adding one."""

FLOATING = {"float", "math", "statistics", "cmath", "numpy", "sqrt"}


def floats_in(tree: ast.AST, may_divide: set[str], function: str = "") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        inside = node.name if isinstance(node, ast.FunctionDef) else function
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield f"literal {node.value} in line {node.lineno}"
        if isinstance(node, ast.Name) and node.id in FLOATING:
            yield f"{node.id} in line {node.lineno}"
        if isinstance(node, ast.alias) and node.name.split(".")[0] in FLOATING:
            yield f"import of {node.name}"
        if (
            isinstance(node, ast.BinOp | ast.AugAssign)
            and isinstance(node.op, ast.Div)
            and function not in may_divide
        ):
            yield f"true division in line {node.lineno}"
        yield from floats_in(node, may_divide, inside)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_floats(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert list(floats_in(tree, MAY_DIVIDE.get(module.name, set()))) == []


@pytest.mark.parametrize(
    "source",
    ["x = 1.5", "x = 2j", "x = float(3)", "import math", "from math import sqrt", "x = 1 / 2",
     "def f():\n    x /= 2"],
)  # fmt: skip
def test_the_search_finds_them(source: str) -> None:
    assert list(floats_in(ast.parse(source), set()))


def test_allowed_divisions_exist() -> None:
    """An entry that no longer names a function is a hole."""
    for name, functions in MAY_DIVIDE.items():
        tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert functions <= defined
        assert list(floats_in(tree, set())) or not functions
