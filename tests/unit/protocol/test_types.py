"""Quorum arithmetic (rule 1) and the committee."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.types import Committee, Member, max_faulty, quorum_size, weak_quorum_size

SIZES = range(1, 201)


@pytest.mark.parametrize("n", SIZES)
def test_rule_01_any_two_quorums_share_more_than_f(n: int) -> None:
    """|A and B| >= 2Q - n, and at least one more than the hostile: an honest one."""
    f, quorum = max_faulty(n), quorum_size(n)
    assert 2 * quorum - n >= f + 1
    assert 2 * (quorum - 1) - n < f + 1, "and no smaller quorum does"


@pytest.mark.parametrize("n", SIZES)
def test_the_honest_alone_make_a_quorum(n: int) -> None:
    f, quorum, weak = max_faulty(n), quorum_size(n), weak_quorum_size(n)
    assert 3 * f + 1 <= n < 3 * (f + 1) + 1
    assert n - f >= quorum, "f silent ones don't stop the rest"
    assert weak == f + 1 <= quorum, "a weak quorum holds one honest validator"
    assert quorum - f >= weak, "a quorum's honest members convince anybody"


def test_two_f_plus_one_is_no_quorum_of_six() -> None:
    """Rule 1's example: with 2f+1 = 3 of 6, {0,1,2} and {3,4,5} don't intersect."""
    assert max_faulty(6) == 1
    assert quorum_size(6) == 4
    assert quorum_size(4) == 3
    assert quorum_size(7) == 5
    assert quorum_size(10) == 7


@pytest.mark.parametrize(("n", "f", "quorum"), [(1, 0, 1), (2, 0, 2), (3, 0, 2)])
def test_small_committees_run_with_no_fault_budget(n: int, f: int, quorum: int) -> None:
    assert (max_faulty(n), quorum_size(n)) == (f, quorum)


@given(st.integers(1, 12), st.data())
def test_drawn_quorums_intersect_in_an_honest_validator(n: int, data: st.DataObject) -> None:
    members = list(range(n))
    one, other, hostile = (
        set(data.draw(st.permutations(members))[:size])
        for size in (quorum_size(n), quorum_size(n), max_faulty(n))
    )
    assert (one & other) - hostile


def committee(n: int) -> Committee:
    return Committee(3, [Member(f"v{index}", bytes([index])) for index in range(n)])


def test_a_committee_knows_its_members() -> None:
    four = committee(4)
    assert (four.n, four.f, four.quorum, four.weak_quorum, four.epoch) == (4, 1, 3, 2, 3)
    assert [four.primary(view) for view in range(6)] == ["v0", "v1", "v2", "v3", "v0", "v1"]
    assert four.index("v2") == four.position("v2") == 2
    assert four.position("stranger") == -1
    assert "v3" in four
    assert "stranger" not in four
    assert four.public_key("v3") == b"\x03"
    assert four.others("v1") == ("v0", "v2", "v3")
    assert four.others("stranger") == four.ids
    with pytest.raises(KeyError):
        four.index("stranger")
    with pytest.raises(KeyError):
        four.public_key("stranger")


def test_a_committee_of_nobody_or_of_namesakes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Committee(0, [])
    with pytest.raises(ValueError, match="distinct"):
        Committee(0, [Member("a", b"1"), Member("a", b"2")])


def test_committees_are_equal_by_epoch_and_members() -> None:
    members = [Member(f"v{n}", bytes([n])) for n in range(4)]
    one = Committee(1, members)
    assert one == Committee(1, members)
    assert one != Committee(2, members)
    assert one != Committee(1, reversed(members))
    assert one != "v0"
