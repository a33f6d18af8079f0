"""What executing a block on a state gave, remembered for ledgers that come to the same place.

Execution is a function of the state before and the block alone. The two roots commit to that
state, so a ledger that holds the same roots, at the same height and time, and is given an
equal batch, may take the changes and the new trees that another one worked out. A simulation
of n validators thus executes a block once, and a validator that replays its blocks at a start
not at all; who runs alone has no use for it.

Only those who are trusted to execute rightly write here: ``reader`` gives a view for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from consensus.messages import Batch
from consensus.types import Digest
from nodes.ledger.receipts import BlockOutcome
from nodes.ledger.replies import Window
from nodes.ledger.state import Key
from nodes.state_tree import StateTree

LIMIT: Final = 4_096
"""Executions that are remembered; beyond, the oldest goes."""

Place = tuple[int, int, Digest, Digest]
"""Where a ledger stands before a block: its height, the parent's time, state and reply root."""


class Execution(msgspec.Struct, frozen=True):
    """One executed block, and all that a ledger needs to be where it leads."""

    outcome: BlockOutcome
    changes: Mapping[Key, Any]
    tree: StateTree
    windows: tuple[tuple[str, Window], ...]
    """Reply windows that changed; never written to again."""
    reply_tree: StateTree


class Memo(Protocol):
    """What a ledger asks before it executes, and tells afterwards."""

    def recall(self, place: Place, batch: Batch) -> Execution | None:
        """What executing exactly ``batch`` there gave; None if nobody did."""
        ...

    def keep(self, place: Place, batch: Batch, execution: Execution) -> None:
        """``batch`` was executed there."""
        ...


class ExecutionMemo:
    """Implements ``Memo`` for the ledgers of one chain in one process."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit: Final = limit
        self._known: Final[dict[tuple[Place, Digest], tuple[Batch, Execution]]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def recall(self, place: Place, batch: Batch) -> Execution | None:
        """See ``Memo``. Equal digests alone don't do: the batches are compared."""
        found = self._known.get((place, batch.digest))
        if found is None:
            return None
        known, execution = found
        return execution if known is batch or known == batch else None

    def keep(self, place: Place, batch: Batch, execution: Execution) -> None:
        """See ``Memo``. What is known already stays."""
        known = self._known
        if len(known) >= self._limit:
            del known[next(iter(known))]
        known.setdefault((place, batch.digest), (batch, execution))

    def reader(self) -> Memo:
        """A view that takes and never gives."""
        return _Reader(self)


class _Reader:
    """Implements ``Memo`` for whoever isn't trusted."""

    def __init__(self, memo: ExecutionMemo) -> None:
        self.recall: Final = memo.recall

    def keep(self, place: Place, batch: Batch, execution: Execution) -> None:
        """Forgets it."""
