"""RFC 9162 section 2.1: the published vectors, and what any two trees must satisfy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes import merkle

# The vectors that Certificate Transparency implementations share (RFC 6962, same hashing).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, [A, B, C]),
        (5, 8, [D, E, ROOTS[4]]),
        (2, 3, [ROOTS[2]]),
        (1, 5, [ROOTS[1], B, D]),
    ],
)
def test_known_inclusion_proofs(index: int, size: int, path: list[str]) -> None:
    assert [item.hex() for item in merkle.inclusion_proof(index, LEAVES[:size])] == path


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[4]]), (2, 5, [B, D])],
)
def test_known_consistency_proofs(first: int, second: int, path: list[str]) -> None:
    assert [item.hex() for item in merkle.consistency_proof(first, LEAVES[:second])] == path


def test_example_of_rfc_9162() -> None:
    """Section 2.1.5: the proofs in the tree of seven leaves, by the names drawn there."""
    data = [bytes([i]) for i in range(7)]
    a, b, c, d, e, f, j = (merkle.leaf_hash(item) for item in data)
    g, h, i = merkle.node_hash(a, b), merkle.node_hash(c, d), merkle.node_hash(e, f)
    k, l_ = merkle.node_hash(g, h), merkle.node_hash(i, j)
    assert merkle.root(data) == merkle.node_hash(k, l_)
    assert merkle.inclusion_proof(0, data) == (b, h, l_)
    assert merkle.inclusion_proof(3, data) == (c, g, l_)
    assert merkle.inclusion_proof(4, data) == (f, j, k)
    assert merkle.inclusion_proof(6, data) == (i, k)
    assert merkle.consistency_proof(3, data) == (c, d, g, l_)
    assert merkle.consistency_proof(4, data) == (l_,)
    assert merkle.consistency_proof(6, data) == (i, j, k)


def test_out_of_range() -> None:
    with pytest.raises(IndexError):
        merkle.inclusion_proof(2, LEAVES[:2])
    with pytest.raises(ValueError, match="no prefix of 0"):
        merkle.consistency_proof(0, LEAVES)
    assert not merkle.verify_inclusion(b"", 1, 1, [], merkle.root([b""]))
    assert not merkle.verify_consistency(0, 1, merkle.root([]), merkle.root([b""]), [])


leaves = st.lists(st.binary(max_size=3), min_size=1, max_size=40)


@given(leaves, st.data())
def test_inclusion(data: list[bytes], draw: st.DataObject) -> None:
    index = draw.draw(st.integers(0, len(data) - 1))
    root, proof = merkle.root(data), merkle.inclusion_proof(index, data)
    assert merkle.verify_inclusion(data[index], index, len(data), proof, root)
    assert not merkle.verify_inclusion(data[index] + b"x", index, len(data), proof, root)
    assert not merkle.verify_inclusion(data[index], index, len(data), (*proof, root), root)
    assert not merkle.verify_inclusion(data[index], index, len(data), proof, bytes(32))
    if proof:
        assert not merkle.verify_inclusion(data[index], index, len(data), proof[:-1], root)
    for other in range(len(data)):
        if data[other] != data[index]:
            assert not merkle.verify_inclusion(data[index], other, len(data), proof, root)


@given(leaves, st.data())
def test_consistency(data: list[bytes], draw: st.DataObject) -> None:
    first = draw.draw(st.integers(1, len(data)))
    proof = merkle.consistency_proof(first, data)
    old, new = merkle.root(data[:first]), merkle.root(data)
    assert merkle.verify_consistency(first, len(data), old, new, proof)
    forged = merkle.root([*data[: first - 1], data[first - 1] + b"x"])
    assert not merkle.verify_consistency(first, len(data), forged, new, proof)
    assert not merkle.verify_consistency(first, len(data), old, forged, proof)
    assert not merkle.verify_consistency(first, len(data), old, new, (*proof, new))
    if proof:
        assert not merkle.verify_consistency(first, len(data), old, new, proof[1:])
