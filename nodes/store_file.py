"""The file in which a validator's state outlives a crash: blocks, and snapshots between them.

    blocks …  whole snapshot  blocks …  snapshot  blocks …  snapshot  …

A snapshot says what changed since the one before it, so it costs what changed; a boot starts from
the last one that a quorum has signed, and executes the blocks after it. Now and then, at a
stable checkpoint, the file is replaced by a shorter one that begins with a few blocks for others
who lag, and one whole snapshot: as often as makes it cost no more than what was written since.

Blocks and snapshots share one file, so one can't be durable without what comes before it; an
installed state is one record, there or not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.effects import Compact, Effect, Persist
from consensus.messages import CertifiedState, Checkpoint
from consensus.records import PreparedRecord, StableRecord
from consensus.types import NodeId, View
from consensus.types import Sequence as Sequence_
from nodes.block import Block, Header
from nodes.chain import Chain
from nodes.snapshots import Snapshot, Snapshots, Trees
from nodes.state_tree import StateTree

REWRITE_AFTER: Final = 512
"""Entries and transactions that are written, at least, between two replacements of the file."""


class SnapshotRecord(msgspec.Struct, frozen=True, tag="snapshot"):
    """The state at a checkpoint, as what changed since the record before it, or ``whole``."""

    state: CheckpointState
    header: Header
    entries: tuple[tuple[bytes, bytes | None], ...]
    replies: tuple[tuple[bytes, bytes | None], ...]
    whole: bool = False
    proof: tuple[Checkpoint, ...] = ()
    """What makes it stable, where that was known; else the vote log may say so."""
    epochs: tuple[CertifiedState, ...] = ()
    """With ``proof``: the ends of the epochs before, which lead to who signed it."""


class Start(msgspec.Struct, frozen=True):
    """What a boot begins with."""

    snapshot: Snapshot | None
    """None: genesis."""
    certified: CertifiedState | None
    epochs: tuple[CertifiedState, ...]
    kept: list[Block]
    """Blocks that lead up to the snapshot, for others who lag."""
    blocks: list[Block]
    """Blocks after it, to be executed."""
    reset: Effect | None = None
    """What to write first, if what is there is of no use."""


class StoreFile:
    """Writes the file of one validator."""

    def __init__(self, owner: NodeId, opening: Trees, rewrite_after: int = REWRITE_AFTER) -> None:
        self._owner: Final = owner
        self._opening: Final = opening
        self._rewrite_after: Final = rewrite_after
        self._last: Trees = opening
        """What the last snapshot in the file held."""
        self._weight = 0
        """Written since the file was replaced."""
        self._whole = 0
        """What it was replaced by."""
        self._recorded: frozenset[int] = frozenset()
        """Checkpoints after the start that the file had at boot."""

    # -- writing ------------------------------------------------------------------------

    def block(self, block: Block) -> Effect:
        """A block was executed."""
        self._weight += 1 + len(block.batch.requests)
        return Persist("blocks", block)

    def snapshot(
        self,
        snapshot: Snapshot,
        proof: tuple[Checkpoint, ...] = (),
        epochs: tuple[CertifiedState, ...] = (),
    ) -> Effect:
        """A checkpoint was reached, or (with ``proof``) a state was fetched."""
        record = self._record(snapshot, proof, epochs)
        self._weight += 1 + len(record.entries) + len(record.replies)
        return Persist("blocks", record)

    def _record(
        self,
        snapshot: Snapshot,
        proof: tuple[Checkpoint, ...] = (),
        epochs: tuple[CertifiedState, ...] = (),
        *,
        whole: bool = False,
    ) -> SnapshotRecord:
        before = (StateTree(), StateTree()) if whole else self._last
        self._last = snapshot.trees
        return SnapshotRecord(
            snapshot.state,
            snapshot.header,
            before[0].changes_to(snapshot.trees[0]),
            before[1].changes_to(snapshot.trees[1]),
            whole,
            proof,
            epochs,
        )

    def settle(
        self,
        certified: CertifiedState,
        epochs: tuple[CertifiedState, ...],
        chain: Chain,
        snapshots: Snapshots,
        keep: int,
    ) -> list[Effect]:
        """``certified`` is stable: replace the file if that is worth it. ``keep`` blocks up to
        it stay for others."""
        snapshot = snapshots.get(certified.sequence)
        if snapshot is None or self._weight < max(self._rewrite_after, self._whole):
            return []
        base = certified.sequence
        records: list[Any] = list(chain.between(base - keep + 1, base))
        first = self._record(snapshot, certified.proof, epochs, whole=True)
        records.append(first)
        self._whole = len(records) + len(first.entries) + len(first.replies)
        self._weight = 0
        for block in chain.between(base + 1, chain.height):
            records.append(block)
            later = snapshots.get(block.header.height)
            if later is not None:
                records.append(self._record(later))
        return [Compact(tuple(records), "blocks")]

    # -- booting ------------------------------------------------------------------------

    def read(self, records: Sequence[Any], log: Iterable[Any]) -> Start:
        """What the file, and the proof in the vote log, are good for."""
        log = tuple(log)
        backed = records[: _backed(records, log, self._owner)]
        start = self._read(backed, log)
        if len(backed) < len(records) and start.reset is None:
            return msgspec.structs.replace(start, reset=Compact(tuple(backed), "blocks"))
        return start

    def _read(self, records: Sequence[Any], log: Iterable[Any]) -> Start:
        place, certified, epochs = _last_stable(records, log)
        self._recorded = frozenset(
            r.state.sequence for r in records[place + 1 :] if isinstance(r, SnapshotRecord)
        )
        if certified is None:
            return Start(None, None, (), [], _following(records, 0))
        snapshot = self._fold(records[: place + 1])
        if snapshot is None:
            self._recorded = frozenset()
            blocks = _following(records, 0)
            return Start(None, None, (), [], blocks, Compact(tuple(blocks), "blocks"))
        self._last = snapshot.trees
        base = snapshot.header.height
        return Start(
            snapshot,
            certified,
            epochs,
            _leading(records, snapshot.header),
            _following(records[place:], base),
        )

    def replayed(self, snapshot: Snapshot) -> list[Effect]:
        """A checkpoint was reached again at boot: to be written if the crash cut it off."""
        if snapshot.state.sequence not in self._recorded:
            return [self.snapshot(snapshot)]
        self._last = snapshot.trees
        return []

    def _fold(self, records: Sequence[Any]) -> Snapshot | None:
        """The last snapshot of ``records``; None if what is there doesn't add up to it."""
        trees = self._opening
        last: SnapshotRecord | None = None
        for record in records:
            if isinstance(record, SnapshotRecord):
                if record.whole:
                    trees = (StateTree(), StateTree())
                trees = (trees[0].update(record.entries), trees[1].update(record.replies))
                last = record
        if last is None:
            return None
        snapshot = Snapshot(last.state, last.header, trees)
        return snapshot if snapshot.holds_together else None


