"""An authenticated map: a 16-ary hash trie of immutable nodes, with proofs for single keys.

A key's path is the SHA-256 of the key in hexadecimal; a leaf hangs at the first depth where its
path is alone, so the shape, and with it the root, depends on the contents only and never on
the order in which they came. ``update`` takes all changes of a block at once: each node above
a change is rebuilt and hashed once, everything else is shared with the tree before.

Hashes: leaf SHA-256(0x00 || path || SHA-256(value)); branch SHA-256(0x01 || bitmap || hashes of
the children that exist), where bit i of the big-endian 16-bit bitmap stands for child i; the
empty tree is 32 zero bytes. Leaves with one path can't occur short of a SHA-256 collision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from consensus.types import DIGEST_SIZE, ZERO_DIGEST, Digest

WIDTH: Final = 16
_POSITION: Final = {digit: position for position, digit in enumerate("0123456789abcdef")}
MAX_DEPTH: Final = 2 * DIGEST_SIZE
EMPTY_ROOT: Final[Digest] = ZERO_DIGEST


class Leaf:
    """A key and its value, and where they hang."""

    __slots__ = ("hash", "key", "path", "value", "value_hash")

    def __init__(self, path: str, key: bytes, value: bytes) -> None:
        self.path: Final[str] = path
        self.key: Final[bytes] = key
        self.value: Final[bytes] = value
        self.value_hash: Final[Digest] = sha256(value).digest()
        self.hash: Final[Digest] = _leaf_hash(path, self.value_hash)


class Branch:
    """An inner node; bit i of ``bitmap`` says whether child i exists.

    ``hashes`` are the children's, one after the other. They are kept joined, so that a change of
    one child visits that child alone: among millions of entries the others are far away in memory.
    """

    __slots__ = ("bitmap", "children", "hash", "hashes")

    def __init__(
        self, children: list[Node | None], bitmap: int, hashes: bytes | None = None
    ) -> None:
        if hashes is None:
            hashes = b"".join([child.hash for child in children if child is not None])
        self.children: Final[list[Node | None]] = children
        self.bitmap: Final[int] = bitmap
        self.hashes: Final[bytes] = hashes
        self.hash: Final[Digest] = _joined_hash(bitmap, hashes)


Node: TypeAlias = Leaf | Branch
_Change: TypeAlias = tuple[str, Leaf | None]


def _leaf_hash(path: str, value_hash: Digest) -> Digest:
    return sha256(b"\x00" + bytes.fromhex(path) + value_hash).digest()


def branch_hash(bitmap: int, hashes: Sequence[Digest]) -> Digest:
    """Of a branch with these children."""
    return _joined_hash(bitmap, b"".join(hashes))


def _joined_hash(bitmap: int, hashes: bytes) -> Digest:
    return sha256(b"\x01" + bitmap.to_bytes(2, "big") + hashes).digest()


@lru_cache(maxsize=1 << 17)
def path_of(key: bytes) -> str:
    """Where ``key`` hangs: its SHA-256 in hexadecimal (remembered: keys recur)."""
    return sha256(key).hexdigest()


class Level(msgspec.Struct, frozen=True):
    """One branch on a path: which children exist, and the hashes of those off the path."""

    bitmap: int
    others: tuple[Digest, ...]


class Proof(msgspec.Struct, frozen=True):
    """The branches from the root down to where a key is, or would be."""

    levels: tuple[Level, ...]
    neighbour: tuple[str, Digest] | None = None
    """For absence: path and value hash of the one leaf that hangs in the key's place."""


