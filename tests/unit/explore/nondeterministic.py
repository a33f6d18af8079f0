"""Nodes that aren't deterministic, planted like bugs: exploring twice must find them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from chainsim.explore.planting import Mutant, swapped
from consensus.messages import Request
from nodes.mempool import Mempool

_SELECT = Mempool.select


def by_hash() -> AbstractContextManager[None]:
    """A block's requests in the order of a set: another under another PYTHONHASHSEED."""

    def select(self: Mempool, limit: int) -> tuple[Request, ...]:
        chosen = {request.digest: request for request in _SELECT(self, limit)}
        return tuple(chosen[digest] for digest in set(chosen))

    return swapped((Mempool, "select", select))


@contextmanager
def by_what_was_left() -> Iterator[None]:
    """Every fortieth time it overlooks what waits, counted over all runs of a chunk."""
    blocks = 0

    def select(self: Mempool, limit: int) -> tuple[Request, ...]:
        nonlocal blocks
        blocks += 1
        return () if blocks % 40 == 0 else _SELECT(self, limit)

    with swapped((Mempool, "select", select)):
        yield


def by_nothing() -> AbstractContextManager[None]:
    """A node as it should be."""
    return swapped()


MUTANTS = {
    number: Mutant(number=number, name=plant.__name__, breaks="determinism", apply=plant)
    for number, plant in enumerate((by_nothing, by_hash, by_what_was_left), 1)
}
