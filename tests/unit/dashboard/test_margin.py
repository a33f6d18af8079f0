"""How many more failures halt the network, and who is cut off."""

from __future__ import annotations

import pytest

from chainsim.dashboard.margin import cut_off, groups, margin

SEVEN = dict(zip("abcdefg", ("m", "c", "l", "r", "x", "x", "b"), strict=True))
"""Seven validators with their roles: the quorum is 5."""


def cut(one: str, other: str) -> set[tuple[str, str]]:
    """All lines between two sides."""
    return {(x, y) for x in one for y in other} | {(y, x) for x in one for y in other}


def test_all_well() -> None:
    found = margin(SEVEN, "abcdefg", set())
    assert (found.more, found.quorum, found.missing, found.halted) == (3, 5, (), False)
    # Two exchanges and anybody; or any three others.
    assert found.coalitions[0].roles == ("b", "x")
    assert {coalition.members for coalition in found.coalitions} == {3}
    assert found.critical == ()


def test_each_failure_counts() -> None:
    assert margin(SEVEN, "abcdef", set()).more == 2
    assert margin(SEVEN, "abcde", set()).more == 1
    halted = margin(SEVEN, "abcd", set())
    assert (halted.more, halted.halted, halted.missing) == (0, True, ("e", "f", "g"))
    assert halted.short == 1


def test_a_minority_that_is_cut_off_does_not_take_part() -> None:
    found = margin(SEVEN, "abcdefg", cut("abcde", "fg"))
    assert (found.more, found.taking_part, found.missing) == (1, tuple("abcde"), ("f", "g"))


def test_a_split_without_a_quorum_halts() -> None:
    found = margin(SEVEN, "abcdefg", cut("abcd", "efg"))
    assert (found.halted, found.missing, found.short) == (True, ("e", "f", "g"), 1)


def test_one_way_lines_are_no_part() -> None:
    deaf = {(other, "a") for other in "bcdefg"}
    assert margin(SEVEN, "abcdefg", deaf).missing == ("a",)
    mute = {("a", other) for other in "bcdefg"}
    assert margin(SEVEN, "abcdefg", mute).missing == ("a",)


def test_a_bridge_is_what_one_failure_takes_away() -> None:
    # d and e reach everybody; abc and fg don't reach each other: only a, b, c, d, e decide.
    found = margin(SEVEN, "abcdefg", cut("abc", "fg"))
    assert (found.taking_part, found.more) == (tuple("abcde"), 1)


def test_some_cut_lines_cost_less_than_a_failure() -> None:
    # Without two others, five are left, and both ends of the cut line hear but four.
    found = margin(SEVEN, "abcdefg", cut("a", "b"))
    assert (found.more, found.taking_part) == (2, tuple("abcdefg"))
    assert ("l", "r") in [coalition.roles for coalition in found.coalitions]
    assert ("c", "m") not in [coalition.roles for coalition in found.coalitions]
    # One less: any of the four others alone; an end takes nobody along.
    found = margin(SEVEN, "abcdef", cut("a", "b"))
    assert (found.more, found.critical) == (1, tuple("cdef"))


@pytest.mark.parametrize(
    ("lines", "wanted", "off"),
    [
        (set(), ("abcdefg",), ""),
        (cut("abcde", "fg"), ("abcde", "fg"), "fg"),
        (cut("abc", "defg") | cut("de", "fg"), ("abc", "de", "fg"), "defg"),
    ],
)
def test_groups(lines: set[tuple[str, str]], wanted: tuple[str, ...], off: str) -> None:
    found = groups("abcdefg", lines)
    assert found == tuple(tuple(group) for group in wanted)
    assert cut_off(found) == frozenset(off)


def test_of_two_halves_both_are_cut_off() -> None:
    assert cut_off(groups("abcd", cut("ab", "cd"))) == frozenset("abcd")
