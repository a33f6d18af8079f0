"""What a rule sees of the world while one transaction executes.

Reads go through two overlays (the transaction's, then the block's) to the state; writes go to
the transaction's and reach the block's only if it succeeds. A rule that finds something wrong
raises ``codes.Refused``: then the overlay is dropped, postings and all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from heapq import merge
from typing import Any, Final, Literal, TypeAlias, cast

from consensus.crypto import Verifier
from nodes.ledger.codes import E_CAP, E_DATE, Refused
from nodes.ledger.genesis import Genesis
from nodes.ledger.receipts import Posting
from nodes.ledger.records import (
    MAX_SUPPLY,
    NO_BALANCE,
    Account,
    Balance,
    Day,
    Party,
    Recorded,
    Series,
    Supply,
    Upcoming,
)
from nodes.ledger.schedule import recorded_by
from nodes.ledger.state import DAY, Key, State, group_of, stands

Partition: TypeAlias = Literal["free", "reserved", "frozen"]

_MISSING: Final = object()


class BlockScope:
    """A block under execution: its height and time, the state before it, and its changes."""

    __slots__ = ("changes", "genesis", "height", "state", "time_us", "values", "verifier")

    def __init__(
        self,
        genesis: Genesis,
        state: State,
        height: int,
        time_us: int,
        verifier: Verifier | None = None,
    ) -> None:
        self.genesis: Final = genesis
        self.height: Final = height
        self.time_us: Final = time_us
        self.state: Final = state
        self.values: Final = state.values
        self.verifier: Final = verifier
        self.changes: Final[dict[Key, Any]] = {}

    def get(self, key: Key) -> Any:
        """The value at this point of the block, or None."""
        value = self.changes.get(key, _MISSING)
        return self.values.get(key) if value is _MISSING else value


class Act:
    """One transaction (or one act of the ledger's own) under execution."""

    __slots__ = ("_changes", "block", "cosigners", "data", "minted", "postings", "sender")

    def __init__(
        self, block: BlockScope, sender: Party | None, cosigners: tuple[Party, ...] = ()
    ) -> None:
        self.block: Final = block
        self._changes: Final[dict[Key, Any]] = {}
        self.cosigners: Final = cosigners
        self.postings: Final[list[Posting]] = []
        self.minted: Final[dict[str, int]] = {}
        self.data: Final[list[tuple[str, str]]] = []
        # The ledger's own acts have no sender, and run no rule that asks for one.
        self.sender: Final = cast(Party, sender)

    def commit(self) -> None:
        """Hand the changes to the block."""
        self.block.changes.update(self._changes)

    # Reading and writing

    def get(self, key: Key) -> Any:
        """The value at this point of the transaction, or None."""
        value = self._changes.get(key, _MISSING)
        if value is _MISSING:
            value = self.block.changes.get(key, _MISSING)
            if value is _MISSING:
                return self.block.values.get(key)
        return value

    def put(self, key: Key, value: Any) -> None:
        """Set a value; None removes it."""
        self._changes[key] = value

    def note(self, name: str, value: object) -> None:
        """Add a named result to the receipt."""
        self.data.append((name, str(value)))

    @property
    def genesis(self) -> Genesis:
        """Where policies, currencies and the calendar are."""
        return self.block.genesis

    def party(self, id_: str) -> Party | None:
        """The party, if there is one."""
        return cast("Party | None", self.get(("party", id_)))

    def account(self, id_: str) -> Account | None:
        """The account, if there is one."""
        return cast("Account | None", self.get(("account", id_)))

    def series(self, id_: str) -> Series | None:
        """The series, if there is one."""
        return cast("Series | None", self.get(("series", id_)))

    def balance(self, account: str, asset: str) -> Balance:
        """All partitions of a holding; zeros for what doesn't exist."""
        return cast(Balance, self.get(("balance", account, asset)) or NO_BALANCE)

    def today(self) -> date:
        """The business date in force. Refuses with E_DATE before the first DAY_OPEN."""
        day: Day | None = self.get(DAY)
        if day is None:
            raise Refused(E_DATE, "no business day is open")
        return day.date

    def group(self, *name: str, after: str = "") -> Iterator[str]:
        """Who stands in a list (see ``state.group_of``) after ``after``, in order."""
        changed: dict[str, bool] = {}
        for changes in (self.block.changes, self._changes):
            for key, value in changes.items():
                entry = group_of(key, value)
                if entry is not None and entry[0] == name:
                    changed[entry[1]] = stands(value)
        there = (m for m in self.block.state.group(name, after) if m not in changed)
        return merge(there, sorted(m for m, stays in changed.items() if stays and m > after))

    # Money: every change of a balance goes through here and leaves a posting

    def post(
        self, account: str, asset: str, partition: Partition, delta: int, cents: int = 0
    ) -> None:
        """Change one balance, and by ``cents`` what it takes of the programme.

        The caller has checked that it is covered.
        """
        key = ("balance", account, asset)
        old: Balance = self.get(key) or NO_BALANCE
        upcoming: Upcoming | None = self.get(("upcoming", asset))
        if upcoming is not None:
            self._note_holding(account, asset, old, upcoming)
        locked = old.locked_cents + cents
        if partition == "free":
            new = Balance(old.free + delta, old.reserved, old.frozen, locked)
            left = new.free
        elif partition == "reserved":
            new = Balance(old.free, old.reserved + delta, old.frozen, locked)
            left = new.reserved
        else:
            new = Balance(old.free, old.reserved, old.frozen + delta, locked)
            left = new.frozen
        assert left >= 0, f"{account} would hold {left} {asset} {partition}"
        self._changes[key] = new
        self.postings.append(Posting(account, asset, partition, delta))

    def _note_holding(self, account: str, asset: str, held: Balance, upcoming: Upcoming) -> None:
        """What was held at a record date that is past, before it changes for the first time."""
        day: Day | None = self.get(DAY)
        if day is None or day.date <= upcoming.record_date:
            return
        series = self.series(asset)
        assert series is not None, "only a series has coupons"
        for coupon in recorded_by(series, self.genesis.closed, upcoming.number, day.date):
            key = ("recorded", asset, str(coupon.number), account)
            if self.get(key) is None:
                self.put(key, Recorded(held.total))

    def move(
        self,
        asset: str,
        amount: int,
        source: tuple[str, Partition],
        target: tuple[str, Partition],
    ) -> None:
        """Move ``amount`` between (account, partition) pairs, with its share of the programme."""
        cents = 0 if source[0] == target[0] else self.share_of_lock(source[0], asset, amount)
        self.post(source[0], asset, source[1], -amount, -cents)
        self.post(target[0], asset, target[1], amount, cents)

    def share_of_lock(self, account: str, asset: str, amount: int) -> int:
        """US cents of the programme that ``amount`` of a holding takes: its weighted average.

        Rounded down; the rest goes with the last of the holding, so nothing gets lost.
        """
        held = self.balance(account, asset)
        return held.locked_cents * amount // held.total if held.locked_cents else 0

    def mint(self, account: str, asset: str, amount: int, cents: int = 0) -> None:
        """Create ``amount`` in the free partition. Refuses with E_CAP beyond ``MAX_SUPPLY``."""
        supply: Supply = self.get(("supply", asset)) or Supply()
        if supply.issued + amount > MAX_SUPPLY:
            raise Refused(E_CAP, f"more {asset} than the ledger can count")
        self.put(("supply", asset), Supply(supply.issued + amount, supply.redeemed))
        self.post(account, asset, "free", amount, cents)
        self.minted[asset] = self.minted.get(asset, 0) + amount

    def burn(self, account: str, asset: str, amount: int, partition: Partition = "free") -> int:
        """Destroy ``amount``; returns the US cents of the programme that it took.

        The caller has checked that it is covered, and releases the cents.
        """
        supply: Supply = self.get(("supply", asset)) or Supply()
        self.put(("supply", asset), Supply(supply.issued, supply.redeemed + amount))
        cents = self.share_of_lock(account, asset, amount)
        self.post(account, asset, partition, -amount, -cents)
        self.minted[asset] = self.minted.get(asset, 0) - amount
        return cents
