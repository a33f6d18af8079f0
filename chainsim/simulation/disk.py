"""A node's simulated disk: two files of records, and the difference between written and synced.

Records are kept as objects. What was appended when an fsync starts is durable when it ends
(group commit); appends meanwhile wait for the next one.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final, Literal

from consensus.effects import Compact, Persist

Write = Persist | Compact

Survival = Literal["synced", "written", "nothing"]
"""What outlives the process: a power cut keeps what was synced, a restart of the process
all that was written, amnesia nothing."""


class Disk:
    """``appended``, ``started`` and ``synced`` count writes; they only grow."""

    __slots__ = ("_blocks", "_log", "_pending", "appended", "started", "synced")

    def __init__(self) -> None:
        self._log: list[Any] = []
        self._blocks: list[Any] = []
        self._pending: Final[deque[Write]] = deque()
        """Written but not synced, oldest first."""
        self.appended = 0
        self.started = 0
        """Writes that the fsync under way (or the last one) covers."""
        self.synced = 0

    def append(self, write: Write) -> None:
        """Takes a write; durable at the end of the next fsync to start."""
        self._pending.append(write)
        self.appended += 1

    def start(self) -> int:
        """An fsync starts: the mark that it will reach."""
        self.started = self.appended
        return self.started

    def complete(self, mark: int) -> int:
        """The fsync that ``start`` gave ``mark`` for has ended: how many writes it made durable."""
        count = mark - self.synced
        for _ in range(count):
            self._apply(self._pending.popleft())
        self.synced = mark
        return count

    def _apply(self, write: Write) -> None:
        if isinstance(write, Compact):
            self._log = list(write.records)
        elif write.area == "log":
            self._log.append(write.record)
        else:
            self._blocks.append(write.record)

    def crash(self, survival: Survival) -> None:
        """The process is gone; what was not synced goes too, or stays, or everything goes."""
        if survival == "written":
            self.complete(self.appended)
        elif survival == "nothing":
            self._log, self._blocks = [], []
        self._pending.clear()
        self.started = self.synced = self.appended

    def read(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """(log, blocks) as a node finds them when it boots, oldest first."""
        return tuple(self._log), tuple(self._blocks)
