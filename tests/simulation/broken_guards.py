"""What each scenario of the market guards against, broken in memory: then it must go red."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from chainsim.explore.planting import swapped
from nodes.ledger import (
    auction_book,
    auction_outcome,
    claims,
    commodity,
    compliance,
    coupons,
    evidence,
    execution,
    pricing,
    redemption,
    restraint,
    sealed_bids,
    series,
    settlement,
    validators,
)
from nodes.ledger.act import Act
from nodes.ledger.records import Order
from nodes.ledger.transactions import AuctionAllot, CouponPay, ForcedTransfer, Redeem
from tests.mutants.money import paid_again

Patch = AbstractContextManager[None]


def _handler(type_name: str, rule: Any) -> Patch:
    return swapped((execution, "HANDLERS", {**execution.HANDLERS, type_name: rule}))


def forgetful_pages() -> Patch:
    """Every page begins with the first account again."""

    def pay(act: Act, body: CouponPay) -> None:
        key = coupons.coupon_key(body.series, body.number)
        coupon = act.get(key)
        if coupon is not None:
            act.put(key, replace(coupon, last=""))
        coupons.pay(act, body)

    return _handler("COUPON_PAY", pay)


def coupons_never_over() -> Patch:
    """Once paid, a coupon can be paid again."""

    def finish(act: Act, series: Any, coupon: Any) -> Any:
        act.note("days_late", 0)
        return replace(coupon, last="", paid=0)

    return swapped((coupons, "_finish", finish))


def redeemed_on_the_books_only() -> Patch:
    """The securities end, the holders get nothing."""
    return swapped((redemption, "credit", lambda *_: None))


def redeemed_twice() -> Patch:
    """Nobody remembers that a series is redeemed."""

    def redeem(act: Act, body: Redeem) -> None:
        redemption.redeem(act, body)
        act.put(("redeemed", body.series), None)

    return _handler("REDEEM", redeem)


def licences_ignored_at_settlement() -> Patch:
    return swapped((settlement, "firm_of", lambda act, account: None))


def no_cap() -> Patch:
    return swapped((auction_outcome, "take", lambda act, cents: None))


def locked_rounded_down() -> Patch:
    """An issue takes less of the programme than it is worth."""

    def floor(face: int, rate_e4: int) -> int:
        return face * 10_000 // rate_e4

    return swapped((auction_outcome, "locked_value_cents", floor))


def rates_not_ranked() -> Patch:
    """The highest rental rate wins."""
    return swapped((auction_book, "worth", lambda bid: bid.rate_e4 or bid.price_e4))


def freezes_do_nothing() -> Patch:
    return _handler("FREEZE", lambda act, body: None)


def attestations_never_age() -> Patch:
    return swapped((commodity, "business_days_before", lambda *_: date(1900, 1, 1)))


def seats_outlive_licences() -> Patch:
    return swapped((validators, "queue_removal", lambda act, id_: False))


def removed_at_four() -> Patch:
    return swapped((validators, "FEWEST", 3))


def anything_revealed() -> Patch:
    """What was committed to isn't compared."""

    def reveal(act: Act, body: Any) -> None:
        sealed_bids.enter_bid(act, sealed_bids._sealed(act, body.auction), body)

    return _handler("BID_REVEAL", reveal)


def assets_back_many() -> Patch:
    """A second sukuk on the same motorway."""
    return swapped((series, "encumber", lambda act, new: None))


def any_allotment() -> Patch:
    """What the State Bank states is believed."""

    def allot(act: Act, body: AuctionAllot) -> None:
        auction = auction_outcome.in_state(act, body.auction, "CLOSED")
        for bid in auction_outcome.bids_of(act, auction):
            for item in body.allotments:
                if (item.dealer, item.reference) == (bid.dealer, bid.reference):
                    settled = replace(bid, allotted=item.amount, status="ALLOTTED")
                    act.put(auction_outcome.bid_key(auction, bid.number), settled)
        act.put(("auction", auction.id), replace(auction, status="ALLOTTED"))

    return _handler("AUCTION_ALLOT", allot)


def rounded_down() -> Patch:
    def floor(value: Fraction) -> int:
        return value.numerator // value.denominator

    return swapped((coupons, "round_half_up", floor), (pricing, "round_half_up", floor))


