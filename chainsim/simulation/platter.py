"""One durable file of a simulated disk, as ``nodes.wal`` lays it out, made only when needed.

Runs write far more than anybody ever reads, and records are immutable: so they are kept as they
are, and turned into bytes when a process boots, when a fault damages bytes, or when somebody asks
for the size. Later or sooner gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from consensus.effects import Area, Compact, Persist
from consensus.encoding import encode
from consensus.types import NodeId
from nodes import wal
from nodes.wal import FileId, Mark, Reading
from scenarios.rng import Stream

Write = Persist | Compact


class PlatterFile:
    """What of one area is on the platter, and how far its mark says so."""

    __slots__ = (
        "_area",
        "_bytes",
        "_ends",
        "_fresh",
        "_id",
        "_initial",
        "_mark",
        "_owner",
        "beside",
    )

    def __init__(self, owner: NodeId, area: Area) -> None:
        self._owner: Final = owner
        self._area: Final = area
        self._id = FileId(owner, area)
        self._bytes = bytearray()
        """The file so far; empty: not even its header was needed yet."""
        self._ends: list[int] = []
        """Where each frame of ``_bytes`` ends, the header's first."""
        self._fresh: list[Any] = []
        """Records after those."""
        self._initial = 0
        """As long as ``_bytes`` is empty: how many of them the file began with."""
        self._mark: Mark | None = None
        """None: it is at the end."""
        self.beside = b""
        """What a crash left of a file that was to take this one's place."""

    @property
    def records(self) -> int:
        """How many it holds."""
        return len(self._fresh) + max(0, len(self._ends) - 1)

    def apply(self, write: Write) -> None:
        """A write is on the platter."""
        if isinstance(write, Persist):
            self._fresh.append(write.record)
        else:
            self.replace(self._id.generation + 1, write.records)

    def replace(self, generation: int, records: Sequence[Any] = ()) -> None:
        """Another file takes the place of this one."""
        self._id = FileId(self._owner, self._area, generation)
        self._bytes = bytearray()
        self._fresh = list(records)
        self._ends, self._initial = [], len(self._fresh)

    def image(self) -> bytearray:
        """All its bytes, as they are on the platter."""
        data = self._bytes
        if not data:
            initial = [encode(record) for record in self._fresh[: self._initial]]
            data += wal.new_file(self._id, initial)
            self._ends = wal.ends(bytes(data))
            del self._fresh[: self._initial]
        for place, record in enumerate(self._fresh, len(self._ends)):
            data += wal.frame(self._id.key, place, encode(record))
            self._ends.append(len(data))
        self._fresh = []
        return data

    @property
    def mark(self) -> Mark:
        """How far it was durable for certain."""
        if self._mark is not None:
            return self._mark
        length = len(self.image())
        return Mark(self._id.generation, self.records, length)

    # What goes wrong

    def hold_mark(self) -> None:
        """What is applied from now on lies beyond the mark, until somebody boots."""
        self._mark = self.mark

    def pieces(self, writes: Sequence[Write]) -> list[bytes]:
        """What each of ``writes`` brings to the platter: a frame, or a whole file."""
        id_, place = self._id, self.records
        found = []
        for write in writes:
            if isinstance(write, Persist):
                place += 1
                found.append(wal.frame(id_.key, place, encode(write.record)))
            else:
                records = write.records
                id_, place = FileId(self._owner, self._area, id_.generation + 1), len(records)
                found.append(wal.new_file(id_, [encode(record) for record in records]))
        return found

    def tear(self, writes: Sequence[Write], keep: int) -> int:
        """Of the bytes of ``writes`` only the first ``keep`` reach the platter; how many of them
        do so whole. A file to replace this one takes its place when it is complete, and stays
        beside it until then."""
        for whole, (write, piece) in enumerate(zip(writes, self.pieces(writes), strict=True)):
            if keep < len(piece):
                if isinstance(write, Persist):
                    self.image().extend(piece[:keep])
                else:
                    self.beside = piece[:keep]
                return whole
            keep -= len(piece)
            self.apply(write)
        return len(writes)

    def rot(self, records: int, stream: Stream) -> None:
        """Flips one bit in each of up to ``records`` drawn records."""
        hit = stream.sample(range(self.records), records)
        data = self.image()
        for record in hit:
            start, end = self._ends[record : record + 2]
            bit = stream.below((end - start) * 8)
            data[start + bit // 8] ^= 1 << bit % 8

    # Booting

    def settle(self, reading: Reading) -> None:
        """Cuts the file to what was read of it, and moves the mark to its end."""
        generation = self.mark.generation
        self._mark, self.beside = None, b""
        if not reading.generation:
            self.replace(generation + 1)
            return
        del self._bytes[reading.length :]
        del self._ends[len(reading.records) + 1 :]
