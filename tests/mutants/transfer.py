"""Mutants of state transfer (rule 22)."""

from __future__ import annotations

from contextlib import AbstractContextManager

from chainsim.explore.planting import swapped
from nodes import tree_pieces
from nodes.ledger.replies import ReplyTable
from nodes.state_tree import StateTree

Patch = AbstractContextManager[None]


def replies_left_behind() -> Patch:
    """Who takes over a state keeps its own reply table."""

    def install(self: ReplyTable, tree: StateTree) -> None:
        """Nothing changes."""

    return swapped((ReplyTable, "install", install))


def pieces_believed() -> Patch:
    """Whatever has the form of a piece is taken for the right one."""
    return swapped((tree_pieces, "is_right", lambda found, wanted: True))
