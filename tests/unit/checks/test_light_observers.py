"""What a light observer believes is held against what honest validators executed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainsim.checks import CheckResult
from chainsim.checks.light_observers import LightObservers
from chainsim.trace import Executed, Proven, Record
from nodes.ledger.receipts import Posting
from tests.unit.checks.story import Act, Story

OPENING = {("alice/cash", "PKR", "free"): 100}


def story() -> Story:
    """Alice pays 10 in block 1 and 20 in block 2; an auditor believes it."""
    told = Story(opening=OPENING)
    for number, paid in ((1, 10), (2, 20)):
        act = Act("alice", number, postings=(Posting("alice/cash", "PKR", "free", -paid),))
        told.decide(number * 1000, told.block(number * 1000, [act]))
    first, second = told.blocks
    told.add(
        Proven(3000, "auditor", "blocks", 2, second.header.hash, amounts=(2, 0)),
        Proven(3000, "auditor", "receipt", 1, first.receipts[0].digest, "alice/cash"),
        Proven(3000, "auditor", "receipt", 2, second.receipts[0].digest, "alice"),
        Proven(3000, "auditor", "balance", 1, b"", "alice/cash", "PKR", (90, 0, 0)),
        Proven(3000, "auditor", "balance", 2, b"", "alice/cash", "PKR", (70, 0, 0)),
    )
    return told


def judge(told: Story, watchers: tuple[str, ...] = ("auditor",), **more: Any) -> CheckResult:
    check = LightObservers(told.context(watchers=frozenset(watchers), **more))
    for record in told.records:
        if type(record) in check.subscribes:
            check.on_record(record)
    return check.finish(told.end(9000))


def test_rule_29_what_it_believes_is_what_was_executed() -> None:
    result = judge(story())
    assert result.ok, result.detail
    assert result.detail == "2 receipts, 2 balances and 1 headers proven to 1 are as executed"


def test_where_nobody_watches_nothing_is_read() -> None:
    check = LightObservers(story().context())
    assert check.subscribes == ()
    assert check.finish(story().end(1)).ok


WRONG: list[tuple[str, int, dict[str, Any]]] = [
    ("believes header 65656565", 0, {"digest": b"e" * 32}),
    ("nobody honest executed that block", 0, {"sequence": 3}),
    ("which nobody honest made", 1, {"digest": b"e" * 32}),
    ("which nobody honest made", 1, {"sequence": 2}),
    ("is of bob/cash", 1, {"account": "bob/cash"}),
    ("holds 91, 0, 0 PKR; it is 90, 0, 0", 3, {"amounts": (91, 0, 0)}),
    ("holds 90, 0, 0 PKR; it is 70, 0, 0", 3, {"sequence": 2}),
    ("holds 70, 0, 0 USD; it is 0, 0, 0", 4, {"asset": "USD"}),
    ("holds 0, 0, 70 PKR", 4, {"amounts": (0, 0, 70)}),
]


@pytest.mark.parametrize(("words", "which", "changes"), WRONG)
def test_rule_29_anything_else_is_a_violation(
    words: str, which: int, changes: dict[str, Any]
) -> None:
    told = story()
    at = [n for n, record in enumerate(told.records) if type(record) is Proven][which]
    told.records[at] = msgspec.structs.replace(told.records[at], **changes)
    result = judge(told)
    assert not result.ok
    assert words in result.detail
    assert result.findings[0].node == "auditor"


def test_rule_29_what_only_the_hostile_executed_counts_for_nothing() -> None:
    told = story()
    hostile: list[Record] = [r for r in told.records if not isinstance(r, Executed)]
    hostile[:0] = [r for r in told.records if isinstance(r, Executed) and r.node == "v3"]
    told.records = hostile
    result = judge(told, honest=frozenset({"v0", "v1", "v2"}))
    assert not result.ok
