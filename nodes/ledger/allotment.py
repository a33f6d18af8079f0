"""Who gets how much of an auction: pure arithmetic on bids.

Everything above the cut-off price is filled (where bids are rates, minus the rate stands for the
price). At the cut-off, if the rest doesn't suffice: bids of at most one step (PKR 50 million) are
filled whole, in rank order while the rest lasts; the others share what then remains in proportion
to their size, each share rounded to the nearest step, half up, and clipped, in rank order, to the
bid and to whole steps of what is left. So the total never exceeds the amount, and rounding may
leave some of it unsold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final, Protocol

import msgspec

from nodes.ledger.pricing import round_half_up

PRO_RATA_STEP: Final = 5_000_000_000
"""PKR 50 million in paisa."""


class Competitive(Protocol):
    """What allotment looks at: a bid of ``amount`` (face, minor units) at a clean price."""

    @property
    def number(self) -> int:
        """Unique in the auction."""
        ...

    @property
    def reference(self) -> int:
        """The dealer's own number."""
        ...

    @property
    def amount(self) -> int:
        """Face value, minor units."""
        ...

    @property
    def price_e4(self) -> int | None:
        """Per 100 of face, 10^-4."""
        ...


class Offer(msgspec.Struct, frozen=True):
    """The least that is a ``Competitive`` bid, for those who plan an auction."""

    number: int
    reference: int
    amount: int
    price_e4: int | None


def price_of(bid: Competitive) -> int:
    """What a competitive bid is ranked by."""
    assert bid.price_e4 is not None
    return bid.price_e4


def rank(bid: Competitive) -> tuple[int, int, int]:
    """Sorts the best price first; then by reference, then by arrival."""
    return -price_of(bid), bid.reference, bid.number


def clearing(bids: Iterable[Competitive], target: int) -> tuple[int, int]:
    """(cut-off price, amount) that sells as much of ``target`` as the bids allow.

    What a central bank would announce in AUCTION_CLOSE; (0, 0) without bids.
    """
    total = price = 0
    for bid in sorted(bids, key=rank):
        if total >= target:
            break
        total += bid.amount
        price = price_of(bid)
    return price, min(total, target)


def allot(
    bids: Sequence[Competitive], cutoff_e4: int, amount: int, step: int = PRO_RATA_STEP
) -> dict[int, int]:
    """Face value by bid number; bids that get nothing are left out.

    Raises ``ValueError`` if the bids above the cut-off already exceed ``amount``.
    """
    ranked = sorted(bids, key=rank)
    above = [bid for bid in ranked if price_of(bid) > cutoff_e4]
    at = [bid for bid in ranked if bid.price_e4 == cutoff_e4]
    left = amount - sum(bid.amount for bid in above)
    if left < 0:
        raise ValueError("bids above the cut-off exceed the amount")
    given = {bid.number: bid.amount for bid in above}
    if sum(bid.amount for bid in at) <= left:
        given.update((bid.number, bid.amount) for bid in at)
    else:
        given.update(_at_cutoff(at, left, step))
    return {number: share for number, share in given.items() if share}


def _at_cutoff(bids: Sequence[Competitive], left: int, step: int) -> dict[int, int]:
    given: dict[int, int] = {}
    for bid in bids:
        if bid.amount <= step:
            given[bid.number] = min(bid.amount, left)
            left -= given[bid.number]
    large = [bid for bid in bids if bid.amount > step]
    total, pool = sum(bid.amount for bid in large), left
    for bid in large:
        rounded = step * round_half_up(Fraction(pool * bid.amount, total * step))
        given[bid.number] = min(rounded, bid.amount, left // step * step)
        left -= given[bid.number]
    return given
