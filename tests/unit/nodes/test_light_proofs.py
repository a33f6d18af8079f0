"""Rule 29: no bit of what proves a header, a receipt or a balance can be changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consensus.encoding import encode
from consensus.messages import (
    NULL_BATCH,
    BalanceProof,
    FetchBalance,
)
from nodes.light_proofs import balance_under, chained, evidence_of, receipt_under
from nodes.merkle import root
from tests.unit.nodes.observer_bench import ACCOUNT, World

HISTORY = World((ACCOUNT,))
HISTORY.grow(6)
PIECES = tuple(encode(block.header) for block in HISTORY.blocks)
TIP = HISTORY.blocks[-1].header


def flipped(data: bytes, at: int) -> bytes:
    at %= len(data) * 8
    return data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]


@given(st.integers(0, 5), st.integers(0, 10**6))
def test_rule_29_no_bit_of_a_header_can_be_changed(which: int, at: int) -> None:
    assert chained(PIECES, 6, TIP.hash) is not None
    pieces = list(PIECES)
    pieces[which] = flipped(pieces[which], at)
    headers = chained(pieces, 6, TIP.hash)
    # Another encoding of the same value would do no harm.
    assert headers is None or headers == tuple(block.header for block in HISTORY.blocks)


@given(st.integers(0, 5), st.integers(0, 10**6), st.integers(0, 3))
def test_rule_29_no_bit_of_a_receipt_or_its_path_can_be_changed(
    which: int, at: int, part: int
) -> None:
    block = HISTORY.blocks[which]
    (evidence,) = evidence_of(block, ACCOUNT)
    assert receipt_under(block.header, evidence) is not None
    if part == 0:
        evidence = replace(evidence, receipt=flipped(evidence.receipt, at))
    elif part == 1:
        evidence = replace(evidence, path=(*evidence.path, flipped(b"\0" * 32, at)))
    elif part == 2:
        assert evidence.request is not None
        operation = flipped(evidence.request.operation, at)
        evidence = replace(evidence, request=replace(evidence.request, operation=operation))
    else:
        evidence = replace(evidence, size=at % 4 + 2)
    proven = receipt_under(block.header, evidence)
    assert proven is None or proven.receipt == block.receipts[0]
    if part in (1, 2, 3):
        assert proven is None


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_rule_29_no_bit_of_a_balance_or_its_path_can_be_changed(level: int, at: int) -> None:
    server = HISTORY.servers["v0"]
    tip = HISTORY.blocks[4].header
    server._answers.forget()
    proof = server.answer(FetchBalance(HISTORY.chain, 0, "auditor", 5, ACCOUNT, "PKR"), 0, 0)
    assert isinstance(proof, BalanceProof)
    held = balance_under(tip, proof)
    assert held is not None
    levels = list(proof.levels)
    level %= len(levels)
    bitmap, others = levels[level]
    place = at % (len(others) + 1)
    if place == len(others):
        levels[level] = (bitmap ^ 1 << at % 16, others)
    else:
        damaged = flipped(others[place], at)
        levels[level] = (bitmap, (*others[:place], damaged, *others[place + 1 :]))
    assert balance_under(tip, replace(proof, levels=tuple(levels))) is None
    told = balance_under(tip, replace(proof, value=flipped(proof.value, at)))
    assert told is None or told == held


def test_rule_29_a_receipt_goes_with_the_request_that_it_is_of() -> None:
    """Were a block's two trees ever about different things, neither would prove the other."""
    first, second = HISTORY.blocks[:2]
    (evidence,) = evidence_of(first, ACCOUNT)
    (other,) = evidence_of(second, ACCOUNT)
    assert first.receipts[0].client != second.receipts[0].client
    header = replace(first.header, transactions_root=second.header.transactions_root)
    told = replace(evidence, request=other.request)
    assert receipt_under(header, told) is None
    assert receipt_under(first.header, evidence) is not None


def test_rule_29_what_the_ledger_did_by_itself_has_no_request() -> None:
    receipt = replace(HISTORY.blocks[0].receipts[0], index=-1, client="")
    block = replace(HISTORY.blocks[0], batch=NULL_BATCH, receipts=(), system_receipts=(receipt,))
    header = replace(block.header, receipts_root=root([receipt.digest]))
    (evidence,) = evidence_of(block, ACCOUNT)
    proven = receipt_under(header, evidence)
    assert proven is not None
    assert (proven.receipt, proven.request) == (receipt, None)
    (other,) = evidence_of(HISTORY.blocks[0], ACCOUNT)
    assert receipt_under(header, replace(evidence, request=other.request)) is None


@pytest.mark.parametrize("changes", [{"height": 2}, {"index": 1}, {"number": 77}])
def test_rule_29_a_receipt_says_itself_where_it_belongs(changes: dict[str, int]) -> None:
    """Whatever the roots commit to: a receipt of another place is no news of this one."""
    block = HISTORY.blocks[0]
    receipt = replace(block.receipts[0], **changes)
    header = replace(block.header, receipts_root=root([receipt.digest]))
    (evidence,) = evidence_of(replace(block, receipts=(receipt,)), ACCOUNT)
    assert receipt_under(header, evidence) is None
    assert receipt_under(header, replace(evidence, height=receipt.height)) is None