class StateTree:
    """An immutable authenticated map from byte keys to byte values."""

    __slots__ = ("top",)

    def __init__(self, top: Node | None = None) -> None:
        self.top: Final = top
        """The root's node; None: empty."""

    @property
    def root(self) -> Digest:
        """32 bytes that commit to every key and value."""
        return EMPTY_ROOT if self.top is None else self.top.hash

    def update(self, changes: Iterable[tuple[bytes, bytes | None]]) -> StateTree:
        """The tree after setting each key to its value (None removes it). Keys are distinct."""
        items: list[_Change] = []
        for key, value in changes:
            path = path_of(key)
            items.append((path, None if value is None else Leaf(path, key, value)))
        if not items:
            return self
        items.sort(key=_path_of_change)
        return StateTree(_merge(self.top, items, 0))

    def find(self, key: bytes) -> bytes | None:
        """The value of ``key``; None if it is absent."""
        path = path_of(key)
        node, depth = self.top, 0
        while isinstance(node, Branch):
            node, depth = node.children[_POSITION[path[depth]]], depth + 1
        return node.value if node is not None and node.path == path else None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys and values, in order of path."""
        for leaf in leaves_of(self.top):
            yield leaf.key, leaf.value

    def changes_to(self, after: StateTree) -> tuple[tuple[bytes, bytes | None], ...]:
        """What ``update`` needs to make ``after`` of this tree; what both share isn't visited."""
        changes: dict[bytes, bytes | None] = {}
        _collect(self.top, after.top, changes)
        return tuple(changes.items())

    def prove(self, key: bytes) -> Proof:
        """Evidence for ``verify`` that ``key`` has its value, or that it is absent."""
        path = path_of(key)
        levels: list[Level] = []
        node = self.top
        while isinstance(node, Branch):
            own = _POSITION[path[len(levels)]]
            others = tuple(
                child.hash
                for position, child in enumerate(node.children)
                if child is not None and position != own
            )
            levels.append(Level(node.bitmap, others))
            node = node.children[own]
        neighbour = None
        if node is not None and node.path != path:
            neighbour = (node.path, node.value_hash)
        return Proof(tuple(levels), neighbour)


def leaves_of(node: Node | None) -> Iterator[Leaf]:
    """All leaves of a subtree, in order of path."""
    if isinstance(node, Branch):
        for child in node.children:
            if child is not None:
                yield from leaves_of(child)
    elif node is not None:
        yield node


def _collect(before: Node | None, after: Node | None, changes: dict[bytes, bytes | None]) -> None:
    """Into ``changes``: the leaves of ``after`` that ``before`` lacks, None for those it lost."""
    if before is after or (before is not None and after is not None and before.hash == after.hash):
        return
    if isinstance(before, Branch) and isinstance(after, Branch):
        for old, new in zip(before.children, after.children, strict=True):
            _collect(old, new, changes)
        return
    kept = {leaf.path: leaf for leaf in leaves_of(before)}
    for leaf in leaves_of(after):
        known = kept.pop(leaf.path, None)
        if known is None or known.value_hash != leaf.value_hash:
            changes[leaf.key] = leaf.value
    changes.update((leaf.key, None) for leaf in kept.values())


def _path_of_change(change: _Change) -> str:
    return change[0]


def _merge(node: Node | None, items: list[_Change], depth: int) -> Node | None:
    """``node`` (at ``depth``) after ``items``, sorted by path, all under its prefix."""
    if len(items) == 1:
        return _merge_one(node, items[0], depth)
    if not isinstance(node, Branch):
        return build(_with_leaf(node, items), depth)
    children, bitmap, hashes = node.children.copy(), node.bitmap, node.hashes
    for position, start, end in _groups(items, depth):
        child = children[position] = _merge(children[position], items[start:end], depth + 1)
        bitmap, hashes = _joined(bitmap, hashes, position, child)
    return _folded(children, bitmap, hashes)


def _merge_one(node: Node | None, item: _Change, depth: int) -> Node | None:
    """The same for one change, which is what most branches of a large tree see."""
    if not isinstance(node, Branch):
        path, leaf = item
        if node is None or node.path == path:
            return leaf
        return build(_with_leaf(node, [item]), depth)
    position = _POSITION[item[0][depth]]
    children = node.children.copy()
    child = children[position] = _merge_one(children[position], item, depth + 1)
    bitmap, hashes = _joined(node.bitmap, node.hashes, position, child)
    return _folded(children, bitmap, hashes)


