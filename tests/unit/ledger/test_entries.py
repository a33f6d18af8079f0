"""All of the ledger's state is in its entries: a snapshot of them restores it entirely."""

from __future__ import annotations

from nodes.ledger.state import State
from nodes.ledger.transactions import body_of
from tests.unit.ledger.samples import accept, dvp_body
from tests.unit.ledger.support import COUPON_DAY, MILLION, Desk, money
from tests.unit.ledger.test_coupons import declare, funded, on


def busy() -> Desk:
    """Between two pages of a coupon, with live, settled and expired instructions, and freezes."""
    desk = funded()
    desk.send(*accept(desk)[:2])
    for id_, deadline in (("e", 3), ("f", 10**12), ("g", 30_000)):
        desk.send("exchange-a", dvp_body(id=id_, deadline_us=desk.time_us + deadline))
    where = {"account": "exchange-b/main", "order": "z"}
    desk.ok("pvara", "FREEZE", **where, amount=money(MILLION))
    on(desk, COUPON_DAY)
    sale = {"source": "exchange-a/main", "target": "exchange-b/main"}
    desk.ok("exchange-a", "TRANSFER", **sale, amount=money(10 * MILLION, "pib-51-3y"))
    declare(desk)
    desk.ok("sbp", "COUPON_PAY", series="pib-51-3y", number=2, limit=1)
    return desk


def restored(desk: Desk) -> Desk:
    """A desk whose ledger was made of another's entries alone (and its reply table, rule 9)."""
    other = Desk()
    other.ledger._state = State.of(dict(desk.ledger._state.values).items())  # type: ignore[misc]
    other.ledger._replies = desk.ledger._replies  # type: ignore[misc]
    other.ledger.height, other.time_us = desk.ledger.height, desk.time_us
    other.numbers = dict(desk.numbers)
    return other


def test_entries_restore_everything_that_execution_looks_at() -> None:
    first, second = busy(), busy()
    assert first.roots() == second.roots()
    second = restored(second)
    assert first.roots() == second.roots()
    outcomes = []
    for desk in (first, second):
        requests = [
            desk.request("sbp", body_of("COUPON_PAY", {"series": "pib-51-3y", "number": 2})),
            desk.request("exchange-a", body_of("DVP_SETTLE", {"id": "d"})),
            desk.request("exchange-b", body_of("DVP_ACCEPT", {"id": "f"})),
        ]
        outcomes.append((desk.block(*requests, after_us=40_000), desk.block(after_us=10**13)))
    assert outcomes[0] == outcomes[1]
    [released] = outcomes[0][0].system_receipts
    assert dict(released.data) == {"dvp": "g"}
    assert [receipt.code for receipt in outcomes[0][0].receipts] == ["OK"] * 3


def test_every_entry_is_in_the_tree() -> None:
    state = busy().ledger._state
    assert State.of(state.values.items()).root == state.root
    for key in state.values:
        without = {k: v for k, v in state.values.items() if k != key}
        assert State.of(without.items()).root != state.root
