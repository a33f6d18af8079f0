"""The state: one flat map from keys to frozen values, authenticated by a hash trie.

A key is a tuple of strings whose first names the kind: ``("balance", account, asset)``. A block
is executed on overlays (see ``act``); ``adopt`` takes over all its changes at once, so the state
never holds half a block. None, and a balance of nothing, are not stored.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from consensus.encoding import encode
from consensus.types import Digest
from nodes.ledger.genesis import Genesis
from nodes.ledger.pricing import locked_value_cents
from nodes.ledger.records import NO_BALANCE, Balance, Flag, Instruction, Programme, Supply
from nodes.state_tree import Proof, StateTree

Key: TypeAlias = tuple[str, ...]

DAY: Final[Key] = ("day",)
PAUSED: Final[Key] = ("paused",)
REGULATIONS: Final[Key] = ("regulations",)
PROGRAMME: Final[Key] = ("programme",)
LATEST_FX: Final[Key] = ("fx",)

_LAST: Final = "\U0010ffff"
"""Sorts after every id."""


@lru_cache(maxsize=1 << 17)
def key_bytes(key: Key) -> bytes:
    """Canonical bytes of a key, for the tree (remembered: keys recur)."""
    return encode(key)


class State:
    """Values by key, their tree, and the deadlines of DvPs (derived from the values)."""

    __slots__ = ("_deadlines", "tree", "values")

    def __init__(
        self, values: dict[Key, Any], tree: StateTree, deadlines: list[tuple[int, str]]
    ) -> None:
        self.values: Final = values
        self.tree = tree
        self._deadlines: Final = deadlines

    def copy(self) -> State:
        """An independent state; values and tree nodes are shared, being immutable."""
        return State(self.values.copy(), self.tree, self._deadlines.copy())

    def rehashed(self, changes: Mapping[Key, Any]) -> StateTree:
        """The tree after a block's changes; hashed once, and above what changed only."""
        updates: list[tuple[bytes, bytes | None]] = []
        for key, value in changes.items():
            if value is not None and value != NO_BALANCE:
                updates.append((key_bytes(key), encode(value)))
            elif key in self.values:
                updates.append((key_bytes(key), None))
        return self.tree.update(updates)

    def adopt(self, changes: Mapping[Key, Any], tree: StateTree) -> None:
        """Take over a block's changes with their tree (``rehashed``)."""
        values = self.values
        for key, value in changes.items():
            if value is None or value == NO_BALANCE:
                values.pop(key, None)
                continue
            if type(value) is Instruction and key not in values:
                insort(self._deadlines, (value.deadline_us, value.id))
            values[key] = value
        self.tree = tree

    def due(self, now_us: int) -> list[str]:
        """Ids of instructions whose deadline lies before ``now_us``, earliest first."""
        return [id_ for _, id_ in self._deadlines[: self._passed(now_us)]]

    def forget_due(self, now_us: int) -> None:
        """What ``due`` listed has been dealt with."""
        del self._deadlines[: self._passed(now_us)]

    def _passed(self, now_us: int) -> int:
        return bisect_right(self._deadlines, (now_us - 1, _LAST))

    @property
    def root(self) -> Digest:
        """Root of the tree over all values."""
        return self.tree.root

    def prove(self, key: Key) -> tuple[bytes | None, Proof]:
        """Encoded value (None if absent) and the proof for ``state_tree.verify`` of one key."""
        value = self.values.get(key)
        return (None if value is None else encode(value)), self.tree.prove(key_bytes(key))

    def of_kind(self, kind: str) -> Iterator[tuple[Key, Any]]:
        """All (key, value) of a kind in key order. Reads everything: not for execution."""
        for key in sorted(key for key in self.values if key[0] == kind):
            yield key, self.values[key]


@lru_cache(maxsize=8)
def opening_state(genesis: Genesis) -> State:
    """The state at height 0; to be copied (remembered: a run has many ledgers of one chain).

    Raises ``ValueError`` if ``genesis.problems()`` isn't empty.
    """
    problems = genesis.problems()
    if problems:
        raise ValueError("; ".join(problems))
    state = State({}, StateTree(), [])
    values = _opening_values(genesis)
    state.adopt(values, state.rehashed(values))
    return state


def _opening_values(genesis: Genesis) -> dict[Key, Any]:
    values: dict[Key, Any] = {}
    for party in genesis.parties:
        values["party", party.id] = party
        values["key", party.public_key.hex()] = party.id
    for account in genesis.accounts:
        values["account", account.id] = account
    for series in genesis.series:
        values["series", series.id] = series
    for fix in genesis.fx_fixes:
        values["fx", fix.date.isoformat()] = fix
    if genesis.fx_fixes:
        values[LATEST_FX] = max(genesis.fx_fixes, key=lambda fix: fix.date)
    if genesis.regulations_commenced:
        values[REGULATIONS] = Flag(by=("genesis",))
    locked_cents = 0
    for opening in genesis.balances:
        key = ("balance", opening.account, opening.asset)
        before: Balance = values.get(key, NO_BALANCE)
        values[key] = Balance(before.free + opening.amount)
        supply: Supply = values.get(("supply", opening.asset), Supply())
        values["supply", opening.asset] = Supply(supply.issued + opening.amount)
        if opening.fx_rate_e4:
            locked_cents += locked_value_cents(opening.amount, opening.fx_rate_e4)
    if locked_cents:
        values[PROGRAMME] = Programme(locked_cents)
    return values
