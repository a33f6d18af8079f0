"""The arithmetic of a multiple-price auction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.ledger.allotment import PRO_RATA_STEP, Offer, allot, clearing
from tests.unit.ledger.support import MILLION, csv_rows


def offers(*sizes_and_prices: tuple[int, int]) -> list[Offer]:
    return [
        Offer(number, number, size * MILLION, price)
        for number, (size, price) in enumerate(sizes_and_prices, 1)
    ]


def real_bids() -> list[Offer]:
    return offers(
        *(
            (
                int(row["bid_amount_pkr_m"].removesuffix(".000")),
                int(row["bid_price_per_100"].replace(".", "")),
            )
            for row in csv_rows()
        )
    )


def shares(bids: list[Offer], cutoff_e4: int, millions: int) -> dict[int, int]:
    given = allot(bids, cutoff_e4, millions * MILLION)
    return {number: share // MILLION for number, share in given.items()}


def test_the_real_target_takes_all_bids() -> None:
    assert clearing(real_bids(), 40_000 * MILLION) == (949_435, 11_601 * MILLION)
    assert sum(shares(real_bids(), 949_435, 11_601).values()) == 11_601


def test_the_tied_cut_off_of_10130_million() -> None:
    """Bids 13 and 14 tie: pro rata gives 800 and 200, and 29 stay unsold."""
    cutoff_e4, amount = clearing(real_bids(), 10_130 * MILLION)
    assert (cutoff_e4, amount) == (949_435, 10_130 * MILLION)
    given = shares(real_bids(), cutoff_e4, 10_130)
    assert (given[13], given[14]) == (800, 200)
    assert 10_130 - sum(given.values()) == 29
    assert all(given[b.number] * MILLION == b.amount for b in real_bids() if b.number < 13)


@pytest.mark.parametrize(
    ("at_cutoff", "rest", "expected"),
    [
        ((100, 100), 200, {1: 100, 2: 100}),
        ((2000, 500), 1029, {1: 800, 2: 200}),
        ((50, 1000), 550, {1: 50, 2: 500}),  # up to a step: whole
        ((1000, 50), 550, {1: 500, 2: 50}),
        ((50, 50, 50), 120, {1: 50, 2: 50, 3: 20}),  # while the rest lasts
        ((51, 51), 100, {1: 50, 2: 50}),
        ((150, 150), 150, {1: 100, 2: 50}),  # 75 rounds up; the second is clipped
        ((300, 300, 300), 100, {1: 50, 2: 50}),  # 33 rounds to 50; nothing is left
        ((400, 400), 49, {}),  # 24.5 rounds to nothing
        ((80, 20), 90, {1: 50, 2: 20}),  # share of 70 rounds to 50
        ((100, 60), 155, {1: 100, 2: 50}),
    ],
)
def test_at_the_cut_off(at_cutoff: tuple[int, ...], rest: int, expected: dict[int, int]) -> None:
    assert shares(offers(*((size, 900_000) for size in at_cutoff)), 900_000, rest) == expected


def test_above_and_below_the_cut_off() -> None:
    bids = offers((10, 900_002), (500, 900_001), (70, 900_000), (80, 899_999))
    assert shares(bids, 900_000, 580) == {1: 10, 2: 500, 3: 70}
    assert clearing(bids, 530 * MILLION) == (900_000, 530 * MILLION)
    with pytest.raises(ValueError, match="exceed"):
        allot(bids, 900_000, 509 * MILLION)


def test_no_bids() -> None:
    assert clearing([], 1) == (0, 0)
    assert allot([], 900_000, 0) == {}


bid_lists = st.lists(st.tuples(st.integers(1, 400), st.integers(900_000, 900_003)), max_size=12)


@given(bid_lists, st.integers(1, 2_000))
def test_bounds(sizes: list[tuple[int, int]], target: int) -> None:
    bids = offers(*sizes)
    cutoff_e4, amount = clearing(bids, target * MILLION)
    given = allot(bids, cutoff_e4, amount)
    by_number = {bid.number: bid for bid in bids}
    assert amount == min(target * MILLION, sum(bid.amount for bid in bids))
    assert sum(given.values()) <= amount
    for number, share in given.items():
        assert 0 < share <= by_number[number].amount
        assert (by_number[number].price_e4 or 0) >= cutoff_e4
    for bid in bids:
        assert bid.price_e4 is not None
        if bid.price_e4 > cutoff_e4:
            assert given[bid.number] == bid.amount
        rounded_or_whole = given.get(bid.number, 0) % PRO_RATA_STEP == 0
        small = bid.amount <= PRO_RATA_STEP
        assert rounded_or_whole or small or given[bid.number] == bid.amount
