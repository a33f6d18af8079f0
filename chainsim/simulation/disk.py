"""A node's simulated disk: its durable files, and the difference between written and synced.

What was appended when an fsync starts is durable when it ends (group commit), together with the
marks that say so; appends meanwhile wait for the next one. A crash leaves the bytes of files as
``nodes.durable`` describes them, and a boot has nothing but those.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from chainsim.simulation.platter import PlatterFile, Write
from consensus.effects import Area
from consensus.types import NodeId
from nodes import durable
from nodes.durable import FORMATS, Format, Superblock
from nodes.wal import Mark
from scenarios.rng import Stream

Survival = Literal["synced", "written", "nothing", "unnoticed"]
"""What outlives the process: a power cut keeps what was synced, a restart of the process
all that was written, amnesia nothing (with ``unnoticed`` an operator makes a new disk under the
old key, as if it had never been used: rule 25 forbids it)."""


class Contents(msgspec.Struct, frozen=True):
    """What a process finds when it opens the disk."""

    records: dict[Area, tuple[Any, ...]]
    """Of each file, oldest first."""
    forgotten: str = ""
    """Why the vote log can't be relied on: this is amnesia (rule 25). Empty if it can."""
    repaired: str = ""
    """What was cut off; empty if nothing was."""

    @property
    def log(self) -> tuple[Any, ...]:
        """The vote log."""
        return self.records.get("log", ())

    @property
    def blocks(self) -> tuple[Any, ...]:
        """The chain of blocks."""
        return self.records.get("blocks", ())


class Disk:
    """``appended``, ``started`` and ``synced`` count writes; they only grow."""

    __slots__ = (
        "_booted",
        "_cached",
        "_files",
        "_formats",
        "_owner",
        "_pending",
        "appended",
        "lies",
        "started",
        "synced",
        "tears",
    )

    def __init__(self, owner: NodeId = "", formats: Mapping[Area, Format] = FORMATS) -> None:
        self._owner: Final = owner
        self._formats: Final = formats
        self._files: dict[Area, PlatterFile] = {}
        """None at all: the disk is blank."""
        self._booted = False
        self._cached: Final[deque[Write]] = deque()
        """Reported as synced by a disk that lied."""
        self._pending: Final[deque[Write]] = deque()
        """Written but not synced, oldest first."""
        self.appended = 0
        self.started = 0
        """Writes that the fsync under way (or the last one) covers."""
        self.synced = 0
        self.lies = False
        """Whether fsyncs only claim to be done."""
        self.tears: Stream | None = None
        """Draws what a crash leaves of writes that aren't synced; None: nothing."""
        self.format()

    def format(self) -> None:
        """An operator makes it the disk of a node that starts for the first time."""
        self._files = {area: PlatterFile(self._owner, area) for area in self._formats}
        self._booted = False

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
                self._flush(self._cached)
        else:
            for _ in range(count):
                write = self._pending.popleft()
                self._files[write.area].apply(write)
        self.synced = mark
        return count

    def _flush(self, writes: deque[Write]) -> None:
        while writes:
            write = writes.popleft()
            self._files[write.area].apply(write)

    # What goes wrong

    def crash(self, survival: Survival) -> int:
        """The process is gone; what was not synced goes too, or stays, or everything goes.

        The last write before which the vote log lost nothing: what rested on that outlives it.
        """
        outlives = self.synced
        if survival == "written":
            self._flush(self._cached)
            for area in {write.area: None for write in self._pending}:
                self._files[area].hold_mark()
            self._flush(self._pending)
            outlives = self.appended
        elif survival == "synced":
            outlives = self._cut_power()
        elif survival == "unnoticed":
            self.format()
        else:
            self._files = {}
        self._cached.clear()
        self._pending.clear()
        self.started = self.synced = self.appended
        return outlives

    def _cut_power(self) -> int:
        """What wasn't synced is gone, but for what a disk that tears happens to have written."""
        unsynced = [*self._cached, *self._pending]
        whole = 0 if self.tears is None else self._tear(unsynced, self.tears)
        first = self.appended - len(unsynced) + 1
        log = [number for number, write in enumerate(unsynced, first) if write.area == "log"]
        return log[whole] - 1 if whole < len(log) else self.appended

    def _tear(self, unsynced: Sequence[Write], stream: Stream) -> int:
        """Of each file a beginning of what wasn't synced survives, to the byte; the rest is torn
        off. The marks are of the last fsync. How many writes to the vote log survive whole."""
        whole = 0
        for area, file in self._files.items():
            writes = [write for write in unsynced if write.area == area]
            size = sum(len(piece) for piece in file.pieces(writes))
            if size:
                file.hold_mark()
                kept = file.tear(writes, stream.below(size + 1))
                if area == "log":
                    whole = kept
        return whole

    def rot(self, area: Area, records: int, stream: Stream) -> None:
        """Flips a bit in each of up to ``records`` durable records of a file."""
        if self._files:
            self._files[area].rot(records, stream)

    # Booting

    def image(self) -> dict[str, bytes]:
        """The files on the platter, by name. A blank disk has none."""
        if not self._files:
            return {}
        marks: dict[str, Mark] = {area: file.mark for area, file in self._files.items()}
        superblock = Superblock(self._owner, self._booted, marks)
        image = {durable.SUPERBLOCK: durable.write_superblock(superblock)}
        for area, file in self._files.items():
            image[area] = bytes(file.image())
            if file.beside:
                image[area + durable.BESIDE] = file.beside
        return image

    def open(self) -> Contents:
        """Reads the files as a node does when it boots, and cuts off what can't be used.

        What it reads it syncs, before the process acts on it; the first time it notes in the
        superblock that there was a first time. Both within no time.
        """
        if self._files and not self._booted and not self.appended:
            self._booted = True
            return Contents({})  # nothing was ever written: no need to look
        found = durable.find(self.image(), self._owner, self._formats)
        if found.forgotten:
            return Contents({}, found.forgotten)
        self._booted = True
        for area, reading in found.files.items():
            self._files[area].settle(reading)
        records = {area: reading.records for area, reading in found.files.items()}
        return Contents(records, repaired=found.repaired)
