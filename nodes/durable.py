"""A node's durable files together: what lies on its disk, and what a boot makes of it (rule 25).

    superblock   whose disk it is, whether a process ever ran on it, and the mark of each file
    log          the vote log
    blocks       the chain of blocks, with snapshots of the state between them

The superblock is made by an operator, once, together with the key: that is the record of the
first boot. The host notes the first start in it before the process does anything. So a disk
without a superblock is an empty one, and whoever boots from it has forgotten what it signed,
unless an operator says that it never signed anything.

What damage means hangs on the file. The vote log holds what was promised: if any of it is gone,
that is amnesia, and the key may never vote again. All else can be had from others: it is cut off
before the damage, and the key stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.msgpack import Decoder

from consensus.effects import Area
from consensus.encoding import encode
from consensus.records import LogRecord
from nodes import wal
from nodes.block import Block
from nodes.store_file import SnapshotRecord
from nodes.wal import FileId, Mark, Reading

SUPERBLOCK: Final = "superblock"
BESIDE: Final = ".new"
"""What a file is called that is being written to take another's place; who boots removes it."""


class Format(msgspec.Struct, frozen=True):
    """What is in a file, and what it means to lose any of it."""

    decoder: Decoder[Any]
    """Reads a record."""
    holds: str = ""
    """What a reader of the pages is told of it."""
    binds: bool = False
    """Whether it holds what the key promised: damage is amnesia."""


FORMATS: Final[dict[Area, Format]] = {
    "log": Format(Decoder(LogRecord), "the vote log: what it promised", binds=True),
    "blocks": Format(Decoder(Block | SnapshotRecord), "the chain of blocks, with snapshots"),
}
"""Each area is a file of its name, and a line here."""


def formats(log_record: Any) -> dict[Area, Format]:
    """The files of a validator whose protocol writes ``log_record`` (a type) to its vote log."""
    if log_record is LogRecord:
        return FORMATS
    return {**FORMATS, "log": msgspec.structs.replace(FORMATS["log"], decoder=Decoder(log_record))}


class Superblock(msgspec.Struct, frozen=True):
    """What is known of the disk as a whole."""

    owner: str
    booted: bool
    """Whether a process has run on it; False from when an operator made it to its first boot."""
    marks: dict[str, Mark]


class Found(msgspec.Struct, frozen=True):
    """What a boot finds."""

    files: dict[Area, Reading]
    forgotten: str = ""
    """Why the vote log can't be relied on: this is amnesia. Empty if it can."""
    repaired: str = ""
    """What is cut off; empty if nothing is."""


def write_superblock(superblock: Superblock) -> bytes:
    """Its bytes: few enough for one sector, which a disk writes whole or not at all."""
    key = FileId(superblock.owner, SUPERBLOCK).header_key
    return wal.MAGIC + wal.frame(key, 0, encode(superblock))


def read_superblock(data: bytes, owner: str) -> Superblock | None:
    """The superblock of ``owner``'s disk, or None if that isn't one. Never raises."""
    if data[: len(wal.MAGIC)] != wal.MAGIC:
        return None
    payload = wal.payload_at(data, len(wal.MAGIC), FileId(owner, SUPERBLOCK).header_key, 0)
    if payload is None or len(wal.MAGIC) + wal.OVERHEAD + len(payload) != len(data):
        return None
    superblock: Superblock | None = wal.decoded(payload, _SUPERBLOCKS)
    return superblock if superblock is not None and superblock.owner == owner else None


def find(image: Mapping[str, bytes], owner: str, known: Mapping[Area, Format]) -> Found:
    """What ``owner`` finds on a disk with the files ``image``. Never raises.

    Who goes on from it first cuts every file to its reading's ``length``, syncs it, and moves
    the marks: what a process acts on must not be lost by the next crash.
    """
    if not any(image.values()):
        return Found({}, "its disk is empty, and it isn't new here")
    superblock = read_superblock(image.get(SUPERBLOCK, b""), owner)
    if superblock is None:
        return Found({}, "its superblock is damaged, and nobody knows what it forgot")
    files: dict[Area, Reading] = {}
    repaired = []
    torn = any(image.get(area + BESIDE) for area in known)
    for area, format_ in known.items():
        files[area] = reading = _read(image.get(area, b""), superblock, area, format_)
        if reading.damage and format_.binds:
            return Found({}, f"its vote {area} is damaged: {reading.damage}")
        if format_.binds and reading.records and not superblock.booted:
            return Found({}, "its disk is said to be new, and holds votes")
        if reading.damage:
            first = len(reading.records) + 1
            repaired.append(f"{area} from {first} on are damaged, and fetched again")
        torn = torn or reading.torn > 0
    if torn:
        repaired.insert(0, "a torn tail beyond the durable mark is cut off")
    return Found(files, repaired="; ".join(repaired))


def _read(data: bytes, superblock: Superblock, area: Area, format_: Format) -> Reading:
    mark = superblock.marks.get(area)
    if mark is None:  # a disk from before there was such a file
        return Reading(0, (), 0, torn=len(data))
    return wal.read(data, superblock.owner, area, mark, format_.decoder)


_SUPERBLOCKS: Final = Decoder(Superblock)
