"""What a node asks its host to do. The order of the list is the contract (law 2).

A host keeps one FIFO of effects per node across calls. ``Persist`` and ``Compact`` append at
once; one fsync covers all that was appended when it starts; ``Send`` and ``Broadcast`` wait
until every ``Persist`` queued before them is durable; timers act at once; input goes on being
handled meanwhile. A crash may cut between any two effects and loses what was not synced.

``Deliver``, ``SupplyBlocks``, ``Settle`` and ``Install`` are consumed by the validator and never
reach the host.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from consensus.messages import Batch, CertifiedState, CommitCertificate, Message
from consensus.misbehaviour import Misbehaviour
from consensus.types import Digest, NodeId, Sequence, View

TimerKey = tuple[str, ...]
"""Names a timer within its node: ``("status",)``, ``("new-view",)``."""

Area = Literal["log", "blocks"]
"""The two files of a validator's disk: its vote log, and its append-only chain of blocks."""


class Effect(msgspec.Struct, frozen=True):
    """Base of all effects."""


class Send(Effect, frozen=True):
    """Send ``message`` to one node."""

    to: NodeId
    message: Message


class Broadcast(Effect, frozen=True):
    """Send ``message`` to each of ``to`` (never includes the sender)."""

    to: tuple[NodeId, ...]
    message: Message


class Persist(Effect, frozen=True):
    """Append ``record`` to a file of the node's disk; durable at the next fsync."""

    area: Area
    record: Any


class Compact(Effect, frozen=True):
    """Replace a file by ``records`` atomically; durable at the next fsync (rule 23)."""

    records: tuple[Any, ...]
    area: Area = "log"


class SetTimer(Effect, frozen=True):
    """(Re)arm the timer ``key`` to fire after ``delay_us`` of the node's local clock."""

    key: TimerKey
    delay_us: int


class CancelTimer(Effect, frozen=True):
    """Disarm ``key``; no-op when it isn't armed."""

    key: TimerKey


class Deliver(Effect, frozen=True):
    """Execute ``batch`` as block ``sequence``; answered by ``events.Executed``, one at a time."""

    sequence: Sequence
    view: View
    batch: Batch
    certificate: CommitCertificate


class SupplyBlocks(Effect, frozen=True):
    """Send blocks ``first`` to ``last`` from the block store to ``to`` as CertifiedBatch."""

    to: NodeId
    first: Sequence
    last: Sequence


class Settle(Effect, frozen=True):
    """The state at ``certified`` is stable: what leads up to it may be forgotten (rule 10).

    ``epochs`` are the ends of all epochs before it: together they prove it to anybody.
    """

    certified: CertifiedState
    epochs: tuple[CertifiedState, ...]


class Install(Effect, frozen=True):
    """Take the fetched state, which is complete, in the place of one's own; answered by
    ``events.Installed`` (rule 22). ``epochs`` as in ``Settle``."""

    certified: CertifiedState
    epochs: tuple[CertifiedState, ...]


class Milestone(Effect, frozen=True):
    """Something that the protocol reached; for traces, triggers and checks only.

    ``event``: pre-prepare-accepted, prepared, committed, checkpoint-stable,
    view-change-started, new-view-entered, epoch-entered, halted, state-transfer-started,
    state-piece-refused, state-transferred.
    """

    event: str
    view: View
    sequence: Sequence = 0
    digest: Digest = b""
    cause: str = ""


class Report(Effect, frozen=True):
    """Provable misbehaviour (rule 33)."""

    misbehaviour: Misbehaviour


class Compute(Effect, frozen=True):
    """CPU work done while handling the event, in operations; the host prices them."""

    signatures: int = 0
    verifications: int = 0
    transactions: int = 0