def claims_never_expire() -> Patch:
    return swapped((claims, "_lapsed", lambda act, claim: False))


def approvals_last() -> Patch:
    return swapped((compliance, "consume_approval", lambda *_: None))


def identities_never_go() -> Patch:
    return swapped((claims, "_registrar_of", lambda act, subject: False))


def no_travel_rule() -> Patch:
    return swapped((compliance, "firm_of", lambda act, account: None))


def frozen_goes_first() -> Patch:
    """A forced transfer empties what is frozen, and leaves what is free."""

    def force(act: Act, body: ForcedTransfer) -> None:
        asset, left = body.amount.asset, body.amount.amount
        for order in restraint.orders_on(act, body.source, asset):
            part = min(order.amount, left)
            restraint.order_more(act, body.source, asset, Order(order.by, order.order, -part))
            act.move(asset, part, (body.source, "frozen"), (body.target, "free"))
            left -= part
        act.move(asset, left, (body.source, "free"), (body.target, "free"))

    return _handler("FORCED_TRANSFER", force)


def frozen_earns_free_cash() -> Patch:
    return swapped((coupons, "_frozen_share", lambda *_: Fraction(0)))


def pauses_do_nothing() -> Patch:
    return _handler("PAUSE", lambda act, body: None)


def anything_proves() -> Patch:
    """Evidence is taken for what it says it is."""

    def take(act: Act, body: Any) -> None:
        act.put(("flagged", "somebody", body.misbehaviour[:4].hex()), None)

    return _handler("EVIDENCE", take)


def evidence_flags_for_ever() -> Patch:
    """No proof convinces."""

    def take(act: Act, body: Any) -> None:
        raise evidence.Refused("E_EVIDENCE", "never")

    return _handler("EVIDENCE", take)


GUARDS: dict[str, tuple[tuple[Callable[[], Patch], str], ...]] = {
    "coupon-day-partition": ((coupons_never_over, "coupons"),),
    "revoked-mid-settlement": (
        (licences_ignored_at_settlement, "receipts DVP_SETTLE OK"),
        (removed_at_four, "authority"),
    ),
    "central-bank-down-at-maturity": (
        (redeemed_on_the_books_only, "conservation"),
        (redeemed_twice, "receipts REDEEM OK"),
    ),
    "cap-race": ((no_cap, "programme-cap"),),
    "freeze-races-transfer": ((freezes_do_nothing, "metric transactions_failed"),),
    "crash-while-paying-10000": (
        (forgetful_pages, "coupons"),
        (paid_again, "balance crowd/10000"),
    ),
    "stale-vault-attestation": (
        (attestations_never_age, "receipts COMMODITY_MINT E_STALE_ATTEST"),
    ),
    "deciding-seat-revoked": ((seats_outlive_licences, "receipts EPOCH_END OK"),),
    "sealed-sukuk-auction": (
        (anything_revealed, "receipts BID_REVEAL E_REVEAL"),
        (assets_back_many, "securities"),
        (any_allotment, "balance bank-b/bonds"),
        (rounded_down, "balance exchange-b/bonds"),
    ),
    "accredited-holders-only": (
        (claims_never_expire, "workload[1].steps[11] TRANSFER of exchange-a"),
        (approvals_last, "receipts TRANSFER E_TOPIC"),
        (identities_never_go, "receipts TRANSFER E_UNVERIFIED"),
        (no_travel_rule, "receipts TRANSFER E_TRAVEL"),
    ),
    "court-order": (
        (frozen_goes_first, "receipts UNFREEZE OK"),
        (frozen_earns_free_cash, "balance client-1/main (frozen)"),
        (pauses_do_nothing, "receipts TRANSFER E_PAUSED"),
    ),
    "evidence-on-record": (
        (anything_proves, "receipts EVIDENCE E_EVIDENCE"),
        (evidence_flags_for_ever, "receipts EVIDENCE OK"),
    ),
}
"""By scenario: what is broken, and a check or expectation that must notice."""

SLOW = (paid_again,)
"""For the acceptance area: who recovers executes ten thousand payments by itself."""