def _joined(bitmap: int, hashes: bytes, position: int, child: Node | None) -> tuple[int, bytes]:
    """Bitmap and joined hashes once ``child`` is in its place."""
    bit = 1 << position
    place = (bitmap & (bit - 1)).bit_count() * DIGEST_SIZE
    after = place + DIGEST_SIZE if bitmap & bit else place
    if child is None:
        return bitmap & ~bit, hashes[:place] + hashes[after:]
    return bitmap | bit, hashes[:place] + child.hash + hashes[after:]


def _folded(children: list[Node | None], bitmap: int, hashes: bytes) -> Node | None:
    """The branch of these children; of at most one child nothing is left, or a leaf that takes
    the branch's place."""
    if not bitmap & (bitmap - 1):
        only = children[bitmap.bit_length() - 1] if bitmap else None
        if not isinstance(only, Branch):
            return only
    return Branch(children, bitmap, hashes)


def _with_leaf(leaf: Leaf | None, items: list[_Change]) -> list[Leaf]:
    """The leaves that a place with at most one leaf has after ``items``, sorted by path."""
    leaves = [item for _, item in items if item is not None]
    if leaf is not None and all(path != leaf.path for path, _ in items):
        leaves.append(leaf)
        leaves.sort(key=lambda item: item.path)
    return leaves


def build(leaves: list[Leaf], depth: int) -> Node | None:
    """A new subtree at ``depth`` of ``leaves``, which are sorted by path and distinct."""
    if len(leaves) < 2:
        return leaves[0] if leaves else None
    children: list[Node | None] = [None] * WIDTH
    bitmap = 0
    for position, start, end in _groups([(leaf.path, leaf) for leaf in leaves], depth):
        children[position] = build(leaves[start:end], depth + 1)
        bitmap |= 1 << position
    return Branch(children, bitmap)


def _groups(items: Sequence[_Change], depth: int) -> list[tuple[int, int, int]]:
    """(child, start, end) of the runs of ``items`` that share the path's digit at ``depth``."""
    start = 0
    digit = items[0][0][depth]
    groups = []
    for index in range(1, len(items)):
        following = items[index][0][depth]
        if following != digit:
            groups.append((_POSITION[digit], start, index))
            start, digit = index, following
    groups.append((_POSITION[digit], start, len(items)))
    return groups


def verify(root: Digest, key: bytes, value: bytes | None, proof: Proof) -> bool:
    """Whether ``key`` has ``value`` (None: is absent) in the tree under ``root``.

    Never raises, whatever the proof holds.
    """
    path = sha256(key).hexdigest()
    if len(proof.levels) > MAX_DEPTH:
        return False
    if value is not None:
        here: Digest | None = _leaf_hash(path, sha256(value).digest())
    elif proof.neighbour is None:
        here = None
    else:
        other, value_hash = proof.neighbour
        if not _is_path(other) or other == path or len(value_hash) != DIGEST_SIZE:
            return False
        if other[: len(proof.levels)] != path[: len(proof.levels)]:
            return False
        here = _leaf_hash(other, value_hash)
    for depth in reversed(range(len(proof.levels))):
        here = _climb(proof.levels[depth], _POSITION[path[depth]], here)
        if here is None:
            return False
    return (EMPTY_ROOT if here is None else here) == root


def _climb(level: Level, own: int, here: Digest | None) -> Digest | None:
    """Hash of a branch whose child ``own`` has hash ``here``; None if the level is malformed."""
    if not 0 <= level.bitmap < 1 << WIDTH or bool(level.bitmap >> own & 1) != (here is not None):
        return None
    if any(len(item) != DIGEST_SIZE for item in level.others):
        return None
    hashes = list(level.others)
    if here is not None:
        hashes.insert((level.bitmap & ((1 << own) - 1)).bit_count(), here)
    if len(hashes) != level.bitmap.bit_count():
        return None
    return branch_hash(level.bitmap, hashes)


def _is_path(path: str) -> bool:
    return len(path) == MAX_DEPTH and all(digit in _POSITION for digit in path)