def _backed(records: Sequence[Any], log: Sequence[Any], owner: NodeId) -> int:
    """How many records come before the first block that rests on a COMMIT of one's own which the
    vote log doesn't know (PBFT rule 23).

    Where writes tear, the block may survive a crash and the prepared certificate not. Nothing had
    left by then, so the block is no promise; and without the certificate its sequence number
    can't be defended in a view change.
    """
    stable = max((r.certified.sequence for r in log if isinstance(r, StableRecord)), default=0)
    views: dict[tuple[Sequence_, bytes], View] = {}
    for record in log:
        if isinstance(record, PreparedRecord):
            proposal = record.certificate.pre_prepare
            where = (proposal.sequence, proposal.digest)
            views[where] = max(proposal.view, views.get(where, 0))
    for place, record in enumerate(records):
        if not isinstance(record, Block) or record.header.height <= stable:
            continue
        decided = record.certificate
        mine = any(commit.sender == owner for commit in decided.commits)
        if mine and views.get((decided.sequence, decided.digest), -1) < decided.view:
            return place
    return len(records)


def _last_stable(
    records: Sequence[Any], log: Iterable[Any]
) -> tuple[int, CertifiedState | None, tuple[CertifiedState, ...]]:
    """Where in the file the last snapshot is that a quorum signed, and the proof."""
    logged = {r.certified.sequence: r.certified for r in log if isinstance(r, StableRecord)}
    for place in range(len(records) - 1, -1, -1):
        record = records[place]
        if not isinstance(record, SnapshotRecord):
            continue
        if record.proof:
            return place, CertifiedState(record.state, record.proof), record.epochs
        known = logged.get(record.state.sequence)
        if known is not None and known.state.digest == record.state.digest:
            return place, known, ()
    return -1, None, ()


def _following(records: Sequence[Any], base: int) -> list[Block]:
    """The blocks right after height ``base``, in order, as long as none is missing."""
    blocks: list[Block] = []
    for record in records:
        if isinstance(record, Block) and record.header.height == base + 1 + len(blocks):
            blocks.append(record)
    return blocks


def _leading(records: Sequence[Any], base: Header) -> list[Block]:
    """The blocks right up to ``base``, in order, as long as none is missing.

    By hash: who had diverged (PBFT rule 11) has blocks of another chain in its file.
    """
    blocks: list[Block] = []
    wanted = base.hash
    for record in reversed(records):
        if isinstance(record, Block) and record.header.hash == wanted:
            blocks.append(record)
            wanted = record.header.parent
    return blocks[::-1]
