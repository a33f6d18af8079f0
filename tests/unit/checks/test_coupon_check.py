"""The coupon check: a true story passes; one paisa, one holder or one page too many is seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from chainsim.checks import CheckResult
from nodes.ledger.receipts import Posting, Receipt
from nodes.ledger.records import Upcoming
from tests.unit.checks.ledger_story import Told, with_postings
from tests.unit.ledger.support import COUPON_DAY, GENESIS, MILLION, RECORD_DAY, money

STARTS_LATE = replace(GENESIS, first_business_day=RECORD_DAY)
COUPON = {"series": "pib-51-3y", "number": 2}


def told() -> Told:
    """Sales on both sides of the record date's close, and the coupon in two pages."""
    desk = Told(STARTS_LATE)
    desk.ok("sbp", "CASH_MINT", account="mof/proceeds", amount=money(100 * MILLION))
    sale = {"source": "exchange-a/main", "target": "exchange-b/main"}
    desk.open_day(RECORD_DAY)
    desk.ok("exchange-a", "TRANSFER", **sale, amount=money(30 * MILLION, "pib-51-3y"))
    desk.open_day(COUPON_DAY)
    desk.ok("exchange-a", "TRANSFER", **sale, amount=money(10 * MILLION, "pib-51-3y"))
    desk.ok("pvara", "FREEZE", account="exchange-a/main", order="x",
            amount=money(20 * MILLION, "pib-51-3y"))  # fmt: skip
    desk.ok("sbp", "COUPON_DECLARE", **COUPON)
    desk.ok("sbp", "COUPON_PAY", **COUPON, limit=1)
    desk.ok("sbp", "COUPON_PAY", **COUPON)
    return desk


def verdict_after(change: Callable[[list[Posting]], list[Posting]]) -> CheckResult:
    desk = told()
    desk.falsify("COUPON_PAY", with_postings(change))
    return desk.verdict("coupons")


def test_the_truth_passes() -> None:
    result = told().verdict("coupons")
    assert result.ok, result.detail
    assert result.detail == "3 payments of 1 coupons, 0 due and not over"


def one_paisa_more(postings: list[Posting]) -> list[Posting]:
    first, *rest = (p for p in postings if p.delta > 0)
    debit = next(p for p in postings if p.delta < 0)
    return [
        replace(debit, delta=debit.delta - 1),
        replace(first, delta=first.delta + 1),
        *rest,
    ]


def one_left_out(postings: list[Posting]) -> list[Posting]:
    gone = postings[-1]
    debit = replace(postings[0], delta=postings[0].delta + gone.delta)
    return [debit, *postings[1:-1]]


def one_again(postings: list[Posting]) -> list[Posting]:
    """dealer-1 was on the first page."""
    extra = Posting("dealer-1/main", "PKR", "free", 350 * MILLION // 100)
    debit = replace(postings[0], delta=postings[0].delta - extra.delta)
    return [debit, *postings[1:], extra]


def somebody_else_pays(postings: list[Posting]) -> list[Posting]:
    return [replace(postings[0], account="sbp/main"), *postings[1:]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (one_paisa_more, "which is owed"),
        (one_left_out, "1 are unpaid, exchange-b/main among them"),
        (one_again, "pays dealer-1/main again"),
        (somebody_else_pays, "took"),
    ],
)
def test_what_is_wrong_is_seen(
    change: Callable[[list[Posting]], list[Posting]], words: str
) -> None:
    result = verdict_after(change)
    assert not result.ok
    assert any(words in finding.what for finding in result.findings), result.findings


def test_the_whole_coupon_again_is_seen() -> None:
    """Planted bug 31: the ledger has forgotten that it paid, and pays everybody once more."""
    desk = told()
    first = desk.ledger._state.values["coupon", "pib-51-3y", "2"]
    desk.ledger._state.apply(
        {
            ("coupon", "pib-51-3y", "2"): replace(first, paid=0, last="", paid_on=None),
            ("upcoming", "pib-51-3y"): Upcoming(2, RECORD_DAY),
        }
    )
    before = [p.delta for r in desk.receipts if r.type == "COUPON_PAY" for p in r.postings]
    receipt: Receipt = desk.do("sbp", "COUPON_PAY", **COUPON)
    assert receipt.code == "OK"
    assert before
    result = desk.verdict("coupons")
    assert any("again" in finding.what for finding in result.findings)
