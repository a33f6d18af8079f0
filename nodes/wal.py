"""The bytes of one durable file: a write-ahead log of records that shows its own damage (rule 25).

    file   = magic, header frame, frame, frame, …
    frame  = length (4 bytes, big-endian), checksum (16 bytes), payload (``length`` bytes)

A payload is the canonical MessagePack of a record. The checksum is BLAKE2b over the length, the
frame's place in its file (the header's is 0) and the payload, keyed by whose file it is, which
one, and its generation: so a frame that was copied or moved to another place, another file,
another node's disk, or kept from before the log was compacted, is damage like any flipped bit.

How far a file was durable for certain, its ``Mark``, is stored apart, in the superblock
(``nodes.durable``). Below the mark everything must be there. Beyond it a crash leaves any
beginning of what was being written: whole frames there are kept, the torn rest is cut.

A file is replaced by writing the new one beside it, syncing it and renaming it, so a crash leaves
the old one or the new one. The new one's generation is higher than the mark says until the mark
follows; then its own header says what must be there.

Everything here is a pure function of bytes, and no bytes make it raise.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final

import msgspec

from consensus.encoding import digest_of, encode

MAGIC: Final = b"chainsim/wal/1\n"
CHECKSUM_SIZE: Final = 16
FIRST_GENERATION: Final = 1
_LENGTH: Final = struct.Struct(">I")
_PLACE: Final = struct.Struct(">IQ")
"""What is checked beside the payload: its length, and the frame's place in the file."""
OVERHEAD: Final = _LENGTH.size + CHECKSUM_SIZE
"""Bytes of a frame beyond its payload."""


class FileId(msgspec.Struct, frozen=True, dict=True):
    """Which file a frame belongs to; ``generation`` counts how often it was replaced, from 1."""

    owner: str
    area: str
    generation: int = FIRST_GENERATION

    @cached_property
    def key(self) -> bytes:
        """Keys the checksums of the file's records."""
        return digest_of("wal-file", self.owner, self.area, self.generation)

    @cached_property
    def header_key(self) -> bytes:
        """Keys the checksum of the header, from which a reader learns the generation."""
        return digest_of("wal-header", self.owner, self.area)


class Mark(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How far a file was durable: its first ``records`` records, which end at byte ``length``."""

    generation: int
    records: int
    length: int


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The first frame of a file: its generation, and what it held when it took its place."""

    generation: int
    records: int
    body: int
    """Bytes of their frames."""


class Reading(msgspec.Struct, frozen=True):
    """What a file is good for."""

    generation: int
    """0: not even the header can be read."""
    records: tuple[Any, ...]
    """Those before the first damage, decoded, oldest first."""
    length: int
    """Where they end: what comes after is to be cut off."""
    damage: str = ""
    """What of that which must be there isn't; empty if nothing."""
    torn: int = 0
    """Bytes beyond ``length`` that were never durable for certain."""


# Writing


def frame(key: bytes, place: int, payload: bytes) -> bytes:
    """The frame of ``payload`` at ``place`` of the file that ``key`` belongs to."""
    return _LENGTH.pack(len(payload)) + _checksum(key, place, payload) + payload


def new_file(id_: FileId, payloads: Sequence[bytes] = ()) -> bytes:
    """A whole file that holds ``payloads`` from the beginning."""
    body = b"".join(frame(id_.key, n, payload) for n, payload in enumerate(payloads, 1))
    header = encode(Header(id_.generation, len(payloads), len(body)))
    return MAGIC + frame(id_.header_key, 0, header) + body


def _checksum(key: bytes, place: int, payload: bytes) -> bytes:
    checksum = blake2b(_PLACE.pack(len(payload), place), key=key, digest_size=CHECKSUM_SIZE)
    checksum.update(payload)
    return checksum.digest()


# Reading


def payload_at(data: bytes, start: int, key: bytes, place: int) -> bytes | None:
    """The payload of the frame that begins at ``start``; None if that is no such frame."""
    begin = start + OVERHEAD
    if begin > len(data):
        return None
    end = begin + _LENGTH.unpack_from(data, start)[0]
    if end > len(data):
        return None
    payload = data[begin:end]
    if data[start + _LENGTH.size : begin] != _checksum(key, place, payload):
        return None
    return payload


def read(
    data: bytes, owner: str, area: str, mark: Mark, decoder: msgspec.msgpack.Decoder[Any]
) -> Reading:
    """Reads a file of which ``mark`` was durable. Never raises, whatever the bytes."""
    found = _header(data, FileId(owner, area))
    if found is None:
        return Reading(0, (), 0, "the header can't be read")
    header, start = found
    records, end, why = _records(data, FileId(owner, area, header.generation), start, decoder)
    if header.generation < mark.generation:
        damage = f"generation {header.generation} lies where {mark.generation} was durable"
        return Reading(header.generation, tuple(records), end, damage)
    if header.generation > mark.generation:  # it took its place, and the mark didn't follow yet
        mark = Mark(header.generation, header.records, start + header.body)
    if len(records) < mark.records or end < mark.length:
        damage = f"record {len(records)} {why or 'is missing'}"
        return Reading(header.generation, tuple(records), end, damage)
    return Reading(header.generation, tuple(records), end, torn=len(data) - end)


def ends(data: bytes) -> list[int]:
    """Where each frame of a sound file ends, the header's first."""
    result = []
    position = len(MAGIC)
    while position < len(data):
        position += OVERHEAD + _LENGTH.unpack_from(data, position)[0]
        result.append(position)
    return result


def decoded(payload: bytes, decoder: msgspec.msgpack.Decoder[Any]) -> Any:
    """What ``payload`` says (no record is None), or None if ``decoder`` can't tell."""
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return None  # broken UTF-8 and deep nesting get out of msgspec as they are


def _header(data: bytes, id_: FileId) -> tuple[Header, int] | None:
    """The header, and where the records begin."""
    if data[: len(MAGIC)] != MAGIC:
        return None
    payload = payload_at(data, len(MAGIC), id_.header_key, 0)
    header = None if payload is None else decoded(payload, _HEADERS)
    if header is None:
        return None
    assert payload is not None
    return header, len(MAGIC) + OVERHEAD + len(payload)


def _records(
    data: bytes, id_: FileId, start: int, decoder: msgspec.msgpack.Decoder[Any]
) -> tuple[list[Any], int, str]:
    """All records up to the first that can't be read, where they end, and why no more."""
    records: list[Any] = []
    while start < len(data):
        payload = payload_at(data, start, id_.key, len(records) + 1)
        if payload is None:
            return records, start, "can't be read"
        record = decoded(payload, decoder)
        if record is None:
            return records, start, "is of no kind that is known here"
        records.append(record)
        start += OVERHEAD + len(payload)
    return records, start, ""


_HEADERS: Final = msgspec.msgpack.Decoder(Header)
