"""Merkle trees of RFC 9162 section 2.1: root, inclusion and consistency proofs.

Leaves are byte strings; ``root``, the proofs and the verifiers hash them as the RFC says: a
leaf as SHA-256(0x00 || leaf), a node as SHA-256(0x01 || left || right), and the tree of
nothing as SHA-256 of nothing. The prefixes keep a node from passing for a leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from consensus.types import DIGEST_SIZE, Digest

EMPTY_ROOT: Final[Digest] = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> Digest:
    """SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: Digest, right: Digest) -> Digest:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> Digest:
    """MTH(leaves), section 2.1.1."""
    return _fold([sha256(b"\x00" + leaf).digest() for leaf in leaves])


def _fold(level: list[Digest]) -> Digest:
    """Root over leaf hashes: pairing level by level, an odd last one rises as it is.

    That is the RFC's split at the largest power of two below n, seen from the bottom.
    """
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        paired = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) & 1:
            paired.append(level[-1])
        level = paired
    return level[0]


def _split(size: int) -> int:
    """The largest power of two below ``size`` (size > 1)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> tuple[Digest, ...]:
    """PATH(index, leaves), section 2.1.3.1: siblings from the leaf up.

    Raises ``IndexError`` unless 0 <= index < len(leaves).
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    level = [leaf_hash(leaf) for leaf in leaves]
    path = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = [_fold(level[i : i + 2]) for i in range(0, len(level), 2)]
        index >>= 1
    return tuple(path)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[Digest], tree_root: Digest
) -> bool:
    """Section 2.1.3.2: whether ``leaf`` is number ``index`` of the ``size`` under ``tree_root``."""
    if not 0 <= index < size or not _well_formed(proof):
        return False
    position, last = index, size - 1
    value = leaf_hash(leaf)
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            value = node_hash(value, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and value == tree_root


def consistency_proof(first: int, leaves: Sequence[bytes]) -> tuple[Digest, ...]:
    """PROOF(first, leaves), section 2.1.4.1: that the first ``first`` leaves are a prefix.

    Raises ``ValueError`` unless 0 < first <= len(leaves). Empty when they are equal.
    """
    if not 0 < first <= len(leaves):
        raise ValueError(f"no prefix of {first} in a tree of {len(leaves)}")
    hashes = [leaf_hash(leaf) for leaf in leaves]
    proof: list[Digest] = []
    low, high, complete = 0, len(hashes), True
    while first != high - low:
        split = _split(high - low)
        if first <= split:
            proof.append(_fold(hashes[low + split : high]))
            high = low + split
        else:
            proof.append(_fold(hashes[low : low + split]))
            first -= split
            low += split
            complete = False
    if not complete:
        proof.append(_fold(hashes[low:high]))
    return tuple(reversed(proof))


def verify_consistency(
    first: int, second: int, first_root: Digest, second_root: Digest, proof: Sequence[Digest]
) -> bool:
    """Section 2.1.4.2: whether the tree of ``first`` leaves is a prefix of that of ``second``."""
    if not 0 < first <= second or not _well_formed(proof):
        return False
    if first == second:
        return not proof and first_root == second_root
    # A complete first tree is its own first node, which the proof leaves out.
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root


def _well_formed(proof: Sequence[Digest]) -> bool:
    return all(len(item) == DIGEST_SIZE for item in proof)
