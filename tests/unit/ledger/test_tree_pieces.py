"""Rule 22: a state tree travels in pieces that are checked one by one, and only what differs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes import tree_pieces
from nodes.state_tree import StateTree
from nodes.tree_pieces import PIECE_BYTES, Piece, Puzzle, cut

keys = st.integers(0, 400).map(lambda n: b"key-%d" % n)
maps = st.dictionaries(keys, st.binary(max_size=4), max_size=60)


def tree_of(items: dict[bytes, bytes]) -> StateTree:
    return StateTree().update(items.items())


def large(count: int, size: int = 200) -> StateTree:
    return tree_of({b"account-%d" % n: b"%d" % n * size for n in range(count)})


def solve(puzzle: Puzzle, source: StateTree) -> list[str]:
    """Fetches all that is missing; what was asked for, in order."""
    asked = []
    while not puzzle.complete:
        prefix = next(iter(puzzle.missing))
        piece = cut(source, prefix)
        assert piece is not None
        assert puzzle.add(prefix, piece)
        asked.append(prefix)
    return asked


@given(maps, maps)
def test_rule_22_any_tree_is_put_together_from_any_other(
    own: dict[bytes, bytes], wanted: dict[bytes, bytes]
) -> None:
    source = tree_of(wanted)
    puzzle = Puzzle(source.root, tree_of(own))
    solve(puzzle, source)
    assert puzzle.tree().root == source.root
    assert dict(puzzle.tree().items()) == wanted


@given(maps, st.dictionaries(keys, st.none() | st.binary(max_size=4), max_size=12))
def test_changes_between_trees_are_what_an_update_needs(
    before: dict[bytes, bytes], changes: dict[bytes, bytes | None]
) -> None:
    first = tree_of(before)
    second = first.update(changes.items())
    found = dict(first.changes_to(second))
    assert first.update(found.items()).root == second.root
    wanted = {k: v for k, v in changes.items() if before.get(k) != v}
    assert found == wanted  # nothing that is the same in both


def test_rule_22_pieces_are_bounded_and_small_subtrees_travel_whole() -> None:
    source = large(1_000)
    puzzle = Puzzle(source.root)
    asked = solve(puzzle, source)
    assert puzzle.tree().root == source.root
    sizes = [len(cut(source, prefix) or b"") for prefix in asked]
    assert max(sizes) < PIECE_BYTES * 1.1
    assert len(asked) < 300  # not a piece for every leaf


def test_rule_22_a_leaf_larger_than_a_piece_goes_alone() -> None:
    source = tree_of({b"a": b"x" * 2 * PIECE_BYTES, b"b": b"y", b"c": b"z"})
    puzzle = Puzzle(source.root)
    solve(puzzle, source)
    assert dict(puzzle.tree().items())[b"a"] == b"x" * 2 * PIECE_BYTES


def test_rule_22_only_what_differs_is_asked_for() -> None:
    own = large(5_000)
    source = own.update([(b"account-77", b"changed"), (b"new", b"account")])
    whole = len(solve(Puzzle(source.root), source))
    asked = len(solve(Puzzle(source.root, own), source))
    assert whole > 250
    assert asked <= 6  # the branches and leaves on two paths
    assert not solve(Puzzle(own.root, own), own)


def test_rule_22_what_was_found_for_an_earlier_target_serves_a_later_one() -> None:
    early = large(5_000)
    late = early.update([(b"account-77", b"changed")])
    first = Puzzle(early.root)
    solve(first, early)
    second = Puzzle(late.root)
    second.resume(first)
    assert len(solve(second, late)) <= 4
    assert second.tree().root == late.root


@pytest.mark.parametrize("count", [3, 1_000])
def test_rule_22_a_wrong_piece_is_refused_wherever_it_lies(count: int) -> None:
    source = large(count)
    puzzle = Puzzle(source.root)
    while not puzzle.complete:
        prefix = next(iter(puzzle.missing))
        piece = cut(source, prefix)
        assert piece is not None
        decoded = tree_pieces._DECODER.decode(piece)
        for wrong in wrong_pieces(decoded):
            assert not puzzle.add(prefix, tree_pieces.encode(wrong))
        for junk in (b"", b"\xff", piece[:-1], piece + b"\x00"):
            assert not puzzle.add(prefix, junk)
        assert not puzzle.add(prefix + "0", piece)
        assert puzzle.add(prefix, piece)
    assert puzzle.tree().root == source.root


def wrong_pieces(piece: Piece) -> list[Piece]:
    if piece.leaves:
        (key, value), *rest = piece.leaves
        return [
            Piece(((key, value + b"!"), *rest)),
            Piece(((key + b"!", value), *rest)),
            Piece(((b"more", b""), *piece.leaves)),
            Piece((*piece.leaves, piece.leaves[0])),
            Piece(tuple(rest)),
            Piece(),
        ]
    hashes = piece.children
    return [
        Piece((), piece.bitmap, (bytes(32), *hashes[1:])),
        Piece((), piece.bitmap, hashes[1:]),
        Piece((), piece.bitmap << 1, hashes),
        Piece((), piece.bitmap, (b"short", *hashes[1:])),
        Piece((), 0, ()),
    ]
