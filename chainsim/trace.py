"""The records that a run leaves, the milestone digest over them, and who listens.

Everything that watches (checks, summary, dashboard, report) consumes these records and
nothing else, so watching can't change a run (law 4). Records come in execution order;
``at_us`` is virtual time.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec

from consensus.messages import Message
from consensus.misbehaviour import Misbehaviour
from consensus.types import Digest, NodeId, Sequence, View
from nodes.block import Block, Header


class Record(msgspec.Struct, frozen=True, tag_field="record"):
    """Base: when, and at which node (empty for the world's own)."""

    at_us: int
    node: NodeId


class Signed(Record, frozen=True, tag="signed"):
    """An own signed message left the node for the network (once per send or broadcast)."""

    type: str
    epoch: int
    view: View
    sequence: Sequence
    digest: Digest
    """The digest voted for; of other types the digest of the message."""


class Reached(Record, frozen=True, tag="reached"):
    """A ``Milestone`` effect: prepared, committed, new-view-entered and so on."""

    event: str
    view: View
    sequence: Sequence
    digest: Digest
    cause: str = ""


class Executed(Record, frozen=True, tag="executed"):
    """A validator executed a block. ``block`` is shared, and left out of files and digest."""

    sequence: Sequence
    header_hash: Digest
    state_root: Digest
    reply_root: Digest
    batch_digest: Digest
    transactions: int
    replayed: bool
    block: Block | None = None


class Installed(Record, frozen=True, tag="installed"):
    """A validator took over the state after block ``sequence`` instead of executing up to it:
    fetched from others, or (``replayed``) its own, from its disk. The roots are those of what it
    holds. ``header`` is shared, and left out of files and digest."""

    sequence: Sequence
    header_hash: Digest
    state_root: Digest
    reply_root: Digest
    replayed: bool
    header: Header | None = None


class TimerExpired(Record, frozen=True, tag="timer"):
    """A timer fired at a node."""

    key: str


class Persisted(Record, frozen=True, tag="persisted"):
    """An fsync completed; ``records`` more records are durable at the node."""

    records: int


class Submitted(Record, frozen=True, tag="submitted"):
    """A client (``node``) signed a request and sends it for the first time."""

    number: int
    digest: Digest


class Final(Record, frozen=True, tag="final"):
    """A client (``node``) holds f+1 equal replies."""

    number: int
    code: str
    latency_us: int
    """Since ``Submitted``."""
    result: bytes


class Proven(Record, frozen=True, tag="proven"):
    """A light observer (``node``) has had something proven, after block ``sequence``.

    ``what`` is blocks (``digest`` is the header's hash, ``amounts`` how many were proven and how
    many skipped), receipt (of ``account``; ``digest`` is its own), or balance (of ``asset`` in
    ``account``; ``amounts`` are what is free, reserved and frozen).
    """

    what: str
    sequence: Sequence
    digest: Digest = b""
    account: str = ""
    asset: str = ""
    amounts: tuple[int, ...] = ()


class FaultChanged(Record, frozen=True, tag="fault"):
    """Fault ``index`` of the scenario began or ended."""

    index: int
    kind: str
    active: bool
    nodes: tuple[NodeId, ...] = ()


class NodeChanged(Record, frozen=True, tag="node"):
    """A node's process came up or went down: up, down, paused, resumed."""

    state: str


class Accused(Record, frozen=True, tag="accused"):
    """``node`` reports provable misbehaviour of ``culprit``."""

    culprit: NodeId
    kind: str
    evidence: Misbehaviour | None = None


class CertificatesShown(Record, frozen=True, tag="certificates"):
    """A validator's VIEW-CHANGE leaves: what it says was prepared. Its ``Signed`` record, just
    before, puts all of it under the run's digest; this one is in no file."""

    epoch: int
    view: View
    """That it is for."""
    stable: Sequence
    prepared: tuple[tuple[Sequence, View], ...]
    """(sequence, view) of each certificate."""


class Withheld(Record, frozen=True, tag="withheld"):
    """Something of the node happened now, whose record waits until a power cut can't undo it: the
    oldest that waits is told next, unless the node dies first. For subscribers alone."""


class Violation(Record, frozen=True, tag="violation"):
    """A check found a broken property."""

    check: str
    detail: str


class MessageMoved(Record, frozen=True, tag="message"):
    """Only with messages traced: ``what`` is sent, delivered or dropped."""

    what: str
    type: str
    peer: NodeId
    view: View
    sequence: Sequence
    size: int
    cause: str = ""
    flight: int = 0
    """Names one sending to one receiver: it is sent once, and each of its copies is delivered or
    dropped under the same number. 0 of what had no line to go over."""
    message: Message | None = None
    """What moved, for those who listen: shared, and left out of files."""


class Worked(Record, frozen=True, tag="work"):
    """A node's CPU is busy from now on. Only for those who listen: neither in files nor in the
    digest. (A process that dies or stands still meanwhile doesn't get that far.)"""

    busy_us: int
    signatures: int
    verifications: int
    transactions: int


MILESTONES: tuple[type[Record], ...] = (
    Signed,
    Reached,
    Executed,
    Installed,
    TimerExpired,
    Persisted,
    Submitted,
    Final,
    Proven,
    FaultChanged,
    NodeChanged,
    Accused,
)
"""What the digest is taken over (law 3)."""


_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_JSON = msgspec.json.Encoder(order="deterministic")
_SHARED: dict[type[Record], str] = {
    Executed: "block",
    Installed: "header",
    Accused: "evidence",
    MessageMoved: "message",
}
"""The field that is an object shared in memory: neither in files nor in the digest."""

_PENDING_LIMIT = 512
"""Records that are not hashed or written yet: they never change, so it can wait."""

Level = Literal["off", "milestones", "messages"]
Subscriber = Callable[[Any], None]


def without_shared(record: Record) -> Record:
    """The record as it goes into files and digest."""
    field = _SHARED.get(type(record))
    return record if field is None else msgspec.structs.replace(record, **{field: None})


def digest_bytes(record: Record) -> bytes:
    """What a record adds to the digest of its run."""
    return _ENCODER.encode(without_shared(record))


class Recorder:
    """Takes the records of a run in order: hashes milestones, tells subscribers, writes a file.

    Neither the level nor who listens changes the digest (laws 3 and 4). ``messages`` is true if
    message records are wanted by the file or by anybody, ``work`` if somebody wants to know what
    CPUs do: else nobody builds them.
    """

    def __init__(self, level: Level = "off", path: Path | None = None) -> None:
        self.messages = level == "messages"
        self.work = False
        self._subscribers: dict[type[Record], list[Subscriber]] = {}
        self._hash = sha256()
        self._unhashed: list[Record] = []
        self._file = None
        self._writes_messages = level == "messages"
        if level != "off" and path is not None:
            # No name and no time in the header: equal runs leave equal files.
            self._raw = path.open("wb")
            self._file = gzip.GzipFile("", "wb", compresslevel=6, fileobj=self._raw, mtime=0)
        self._unwritten: list[Record] = []

    def subscribe(self, kind: type[Record], subscriber: Subscriber) -> None:
        """Calls ``subscriber`` with each later record of exactly this type; before the run, as
        message records are built only if somebody wants them when it starts."""
        self._subscribers.setdefault(kind, []).append(subscriber)
        if kind is MessageMoved:
            self.messages = True
        elif kind is Worked:
            self.work = True

    def forget_subscribers(self) -> None:
        """Nobody listens any more."""
        self._subscribers.clear()

    def record(self, record: Record) -> None:
        """Takes a milestone."""
        kind = type(record)
        plain = record if kind not in _SHARED else without_shared(record)
        unhashed = self._unhashed
        unhashed.append(plain)
        if len(unhashed) >= _PENDING_LIMIT:
            self._hash_pending()
        if self._file is not None:
            self._write(plain)
        for subscriber in self._subscribers.get(kind, ()):
            subscriber(record)

    def message(self, record: MessageMoved) -> None:
        """Takes a message record, which no digest covers."""
        if self._writes_messages and self._file is not None:
            self._write(without_shared(record))
        for subscriber in self._subscribers.get(MessageMoved, ()):
            subscriber(record)

    def worked(self, record: Worked) -> None:
        """Takes a record of CPU work, which is for subscribers alone."""
        for subscriber in self._subscribers.get(Worked, ()):
            subscriber(record)

    def detail(self, record: CertificatesShown | Withheld) -> None:
        """Takes what the milestones around it don't say: for subscribers alone."""
        for subscriber in self._subscribers.get(type(record), ()):
            subscriber(record)

    def violation(self, record: Violation) -> None:
        """Takes a check's finding: to the file and to subscribers, not into the digest."""
        if self._file is not None:
            self._write(record)
        for subscriber in self._subscribers.get(Violation, ()):
            subscriber(record)

    def digest(self) -> str:
        """SHA-256 over all milestones so far, in hexadecimal."""
        self._hash_pending()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Writes what is left to the file and closes it."""
        if self._file is not None:
            self._write_pending()
            self._file.close()
            self._raw.close()
            self._file = None

    def _hash_pending(self) -> None:
        self._hash.update(b"".join(map(_ENCODER.encode, self._unhashed)))
        self._unhashed.clear()

    def _write(self, record: Record) -> None:
        self._unwritten.append(record)
        if len(self._unwritten) >= _PENDING_LIMIT:
            self._write_pending()

    def _write_pending(self) -> None:
        if self._file is not None and self._unwritten:
            self._file.write(b"\n".join(map(_JSON.encode, self._unwritten)) + b"\n")
            self._unwritten.clear()


AnyRecord = (
    Signed
    | Reached
    | Executed
    | Installed
    | TimerExpired
    | Persisted
    | Submitted
    | Final
    | Proven
    | FaultChanged
    | NodeChanged
    | Accused
    | Violation
    | MessageMoved
)


def read_trace(path: Path) -> Iterator[Record]:
    """The records of a ``trace.jsonl.gz``. Raises ``OSError`` or ``msgspec.DecodeError``."""
    decoder = msgspec.json.Decoder(AnyRecord)
    with gzip.open(path, "rb") as file:
        for line in file:
            yield decoder.decode(line)
