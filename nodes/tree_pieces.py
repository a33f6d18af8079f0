"""A state tree in pieces: cut for those who fetch it, and put together again (rule 22).

A piece stands for one subtree and is named by the digits that lead there. It holds all leaves of
the subtree if they fit into ``PIECE_BYTES``, else only the hashes of its children, which are
pieces in their turn. Whoever knows the root knows what hash each piece must have, so a piece is
checked alone, whoever sent it, and a subtree that one has already isn't asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from consensus.encoding import encode
from consensus.types import DIGEST_SIZE, Digest
from nodes.state_tree import (
    EMPTY_ROOT,
    MAX_DEPTH,
    WIDTH,
    Branch,
    Leaf,
    Node,
    StateTree,
    branch_hash,
    build,
    leaves_of,
    path_of,
)

PIECE_BYTES: Final = 16 * 1024
"""Keys and values of the leaves in one piece: a subtree of more is sent as its children's hashes
(but a single leaf always goes whole)."""
DIGITS: Final = "0123456789abcdef"


class Piece(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One subtree: its leaves as (key, value), or the hashes of its children."""

    leaves: tuple[tuple[bytes, bytes], ...] = ()
    bitmap: int = 0
    children: tuple[Digest, ...] = ()


_DECODER: Final = msgspec.msgpack.Decoder(Piece)


def cut(tree: StateTree, prefix: str) -> bytes | None:
    """The piece of ``tree`` at ``prefix``; None if nothing hangs there, or nothing ever can."""
    if len(prefix) > MAX_DEPTH or any(digit not in DIGITS for digit in prefix):
        return None
    node = _find(tree, prefix)
    if node is None:
        return None
    leaves: list[tuple[bytes, bytes]] = []
    size = 0
    for leaf in leaves_of(node):
        size += len(leaf.key) + len(leaf.value)
        if size > PIECE_BYTES and isinstance(node, Branch):
            hashes = tuple(child.hash for child in node.children if child is not None)
            return encode(Piece((), node.bitmap, hashes))
        leaves.append((leaf.key, leaf.value))
    return encode(Piece(tuple(leaves)))


def _find(tree: StateTree, prefix: str) -> Node | None:
    """What of ``tree`` lies below ``prefix``."""
    node = tree.top
    for digit in prefix:
        if not isinstance(node, Branch):
            break
        node = node.children[DIGITS.index(digit)]
    if isinstance(node, Leaf) and not node.path.startswith(prefix):
        return None
    return node


def is_right(found: Digest, wanted: Digest) -> bool:
    """Whether what was sent is what the quorum signed: nobody is believed."""
    return found == wanted


class Puzzle:
    """Puts the tree with a given root together from pieces, and from what trees at hand share."""

    def __init__(self, root: Digest, *at_hand: StateTree) -> None:
        self._root: Final = root
        self._at_hand: Final = at_hand
        self._missing: Final[dict[str, Digest]] = {}
        """Prefixes of pieces that are known to be needed, and the hash of each."""
        self._branches: Final[dict[Digest, Piece]] = {}
        """Those that aren't complete by themselves, by hash."""
        self._found: Final[dict[Digest, Node]] = {}
        """Subtrees that are complete."""
        if root != EMPTY_ROOT:
            self._need("", root)

    @property
    def missing(self) -> Iterator[str]:
        """Prefixes of the pieces to ask for now; none: it is complete."""
        return iter(self._missing)

    @property
    def complete(self) -> bool:
        """Whether every piece is there."""
        return not self._missing

    def resume(self, before: Puzzle) -> None:
        """Take over what another one, for an earlier state, had found."""
        self._found.update(before._found)
        self._branches.update(before._branches)
        missing = list(self._missing.items())
        self._missing.clear()
        for prefix, hash_ in missing:
            self._need(prefix, hash_)

    def add(self, prefix: str, data: bytes) -> bool:
        """Take a piece; False if it isn't the one that is missing at ``prefix``.

        Never raises, whatever the bytes.
        """
        wanted = self._missing.get(prefix)
        piece = _decode(data)
        if wanted is None or piece is None:
            return False
        if piece.leaves:
            node = _plant(piece.leaves, prefix)
            if node is None or not is_right(node.hash, wanted):
                return False
            self._found[wanted] = node
            del self._missing[prefix]
            return True
        if not _is_branch(piece):
            return False
        if not is_right(branch_hash(piece.bitmap, piece.children), wanted):
            return False
        del self._missing[prefix]
        self._branches[wanted] = piece
        self._expand(prefix, piece)
        return True

    def _expand(self, prefix: str, piece: Piece) -> None:
        for position, child in zip(_positions(piece.bitmap), piece.children, strict=True):
            self._need(prefix + DIGITS[position], child)

    def _need(self, prefix: str, hash_: Digest) -> None:
        if hash_ in self._found:
            return
        for tree in self._at_hand:
            node = _find(tree, prefix)
            if node is not None and node.hash == hash_:
                self._found[hash_] = node
                return
        known = self._branches.get(hash_)
        if known is not None:
            self._expand(prefix, known)
        else:
            self._missing[prefix] = hash_

    def tree(self) -> StateTree:
        """The whole tree, once it is complete."""
        assert self.complete
        if self._root == EMPTY_ROOT:
            return StateTree()
        return StateTree(self._assemble(self._root))

    def _assemble(self, hash_: Digest) -> Node:
        found = self._found.get(hash_)
        if found is not None:
            return found
        piece = self._branches[hash_]
        children: list[Node | None] = [None] * WIDTH
        for position, child in zip(_positions(piece.bitmap), piece.children, strict=True):
            children[position] = self._assemble(child)
        return Branch(children, piece.bitmap)


def _decode(data: bytes) -> Piece | None:
    try:
        return _DECODER.decode(data)
    except (ValueError, OverflowError, RecursionError):
        return None


def _is_branch(piece: Piece) -> bool:
    return (
        0 < piece.bitmap < 1 << WIDTH
        and len(piece.children) == piece.bitmap.bit_count()
        and all(len(child) == DIGEST_SIZE for child in piece.children)
    )


def _positions(bitmap: int) -> list[int]:
    return [position for position in range(WIDTH) if bitmap >> position & 1]


def _plant(items: tuple[tuple[bytes, bytes], ...], prefix: str) -> Node | None:
    """The subtree of these leaves below ``prefix``; None if they don't all belong there."""
    leaves = [Leaf(path_of(key), key, value) for key, value in items]
    leaves.sort(key=lambda leaf: leaf.path)
    paths = [leaf.path for leaf in leaves]
    if len(set(paths)) < len(paths) or len(prefix) >= MAX_DEPTH:
        return None
    if not all(path.startswith(prefix) for path in paths):
        return None
    return build(leaves, len(prefix))
