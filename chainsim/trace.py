"""The records that a run leaves, the milestone digest over them, and who listens.

Everything that watches (checks, summary, dashboard, report) consumes these records and
nothing else, so watching can't change a run (law 4). Records come in execution order;
``at_us`` is virtual time.
"""

from __future__ import annotations

from typing import Any

import msgspec

from consensus.misbehaviour import Misbehaviour
from consensus.types import Digest, NodeId, Sequence, View
from nodes.block import Block


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


MILESTONES: tuple[type[Record], ...] = (
    Signed,
    Reached,
    Executed,
    TimerExpired,
    Persisted,
    Submitted,
    Final,
    FaultChanged,
    NodeChanged,
    Accused,
)
"""What the digest is taken over (law 3)."""


def fields_for_digest(record: Record) -> tuple[Any, ...]:
    """All fields but the shared in-memory objects."""
    return tuple(
        value
        for name, value in zip(record.__struct_fields__, msgspec.structs.astuple(record), strict=True)
        if name not in ("block", "evidence")
    )
