"""The state: one flat map from keys to frozen values, authenticated by a hash trie.

A key is a tuple of strings whose first names the kind: ``("balance", account, asset)``. A block
is executed on overlays (see ``act``); ``adopt`` takes over all its changes at once, so the state
never holds half a block. None, and a balance of nothing, are not stored.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

from sortedcontainers import SortedList

from consensus.encoding import encode
from consensus.types import Digest
from nodes.ledger.genesis import Genesis
from nodes.ledger.pricing import locked_value_cents
from nodes.ledger.records import (
    NO_BALANCE,
    Balance,
    Configuration,
    Flag,
    Instruction,
    Programme,
    Supply,
)
from nodes.ledger.schedule import upcoming
from nodes.state_tree import Proof, StateTree

Key: TypeAlias = tuple[str, ...]

DAY: Final[Key] = ("day",)
PAUSED: Final[Key] = ("paused",)
REGULATIONS: Final[Key] = ("regulations",)
PROGRAMME: Final[Key] = ("programme",)
LATEST_FX: Final[Key] = ("fx",)
CONFIGURATION: Final[Key] = ("configuration",)
REMOVALS: Final[Key] = ("removals",)

_GROUPED: Final = frozenset({"account", "balance", "recorded", "dvp"})

_LAST: Final = "\U0010ffff"
"""Sorts after every id."""


@lru_cache(maxsize=1 << 17)
def key_bytes(key: Key) -> bytes:
    """Canonical bytes of a key, for the tree (remembered: keys recur)."""
    return encode(key)


LIVE: Final = ("PROPOSED", "ACCEPTED")
"""Status of DvP instructions that may still settle."""


def is_nothing(value: Any) -> bool:
    """Whether setting a key to this removes it: None, and a balance of nothing."""
    return value is None or value == NO_BALANCE


def group_of(key: Key, value: Any) -> tuple[Key, str] | None:
    """The list that an entry can stand in, and the name under which it does; None for most.

    Lists: accounts that hold an asset, accounts whose holding at a coupon's record date was
    noted, accounts of an owner, live instructions over a series. They follow from the entries
    and are not entries.
    """
    kind = key[0]
    if kind == "balance":
        return ("holders", key[2]), key[1]
    if kind == "recorded":
        return ("recorded", key[1], key[2]), key[3]
    if kind == "account":
        return ("accounts", value.owner), key[1]
    if kind == "dvp":
        return ("live", value.delivery.asset), key[1]
    return None


def stands(value: Any) -> bool:
    """Whether an entry with this value stands in its list."""
    if type(value) is Instruction:
        return value.status in LIVE
    return not is_nothing(value)


class State:
    """Values by key and their tree; and, derived from the values, deadlines of DvPs and lists."""

    __slots__ = ("_deadlines", "_groups", "tree", "values")

    def __init__(self) -> None:
        self.values: Final[dict[Key, Any]] = {}
        self.tree = StateTree()
        self._deadlines: Final[list[tuple[int, str]]] = []
        self._groups: Final[dict[Key, SortedList[str]]] = {}

    @classmethod
    def of(cls, entries: Iterable[tuple[Key, Any]]) -> State:
        """The state that holds just these entries: all that a snapshot needs to carry."""
        state = cls()
        state.apply(dict(entries))
        return state

    def copy(self) -> State:
        """An independent state; values and tree nodes are shared, being immutable."""
        state = State()
        state.values.update(self.values)
        state.tree = self.tree
        state._deadlines.extend(self._deadlines)
        state._groups.update((name, group.copy()) for name, group in self._groups.items())
        return state

    def rehashed(self, changes: Mapping[Key, Any]) -> StateTree:
        """The tree after a block's changes; hashed once, and above what changed only."""
        updates: list[tuple[bytes, bytes | None]] = []
        for key, value in changes.items():
            if not is_nothing(value):
                updates.append((key_bytes(key), encode(value)))
            elif key in self.values:
                updates.append((key_bytes(key), None))
        return self.tree.update(updates)

    def adopt(self, changes: Mapping[Key, Any], tree: StateTree) -> None:
        """Take over a block's changes with their tree (``rehashed``)."""
        values = self.values
        for key, value in changes.items():
            nothing = is_nothing(value)
            if key[0] in _GROUPED and (
                nothing or key not in values or type(value) is Instruction
            ):  # else it changes, and stands where it stood
                self._regroup(key, value)
            if nothing:
                values.pop(key, None)
            else:
                values[key] = value
        self.tree = tree

    def apply(self, changes: Mapping[Key, Any]) -> None:
        """``rehashed`` and ``adopt`` in one."""
        self.adopt(changes, self.rehashed(changes))

    def _regroup(self, key: Key, value: Any) -> None:
        """Keep the lists true to an entry that comes, changes or goes."""
        before = self.values.get(key)
        stood, stays = stands(before), stands(value)
        if stood == stays:
            return
        name, member = cast(tuple[Key, str], group_of(key, value))
        if stays:
            self._groups.setdefault(name, SortedList()).add(member)
            if type(value) is Instruction:
                insort(self._deadlines, (value.deadline_us, value.id))
            return
        self._groups[name].remove(member)
        if not self._groups[name]:
            del self._groups[name]

    def group(self, name: Key, after: str = "") -> Iterator[str]:
        """Who stands in a list (see ``group_of``) after ``after``, in order."""
        group = self._groups.get(name)
        return iter(()) if group is None else group.irange(after, inclusive=(False, True))

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
    return State.of(_opening_values(genesis).items())


