"""What a replica writes to its vote log before the message that it protects (rule 23).

Own PREPAREs and COMMITs are not written: an accepted PRE-PREPARE and a prepared certificate
imply them, and signing them again gives the same statement.
"""

from __future__ import annotations

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.messages import (
    Batch,
    CertifiedState,
    Checkpoint,
    CommitCertificate,
    NewView,
    PreparedCertificate,
    PrePrepare,
    ViewChange,
)
from consensus.types import Sequence


class AcceptedRecord(msgspec.Struct, frozen=True, tag="accepted"):
    """A PRE-PREPARE, with its batch, that this replica sent or accepted."""

    pre_prepare: PrePrepare


class PreparedRecord(msgspec.Struct, frozen=True, tag="prepared"):
    """The certificate behind an own COMMIT."""

    certificate: PreparedCertificate


class ViewChangeRecord(msgspec.Struct, frozen=True, tag="view-change"):
    """An own VIEW-CHANGE: from now on no part in lower views."""

    view_change: ViewChange


class NewViewRecord(msgspec.Struct, frozen=True, tag="new-view"):
    """A NEW-VIEW that was sent or accepted, with the VIEW-CHANGEs that V names."""

    new_view: NewView
    view_changes: tuple[ViewChange, ...]


class CheckpointRecord(msgspec.Struct, frozen=True, tag="checkpoint"):
    """An own CHECKPOINT."""

    checkpoint: Checkpoint


class StableRecord(msgspec.Struct, frozen=True, tag="stable"):
    """The stable checkpoint: everything at or below it is settled."""

    certified: CertifiedState


class EpochRecord(msgspec.Struct, frozen=True, tag="epoch"):
    """The last checkpoint of an epoch, stable: the committee that it names is in force."""

    certified: CertifiedState


class HaltedRecord(msgspec.Struct, frozen=True, tag="halted"):
    """This replica stopped for good (rules 11 and 33): a restart changes nothing."""

    reason: str


class MutedRecord(msgspec.Struct, frozen=True, tag="muted"):
    """This replica never votes again (rule 11), but follows: its state was another's."""

    reason: str


LogRecord = (
    AcceptedRecord
    | PreparedRecord
    | ViewChangeRecord
    | NewViewRecord
    | CheckpointRecord
    | StableRecord
    | EpochRecord
    | HaltedRecord
    | MutedRecord
)


class ExecutedBlock(msgspec.Struct, frozen=True):
    """What a replica needs to know of a block on its own disk when it boots."""

    sequence: Sequence
    batch: Batch
    certificate: CommitCertificate
    state: CheckpointState
