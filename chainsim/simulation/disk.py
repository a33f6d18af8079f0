"""A node's simulated disk: two files of records, and the difference between written and synced.

Records are kept as objects. What was appended when an fsync starts is durable when it ends
(group commit); appends meanwhile wait for the next one. Each record carries a checksum, and the
last durable mark is stored apart (PBFT rule 25): so who opens the disk after a crash can tell a
torn tail beyond the mark, which is cut, from damage below it.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Literal

import msgspec

from consensus.effects import Area, Compact, Persist
from scenarios.rng import Stream

Write = Persist | Compact

Survival = Literal["synced", "written", "nothing", "unnoticed"]
"""What outlives the process: a power cut keeps what was synced, a restart of the process
all that was written, amnesia nothing (with ``unnoticed`` the disk looks like a new one)."""


class Contents(msgspec.Struct, frozen=True):
    """What a process finds when it opens the disk."""

    log: tuple[Any, ...]
    blocks: tuple[Any, ...]
    forgotten: str = ""
    """Why the vote log can't be relied on: this is amnesia (rule 25). Empty if it can."""
    repaired: str = ""
    """What was cut off; empty if nothing was."""


class Disk:
    """``appended``, ``started`` and ``synced`` count writes; they only grow."""

    __slots__ = (
        "_blocks",
        "_cached",
        "_log",
        "_pending",
        "_rotten",
        "_torn",
        "_wiped",
        "appended",
        "lies",
        "started",
        "synced",
        "tears",
    )

    def __init__(self) -> None:
        self._log: list[Any] = []
        self._blocks: list[Any] = []
        self._cached: Final[deque[Write]] = deque()
        """Reported as synced by a disk that lied."""
        self._pending: Final[deque[Write]] = deque()
        """Written but not synced, oldest first."""
        self._rotten: Final[dict[Area, set[int]]] = {"log": set(), "blocks": set()}
        """Durable records that are damaged, by their place in the file."""
        self._wiped = False
        self._torn = False
        self.appended = 0
        self.started = 0
        """Writes that the fsync under way (or the last one) covers."""
        self.synced = 0
        self.lies = False
        """Whether fsyncs only claim to be done."""
        self.tears: Stream | None = None
        """Draws what a crash leaves of writes that aren't synced; None: nothing."""

    def append(self, write: Write) -> None:
        """Takes a write; durable at the end of the next fsync to start."""
        self._pending.append(write)
        self.appended += 1

    def start(self) -> int:
        """An fsync starts: the mark that it will reach."""
        self.started = self.appended
        return self.started

    def complete(self, mark: int) -> int:
        """The fsync that ``start`` gave ``mark`` for has ended: how many writes it made durable,
        as far as anybody is told."""
        count = mark - self.synced
        if self.lies or self._cached:
            self._cached.extend(self._pending.popleft() for _ in range(count))
            if not self.lies:  # an honest fsync empties the cache too
                self._flush()
        else:
            for _ in range(count):
                self._apply(self._pending.popleft())
        self.synced = mark
        return count

    def _flush(self) -> None:
        for write in self._cached:
            self._apply(write)
        self._cached.clear()

    def _apply(self, write: Write) -> None:
        if isinstance(write, Compact):
            self._log = list(write.records)
            self._rotten["log"].clear()
        elif write.area == "log":
            self._log.append(write.record)
        else:
            self._blocks.append(write.record)

    # What goes wrong

    def crash(self, survival: Survival) -> None:
        """The process is gone; what was not synced goes too, or stays, or everything goes."""
        if survival == "written":
            self._flush()
            while self._pending:
                self._apply(self._pending.popleft())
        elif survival == "synced":
            if self.tears is not None:
                self._tear(self.tears)
        else:
            self._log, self._blocks = [], []
            for rotten in self._rotten.values():
                rotten.clear()
            self._wiped = survival == "nothing"
        self._cached.clear()
        self._pending.clear()
        self.started = self.synced = self.appended

    def _tear(self, stream: Stream) -> None:
        """Of each file a beginning of what wasn't synced survives; the rest is torn off."""
        unsynced = [*self._cached, *self._pending]
        for area in ("log", "blocks"):
            writes = [write for write in unsynced if _area(write) == area]
            kept = stream.below(len(writes) + 1)
            self._torn = self._torn or kept < len(writes)
            for write in writes[:kept]:
                self._apply(write)

    def rot(self, area: Area, records: int, stream: Stream) -> None:
        """Damages up to ``records`` durable records of a file."""
        count = len(self._log if area == "log" else self._blocks)
        self._rotten[area].update(stream.sample(range(count), records))

    # Booting

    def open(self) -> Contents:
        """Reads both files as a node does when it boots, oldest record first, and cuts off what
        can't be used."""
        forgotten = ""
        if self._wiped:
            forgotten = "its disk is empty, and it isn't new here"
        elif self._rotten["log"]:
            forgotten = f"record {min(self._rotten['log'])} of its vote log is damaged"
        if forgotten:
            return Contents((), (), forgotten)
        repaired = []
        if self._torn:
            self._torn = False
            repaired.append("a torn tail beyond the durable mark is cut off")
        rotten = self._rotten["blocks"]
        if rotten:
            first = min(rotten)
            del self._blocks[first:]
            rotten.clear()
            repaired.append(f"blocks from {first + 1} on are damaged, and fetched again")
        return Contents(tuple(self._log), tuple(self._blocks), repaired="; ".join(repaired))


def _area(write: Write) -> Area:
    return "log" if isinstance(write, Compact) else write.area
