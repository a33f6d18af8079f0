"""The envelope and PBFT rule 30: each request executes once, failures leave a receipt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.encoding import encode
from consensus.messages import NULL_BATCH, Batch, CoSignature
from nodes import merkle, state_tree
from nodes.ledger.execution import Ledger, decode_result
from nodes.ledger.replies import MAX_NUMBER, ReplyTable
from nodes.ledger.transactions import AnyBody, body_of, decode, type_of
from tests.unit.ledger.support import GENESIS, Desk, key, money, with_policies


def pay(amount: int = 7) -> AnyBody:
    return body_of(
        "TRANSFER",
        {"source": "exchange-a/main", "target": "exchange-b/main", "amount": money(amount)},
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"chain": bytes(32)}, "E_CHAIN"),
        ({"public_key": key("exchange-b")}, "E_SIG"),
        ({"sender": "nobody"}, "E_SIG"),
        ({"sender": "exchange-b"}, "E_SIG"),
        ({"number": 0}, "E_NONCE"),
        ({"number": -1}, "E_NONCE"),
        ({"number": MAX_NUMBER + 1}, "E_NONCE"),
        ({"operation": b""}, "E_SCHEMA"),
        ({"operation": b"\xc1"}, "E_SCHEMA"),
        ({"operation": encode({"body": {"type": "COUPON_PAY"}})}, "E_SCHEMA"),
        ({"operation": encode({"body": {"type": "PAUSE", "why": "x"}})}, "E_SCHEMA"),
        ({"cosignatures": (CoSignature("sbp", key("mof"), b""),)}, "E_SIG"),
        ({"cosignatures": (CoSignature("nobody", key("nobody"), b""),)}, "E_SIG"),
        ({"cosignatures": (CoSignature("sbp", key("sbp"), b""),) * 2}, "E_SIG"),
        ({"cosignatures": (CoSignature("exchange-a", key("exchange-a"), b""),)}, "E_SIG"),
    ],
)
def test_envelope_failures_change_nothing(changes: dict[str, Any], code: str) -> None:
    desk = Desk()
    before = desk.roots()
    good = desk.request("exchange-a", pay())
    receipt = desk.block(replace(good, **changes)).receipts[0]
    assert receipt.code == code
    assert not receipt.postings
    assert desk.roots() == before
    assert desk.ledger.cached_reply("exchange-a", 1) is None
    assert not desk.ledger.is_stale("exchange-a", 1)
    assert desk.block(good).receipts[0].code == "OK", "the number is still to be had"


def test_an_ordered_expiry_is_final() -> None:
    desk = Desk()
    late = desk.request("exchange-a", pay(), expiry=1)
    in_time = desk.request("exchange-a", pay(), expiry=2)
    desk.block()
    before = desk.roots()
    receipts = desk.block(late, in_time).receipts
    assert [receipt.code for receipt in receipts] == ["E_EXPIRED", "OK"]
    assert desk.block(late).receipts[0].code == "E_EXPIRED"
    assert desk.roots() != before


def test_other_failures_use_up_the_number_and_nothing_else() -> None:
    desk = Desk()
    before = desk.ledger.state_root
    request = desk.request("exchange-a", pay(10**17))
    assert desk.block(request).receipts[0].code == "E_FREE_BAL"
    assert desk.ledger.state_root == before
    assert desk.ledger.is_stale("exchange-a", 1)
    assert desk.block(request).receipts[0].code == "E_NONCE"


def test_rule_30_a_repeat_gets_the_first_reply() -> None:
    desk = Desk()
    request = desk.request("exchange-a", pay())
    first, second = (desk.block(request, request) for _ in range(2))
    assert [r.code for r in first.receipts] == ["OK", "E_NONCE"]
    assert [r.code for r in second.receipts] == ["E_NONCE", "E_NONCE"]
    assert {*first.results, *second.results} == {first.results[0]}
    assert desk.ledger.cached_reply("exchange-a", 1) == first.results[0]
    result = decode_result(first.results[0])
    assert (result.code, result.height, result.index, result.detail) == ("OK", 1, 0, "")
    assert desk.ledger.balance("exchange-b/main", "PKR") == 2_000_000_000_000 + 7


def test_rule_30_numbers_in_any_order_inside_the_window_and_never_below() -> None:
    desk = Desk(with_policies(request_window=4))
    order = [3, 1, 7, 4, 3, 5, 6, 2, 8, 4, 5]
    requests = [desk.request("exchange-a", pay(), number=number) for number in order]
    codes = [receipt.code for receipt in desk.block(*requests).receipts]
    assert codes == [
        "OK",
        "OK",
        "OK",
        "OK",
        "E_NONCE",
        "OK",
        "OK",
        "E_NONCE",
        "OK",
        *["E_NONCE"] * 2,
    ]
    assert [n for n in range(1, 10) if desk.ledger.cached_reply("exchange-a", n)] == [5, 6, 7, 8]


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 9))
def test_rule_30_window_against_its_definition(numbers: list[int], width: int) -> None:
    table, used, highest = ReplyTable(width), set[int](), 0
    for number in numbers:
        stale = number in used or number <= highest - width
        assert table.is_stale("p", number) == stale
        if not stale:
            scope = table.scope()
            scope.use("p", number, b"%d" % number)
            assert scope.is_stale("p", number)
            assert not table.is_stale("p", number), "until the block is adopted"
            table.adopt(scope.changes(), table.rehashed(scope.changes()))
            used.add(number)
            highest = max(highest, number)
        for asked in range(1, 45):
            inside = asked in used and asked > highest - width
            assert table.cached("p", asked) == (b"%d" % asked if inside else None)


@given(st.permutations(range(1, 6)), st.permutations(range(1, 6)))
def test_rule_09_reply_root_depends_on_what_was_used(one: list[int], other: list[int]) -> None:
    """And on the results, but not on the order or on how blocks were cut."""
    table, second = ReplyTable(8), ReplyTable(8)
    scope = table.scope()
    for number in one:
        scope.use("p", number, b"%d" % number)
    table.adopt(scope.changes(), table.rehashed(scope.changes()))
    for number in other:
        scope = second.scope()
        scope.use("p", number, b"%d" % number)
        second.adopt(scope.changes(), second.rehashed(scope.changes()))
    assert table.root == second.root
    scope = second.scope()
    scope.use("p", 6, b"6")
    second.adopt(scope.changes(), second.rehashed(scope.changes()))
    assert table.root != second.root


def test_rule_08_null_block_changes_nothing_and_keeps_its_parents_time() -> None:
    desk = Desk()
    desk.send("exchange-a", pay())
    before = desk.roots()
    # The null digest covers no time, so whatever a proposer writes there counts for nothing.
    outcome = desk.ledger.execute_block(2, desk.time_us, Batch(desk.time_us + 99, ()))
    assert outcome.time_us == desk.time_us
    assert (outcome.state_root, outcome.reply_root) == before == desk.roots()
    assert outcome.receipts_root == outcome.transactions_root == merkle.EMPTY_ROOT


def test_rule_08_block_time_never_goes_back() -> None:
    desk = Desk()
    outcome = desk.block(desk.request("exchange-a", pay()), after_us=-1)
    assert outcome.time_us == 0


def test_roots_prove_transactions_receipts_and_balances() -> None:
    desk = Desk()
    requests = [desk.request("exchange-a", pay(n)) for n in range(1, 6)]
    outcome = desk.block(*requests)
    for leaves, root in (
        ([request.digest for request in requests], outcome.transactions_root),
        ([receipt.digest for receipt in outcome.receipts], outcome.receipts_root),
    ):
        for index, leaf in enumerate(leaves):
            proof = merkle.inclusion_proof(index, leaves)
            assert merkle.verify_inclusion(leaf, index, len(leaves), proof, root)
    balance = ("balance", "exchange-a/main", "PKR")
    value, proof_of_balance = desk.ledger.prove(*balance)
    assert value == encode((2_000_000_000_000 - 15, 0, 0, 0))
    assert state_tree.verify(outcome.state_root, encode(balance), value, proof_of_balance)
    more = encode((2_000_000_000_000, 0, 0))
    assert not state_tree.verify(outcome.state_root, encode(balance), more, proof_of_balance)


def test_replay_gives_the_same_roots() -> None:
    desk = Desk()
    batches = [[desk.request("exchange-a", pay(n)), desk.request("secp", pay())] for n in (1, 2)]
    first = [desk.block(*batch) for batch in batches]
    again = Desk()
    assert [again.block(*batch) for batch in batches] == first


def test_ledgers_of_one_genesis_are_independent() -> None:
    one, other = Desk(), Desk()
    one.send("exchange-a", pay())
    assert other.roots() == Desk().roots() != one.roots()


def test_a_wrong_genesis_is_refused() -> None:
    with pytest.raises(ValueError, match="first_business_day"):
        Ledger(replace(GENESIS, first_business_day=GENESIS.first_business_day.replace(day=6)))


@given(st.binary(max_size=60))
def test_decoding_never_raises(operation: bytes) -> None:
    transaction = decode(operation)
    assert (type_of(operation) == "?") == (transaction is None)


def test_blocks_come_in_order() -> None:
    with pytest.raises(AssertionError, match="block 2 after 0"):
        Desk().ledger.execute_block(2, 0, NULL_BATCH)