def _opening_values(genesis: Genesis) -> dict[Key, Any]:
    values: dict[Key, Any] = {}
    for party in genesis.parties:
        values["party", party.id] = party
        values["key", party.public_key.hex()] = party.id
        if party.lei:
            values["lei", party.lei] = party.id
    for account in genesis.accounts:
        values["account", account.id] = account
    for series in genesis.series:
        values["series", series.id] = series
        if series.isin:
            values["isin", series.isin] = series.id
        coupon = upcoming(series, genesis.closed, genesis.first_business_day)
        if coupon is not None:
            values["upcoming", series.id] = coupon
        if series.underlying:
            values["backs", series.underlying] = series.id
    for asset in genesis.assets:
        values["asset", asset.id] = asset
        values["title", asset.title] = asset.id
    for fix in genesis.fx_fixes:
        values["fx", fix.date.isoformat()] = fix
    if genesis.fx_fixes:
        values[LATEST_FX] = max(genesis.fx_fixes, key=lambda fix: fix.date)
    if genesis.regulations_commenced:
        values[REGULATIONS] = Flag(by=("genesis",))
    members = genesis.committee.members
    values[CONFIGURATION] = Configuration(epoch=0, members=members)
    values["committee", "0"] = values[CONFIGURATION]
    for member in members:
        values["validator-key", member.public_key.hex()] = member.id
    locked_cents = 0
    # One string for all keys that name it: looking one up, others are on the way in memory.
    names = {name: name for name in (*genesis.currencies, *(s.id for s in genesis.series))}
    names.update((account.id, account.id) for account in genesis.accounts)
    for opening in genesis.balances:
        key = ("balance", names[opening.account], names[opening.asset])
        before: Balance = values.get(key, NO_BALANCE)
        cents = 0
        if opening.fx_rate_e4:
            cents = locked_value_cents(opening.amount, opening.fx_rate_e4)
        values[key] = Balance(before.free + opening.amount, 0, 0, before.locked_cents + cents)
        supply: Supply = values.get(("supply", opening.asset), Supply())
        values["supply", opening.asset] = Supply(supply.issued + opening.amount)
        locked_cents += cents
    if locked_cents:
        values[PROGRAMME] = Programme(locked_cents)
    return values
