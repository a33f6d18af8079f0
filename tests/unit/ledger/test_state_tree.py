"""The authenticated map: contents decide the root, proofs convince, forgeries don't."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes import state_tree
from nodes.state_tree import Level, Proof, StateTree, verify

keys = st.integers(0, 400).map(lambda n: b"key-%d" % n)
maps = st.dictionaries(keys, st.binary(max_size=4), max_size=60)


def tree_of(items: dict[bytes, bytes]) -> StateTree:
    return StateTree().update(items.items())


def naive_root(items: dict[bytes, bytes]) -> bytes:
    """The definition in the module's docstring, written down again without any cleverness."""

    def node(leaves: dict[str, bytes], depth: int) -> bytes:
        if len(leaves) == 1:
            [(path, value)] = leaves.items()
            return sha256(b"\x00" + bytes.fromhex(path) + sha256(value).digest()).digest()
        bitmap, hashes = 0, b""
        for position, digit in enumerate("0123456789abcdef"):
            below = {path: v for path, v in leaves.items() if path[depth] == digit}
            if below:
                bitmap |= 1 << position
                hashes += node(below, depth + 1)
        return sha256(b"\x01" + bitmap.to_bytes(2, "big") + hashes).digest()

    paths = {sha256(key).hexdigest(): value for key, value in items.items()}
    return node(paths, 0) if paths else bytes(32)


@given(maps)
def test_root_is_as_defined(items: dict[bytes, bytes]) -> None:
    assert tree_of(items).root == naive_root(items)


@given(st.lists(st.dictionaries(keys, st.none() | st.binary(max_size=4), max_size=12), max_size=8))
def test_root_depends_on_contents_only(blocks: list[dict[bytes, bytes | None]]) -> None:
    """However many updates and removals led there, and in whatever order."""
    tree = StateTree()
    contents: dict[bytes, bytes] = {}
    for block in blocks:
        before = tree.root
        longer = tree.update(block.items())
        assert tree.root == before, "an update must not change the tree that it starts from"
        assert tree.update(reversed(list(block.items()))).root == longer.root
        tree = longer
        merged = {**contents, **block}
        contents = {key: value for key, value in merged.items() if value is not None}
    assert tree.root == naive_root(contents)


@given(maps, keys, st.binary(max_size=4))
def test_proofs(items: dict[bytes, bytes], key: bytes, other: bytes) -> None:
    """A proof shows a key's value, or its absence, and nothing else."""
    tree = tree_of(items)
    proof, value = tree.prove(key), items.get(key)
    assert verify(tree.root, key, value, proof)
    assert verify(tree.root, key, other, proof) == (other == value)
    assert verify(tree.root, key, None, proof) == (value is None)
    assert not verify(sha256(tree.root).digest(), key, value, proof)


@given(maps.filter(lambda items: len(items) > 20), keys, st.data())
def test_damaged_proofs_fail(items: dict[bytes, bytes], key: bytes, data: st.DataObject) -> None:
    tree = tree_of(items)
    proof = tree.prove(key)
    value = items.get(key)
    index = data.draw(st.integers(0, len(proof.levels) - 1))
    level = proof.levels[index]
    bit = data.draw(st.integers(0, 16))
    damaged = [replace(level, bitmap=level.bitmap ^ (1 << bit))]
    if level.others:
        which = data.draw(st.integers(0, len(level.others) - 1))
        flipped = bytes([level.others[which][0] ^ 1]) + level.others[which][1:]
        damaged += [
            replace(level, others=level.others[:which] + level.others[which + 1 :]),
            replace(level, others=(*level.others[:which], flipped, *level.others[which + 1 :])),
            replace(level, others=(*level.others, b"short")),
        ]
    for one in damaged:
        levels = (*proof.levels[:index], one, *proof.levels[index + 1 :])
        assert not verify(tree.root, key, value, replace(proof, levels=levels))
    assert not verify(tree.root, key, value, replace(proof, levels=proof.levels[1:]))


def test_a_neighbour_elsewhere_proves_no_absence() -> None:
    """A present key can't be denied by showing another leaf in its place."""
    items = {b"key-%d" % n: b"v" for n in range(50)}
    tree = tree_of(items)
    for key in items:
        proof = tree.prove(key)
        other = next(k for k in items if k != key)
        value_hash = sha256(b"v").digest()
        for neighbour in (
            (sha256(other).hexdigest(), value_hash),
            (sha256(key).hexdigest(), value_hash),
            ("no path", value_hash),
            (sha256(other).hexdigest().upper(), value_hash),
            (sha256(other).hexdigest(), b""),
        ):
            assert not verify(tree.root, key, None, replace(proof, neighbour=neighbour))


def test_a_child_off_the_path_proves_no_absence() -> None:
    """Showing all children of a branch, the key's own among them, doesn't deny the key."""
    items = {b"key-%d" % n: b"v" for n in range(50)}
    tree = tree_of(items)
    assert isinstance(tree.top, state_tree.Branch)
    hashes = tuple(child.hash for child in tree.top.children if child is not None)
    forged = Proof((Level(tree.top.bitmap, hashes),))
    for key in items:
        assert not verify(tree.root, key, None, forged)


def test_a_neighbour_must_share_the_path() -> None:
    """Even under a root that no honest tree has."""
    key, other = b"key-0", b"key-1"
    path, stranger = (sha256(item).hexdigest() for item in (key, other))
    assert path[0] != stranger[0]
    value_hash = sha256(b"v").digest()
    leaf = sha256(b"\x00" + bytes.fromhex(stranger) + value_hash).digest()
    bitmap = 1 << int(path[0], 16)
    root = sha256(b"\x01" + bitmap.to_bytes(2, "big") + leaf).digest()
    assert not verify(root, key, None, Proof((Level(bitmap, ()),), (stranger, value_hash)))


def test_unbounded_proofs_are_refused() -> None:
    levels = (Level(1, ()),) * (state_tree.MAX_DEPTH + 1)
    assert not verify(bytes(32), b"key", b"value", Proof(levels))


def test_empty() -> None:
    assert StateTree().root == bytes(32)
    assert verify(bytes(32), b"anything", None, StateTree().prove(b"anything"))
    assert tree_of({b"a": b"1"}).update([(b"a", None)]).root == bytes(32)
