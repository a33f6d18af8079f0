"""States at checkpoints: kept for who fetches them, put together when one is fetched (rule 22).

A snapshot is two immutable trees, the state's and the reply table's, and the header that commits
to the first; it shares with the ones before it all that didn't change. The paths of its pieces:

    ""              the CheckpointState, whose digest CHECKPOINTs carry
    header          the block header that it names by hash; it names the state's root
    state/PREFIX    the subtree of the state at those digits (``nodes.tree_pieces``)
    replies/PREFIX  of the reply table, whose root the CheckpointState names
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from sortedcontainers import SortedDict

from consensus.checkpoint_state import CheckpointState
from consensus.encoding import encode
from consensus.types import Sequence
from nodes import tree_pieces
from nodes.block import Header
from nodes.state_tree import StateTree
from nodes.tree_pieces import Puzzle, cut

Trees = tuple[StateTree, StateTree]
"""The state's, and the reply table's."""

STABLE_KEPT: Final = 2
"""Stable snapshots that others can fetch."""
SNAPSHOTS_KEPT: Final = 64
"""Snapshots, stable or not: windows are far shorter."""
HEADER: Final = "header"
STATE: Final = "state/"
REPLIES: Final = "replies/"


class Snapshot(msgspec.Struct, frozen=True):
    """The whole state after a block at a checkpoint."""

    state: CheckpointState
    header: Header
    trees: Trees

    @property
    def holds_together(self) -> bool:
        """Whether the trees are what the checkpoint commits to."""
        entries, replies = self.trees
        return (
            self.header.hash == self.state.header_hash
            and self.header.state_root == entries.root
            and self.state.reply_root == replies.root
        )


class Snapshots:
    """Implements ``consensus.protocol.StateStore``."""

    def __init__(self, own: Callable[[], Trees]) -> None:
        """``own`` gives the state as it is: of it, only what differs is fetched."""
        self._own: Final = own
        self._held: Final[SortedDict[Sequence, Snapshot]] = SortedDict()
        self._stable: list[Sequence] = []
        self._target: CheckpointState | None = None
        self._header: Header | None = None
        self._entries: Puzzle | None = None
        self._replies: Puzzle | None = None
        self._earlier: Puzzle | None = None
        """Of the state's pieces what was found for an earlier target."""

    # -- for others ---------------------------------------------------------------------

    def keep(self, snapshot: Snapshot) -> None:
        """A checkpoint was reached."""
        self._held[snapshot.state.sequence] = snapshot
        if len(self._held) > SNAPSHOTS_KEPT:
            self._held.popitem(0)

    def get(self, sequence: Sequence) -> Snapshot | None:
        """The snapshot at a checkpoint, if it is held."""
        found: Snapshot | None = self._held.get(sequence)
        return found

    def settle(self, sequence: Sequence) -> None:
        """The state at ``sequence`` is stable: of those before it, one is kept besides."""
        self._stable = [*self._stable, sequence][-STABLE_KEPT:]
        while self._held and self._held.peekitem(0)[0] < self._stable[0]:
            self._held.popitem(0)

    def piece(self, sequence: Sequence, path: str) -> bytes | None:
        """See ``StateStore``."""
        snapshot = self.get(sequence)
        if snapshot is None:
            return None
        if not path:
            return encode(snapshot.state)
        if path == HEADER:
            return encode(snapshot.header)
        for start, tree in zip((STATE, REPLIES), snapshot.trees, strict=True):
            if path.startswith(start):
                return cut(tree, path.removeprefix(start))
        return None

    # -- fetching -----------------------------------------------------------------------

    def aim(self, state: CheckpointState) -> None:
        """See ``StateStore``."""
        if self._entries is not None:
            self._earlier = self._entries
        before, self._replies = self._replies, Puzzle(state.reply_root, *self._at_hand(1))
        if before is not None:
            self._replies.resume(before)
        self._target = state
        self._header = self._entries = None

    def _at_hand(self, which: int) -> list[StateTree]:
        return [self._own()[which], *(held.trees[which] for held in self._held.values())]

    def missing(self) -> Iterator[str]:
        """See ``StateStore``: the header first, it says what else there is."""
        if self._entries is None:
            yield HEADER
        else:
            yield from (STATE + prefix for prefix in self._entries.missing)
        if self._replies is not None:
            yield from (REPLIES + prefix for prefix in self._replies.missing)

    def add(self, path: str, piece: bytes) -> bool:
        """See ``StateStore``."""
        if path == HEADER:
            return self._add_header(piece)
        if path.startswith(STATE) and self._entries is not None:
            return self._entries.add(path.removeprefix(STATE), piece)
        if path.startswith(REPLIES) and self._replies is not None:
            return self._replies.add(path.removeprefix(REPLIES), piece)
        return False

    def _add_header(self, piece: bytes) -> bool:
        header = _decode_header(piece)
        if self._target is None or header is None:
            return False
        if not tree_pieces.is_right(header.hash, self._target.header_hash):
            return False
        self._header = header
        self._entries = Puzzle(header.state_root, *self._at_hand(0))
        if self._earlier is not None:
            self._entries.resume(self._earlier)
        return True

    def take(self) -> Snapshot:
        """The state that was aimed at; nothing of it is missing."""
        assert self._target is not None
        assert self._header is not None
        assert self._entries is not None
        assert self._replies is not None
        snapshot = Snapshot(
            self._target, self._header, (self._entries.tree(), self._replies.tree())
        )
        self._target = self._header = None
        self._entries = self._replies = self._earlier = None
        return snapshot


_HEADERS: Final = msgspec.msgpack.Decoder(Header)


def _decode_header(data: bytes) -> Header | None:
    try:
        return _HEADERS.decode(data)
    except (ValueError, OverflowError, RecursionError):
        return None
