"""Identities and how often they occurred."""

from __future__ import annotations

from chainsim.simulation.draws import Draws, Key, Occurrences, type_number
from consensus.messages import MESSAGE_TYPES, Commit, Prepare, Reply
from tests.unit.simulation.dummies import Ping

PREPARE = type_number(Prepare)
REPLY = type_number(Reply)


def key(sequence: int, view: int = 0, kind: int = PREPARE, peer: int = 1) -> Key:
    return (kind, peer, 0, view, sequence)


def test_golden_words() -> None:
    """These never change: every digest of every run hangs on them."""
    words = Draws(7).words(3, 0, (PREPARE, 3, 0, 1, 42), 0, 0, 2)
    assert [f"{word:016x}" for word in words] == GOLDEN


GOLDEN = ["634dd52330ec9571", "9753eea41d4857b8"]


def test_every_part_of_the_identity_matters() -> None:
    draws = Draws(1)
    base = draws.words(1, 2, (3, 4, 5, 6, 7), 8, 9)
    others = [
        draws.words(0, 2, (3, 4, 5, 6, 7), 8, 9),
        draws.words(1, 0, (3, 4, 5, 6, 7), 8, 9),
        *(
            draws.words(1, 2, tuple(9 if i == j else 3 + i for i in range(5)), 8, 9)  # type: ignore[arg-type]
            for j in range(5)
        ),
        draws.words(1, 2, (3, 4, 5, 6, 7), 0, 9),
        draws.words(1, 2, (3, 4, 5, 6, 7), 8, 0),
        draws.words(1, 2, (3, 4, 5, 6, 7), 8, 9, 1, 5),
        Draws(2).words(1, 2, (3, 4, 5, 6, 7), 8, 9),
    ]
    assert len({base, *others}) == len(others) + 1


def test_longer_draws_begin_with_shorter_ones() -> None:
    draws = Draws(1)
    assert draws.words(1, 0, (0, 0, 0, 0, 0), 0, 0, 9)[:3] == draws.words(
        1, 0, (0, 0, 0, 0, 0), 0, 0, 3
    )


def test_types_have_stable_and_distinct_numbers() -> None:
    assert [type_number(kind) for kind in MESSAGE_TYPES] == list(range(len(MESSAGE_TYPES)))
    assert type_number(Ping) >= 1 << 16
    assert type_number(Commit) != type_number(Prepare)


def test_broadcasts_count_together_and_single_sends_apart() -> None:
    seen = Occurrences()
    to = ("b", "c", "d")
    assert [seen.broadcast(key(1), to) for _ in range(3)] == [0, 1, 2]
    assert [seen.unicast(key(1), "c") for _ in range(2)] == [3, 4]
    assert seen.unicast(key(1), "z") == 0
    assert seen.broadcast(key(1), to) == -1  # c had more: no number is shared any longer
    assert [seen.unicast(key(1), name) for name in to] == [3, 5, 3]


def test_a_broadcast_to_others_counts_apart() -> None:
    seen = Occurrences()
    assert seen.broadcast(key(1), ("b", "c")) == 0
    assert seen.broadcast(key(1), ("b",)) == -1
    assert seen.unicast(key(1), "b") == 1
    assert seen.unicast(key(2), "b") == 0
    assert seen.broadcast(key(2), ("b", "c")) == -1


def test_stability_forgets_and_what_returns_is_of_a_new_era() -> None:
    seen = Occurrences()
    for sequence in range(1, 31):
        assert seen.broadcast(key(sequence), ("b",)) == 0
        assert seen.era(key(sequence)) == 0
    seen.stable(20)
    assert len(seen) == 10
    assert seen.era(key(20)) == 20
    assert seen.era(key(21)) == 0
    assert seen.broadcast(key(21), ("b",)) == 1
    first = (seen.era(key(5)), seen.broadcast(key(5), ("b",)))
    seen.stable(30)
    again = (seen.era(key(5)), seen.broadcast(key(5), ("b",)))
    assert first == (20, 0)
    assert again == (30, 0)


def test_replies_are_forgotten_by_number_and_new_numbers_stay_untouched() -> None:
    seen = Occurrences()
    for number in (1, 2, 300):
        seen.unicast(key(number, kind=REPLY), "c")
    seen.stable(10)
    assert len(seen) == 0
    assert seen.era(key(300, kind=REPLY)) == 10
    assert seen.era(key(301, kind=REPLY)) == 0
    assert seen.era(key(1, kind=REPLY, peer=2)) == 0  # another client's


def test_view_changes_are_kept_until_their_view_is_past() -> None:
    seen = Occurrences()
    seen.broadcast(key(0, view=3), ("b",))
    seen.entered(3)
    seen.stable(10)
    assert seen.broadcast(key(0, view=3), ("b",)) == 1
    assert seen.era(key(0, view=3)) == 0
    seen.entered(4)
    seen.stable(20)
    assert len(seen) == 0
    assert seen.era(key(0, view=3)) == 20


def test_below_is_in_range_and_named() -> None:
    draws = Draws(1)
    values = [draws.below(b"fsync/%d" % k, 10) for k in range(2000)]
    assert set(values) == set(range(10))
    assert all(150 < values.count(k) < 250 for k in range(10))
