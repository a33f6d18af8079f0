"""Streams: golden vectors, and that draws are even and independent."""

from __future__ import annotations

import pytest

from scenarios.rng import Stream, derive


def test_golden_vectors() -> None:
    """These never change: every digest of every run hangs on them."""
    stream = Stream(7, "golden")
    assert [stream.bits(32) for _ in range(3)] == GOLDEN_BITS
    assert [stream.below(1000) for _ in range(6)] == GOLDEN_BELOW
    assert [stream.chance(500_000) for _ in range(8)] == GOLDEN_CHANCE
    items = list("abcdefgh")
    stream.shuffle(items)
    assert "".join(items) == GOLDEN_SHUFFLE
    assert stream.pick("abcdefgh") == GOLDEN_PICK
    assert derive(7, "golden", 8).hex() == GOLDEN_DERIVED


GOLDEN_BITS = [3012406967, 4164271272, 2378571263]
GOLDEN_BELOW = [9, 937, 75, 320, 407, 840]
GOLDEN_CHANCE = [False, True, True, True, False, False, True, False]
GOLDEN_SHUFFLE = "cedgfabh"
GOLDEN_PICK = "b"
GOLDEN_DERIVED = "f356074cffa23c11"


def test_streams_differ_by_seed_and_by_name() -> None:
    firsts = {Stream(seed, name).bits(64) for seed in range(20) for name in ("a", "b", "1", "")}
    assert len(firsts) == 80
    # The seed can't run into the name: (1, "2/x") is not (12, "/x").
    assert Stream(1, "2/x").bits(64) != Stream(12, "/x").bits(64)


def test_below_is_even_and_in_range() -> None:
    stream = Stream(1, "even")
    counts = [0] * 5
    for _ in range(5000):
        counts[stream.below(5)] += 1
    assert all(900 < count < 1100 for count in counts)
    assert [stream.below(1) for _ in range(3)] == [0, 0, 0]
    with pytest.raises(ValueError, match="above zero"):
        stream.below(0)


def test_between_includes_both_ends() -> None:
    stream = Stream(1, "between")
    assert {stream.between(3, 5) for _ in range(200)} == {3, 4, 5}


def test_chance_is_parts_per_million() -> None:
    stream = Stream(1, "chance")
    assert 2300 < sum(stream.chance(250_000) for _ in range(10_000)) < 2700
    assert not any(stream.chance(0) for _ in range(100))
    assert all(stream.chance(1_000_000) for _ in range(100))


def test_shuffle_reaches_every_order_about_as_often() -> None:
    stream = Stream(1, "orders")
    counts: dict[str, int] = {}
    for _ in range(6000):
        items = list("abc")
        stream.shuffle(items)
        order = "".join(items)
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    assert all(850 < count < 1150 for count in counts.values())


def test_sample_has_no_repeats_and_takes_all_if_there_are_too_few() -> None:
    stream = Stream(1, "sample")
    for _ in range(50):
        assert len(set(stream.sample("abcdef", 4))) == 4
    assert sorted(stream.sample("abc", 9)) == ["a", "b", "c"]


def test_derive_bounds_its_size() -> None:
    assert len(derive(1, "x", 32)) == 32
    for size in (0, 33):
        with pytest.raises(ValueError, match="1 to 32"):
            derive(1, "x", size)
