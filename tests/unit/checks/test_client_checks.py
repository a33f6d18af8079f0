"""Client history and durability: what a client was told is what the chain did, for good."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainsim.checks import NodeStatus
from chainsim.trace import FaultChanged, Final, NodeChanged, Record
from consensus.encoding import encode
from tests.unit.checks.story import NAMES, Act, Story, executed, judge, tampered


def told() -> Story:
    """Alice's two requests and bob's one, one block each, confirmed one after the other."""
    story = Story()
    for height, (act, node) in enumerate(
        [(Act("alice", 1), "alice"), (Act("bob", 1), "v1.desk"), (Act("alice", 2), "alice")],
        start=1,
    ):
        story.submit(height * 1000, act, node)
        block = story.block(height * 1000 + 100, [act])
        story.decide(height * 1000 + 200, block)
        story.final(height * 1000 + 300, act, block, node)
    return story


def is_final(height: int) -> Any:
    return lambda record: type(record) is Final and record.at_us == height * 1000 + 300


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (encode(("E_ROLE", 2, 0, "")), "but the chain says"),
        (encode(("OK", 2, 0, "changed")), "but the chain says"),
        (encode(("OK", 1, 0, "")), "but the chain says"),  # somebody else's place
        (encode(("OK", 9, 0, "")), "the chain holds nothing"),
        (b"\xc1", "can't be read"),
        (encode(("OK", 2)), "can't be read"),
        (encode(("OK", 2, 0, "")).replace(b"OK", b"\xf0K"), "can't be read"),
    ],
)
def test_a_false_result_is_caught(result: bytes, words: str) -> None:
    story = told()
    records = tampered(story.records, is_final(2), result=result)
    verdict = judge("client-history", story.context(), records, story.end(9000))
    assert words in verdict.detail
    assert (verdict.findings[0].at_us, verdict.findings[0].node) == (2300, "v1.desk")


def test_what_was_never_submitted_or_confirmed_twice_is_caught() -> None:
    story = told()
    again = story.records[-1]
    verdict = judge("client-history", story.context(), [*story.records, again], story.end(9000))
    assert "confirmed twice" in verdict.detail
    records = [r for r in story.records if getattr(r, "number", 0) != 2 or type(r) is Final]
    verdict = judge("client-history", story.context(), records, story.end(9000))
    assert "never submitted" in verdict.detail


def test_real_time_order_is_kept() -> None:
    """Bob's request was submitted after alice's second was confirmed, yet lies before it."""
    story = Story()
    early, late = Act("bob", 1), Act("alice", 1)
    first, second = story.block(100, [early]), story.block(200, [late])
    story.decide(150, first)
    story.submit(160, late)
    story.decide(250, second)
    story.final(300, late, second)
    story.submit(400, early, "v1.desk")
    story.final(500, early, first, "v1.desk")
    verdict = judge("client-history", story.context(), story.records, story.end(900))
    assert "ordered before it" in verdict.detail
    assert (verdict.findings[0].at_us, verdict.findings[0].height) == (500, 1)
    # Submitted before the other was confirmed, the same order is fine.
    records = sorted(story.records, key=lambda r: 165 if r.at_us == 400 else r.at_us)
    assert judge("client-history", story.context(), records, story.end(900)).ok


def test_a_hostile_clients_history_is_its_own_business() -> None:
    story = told()
    records = tampered(story.records, is_final(2), result=b"")
    context = story.context(clients={"alice": "alice"})
    assert judge("client-history", context, records, story.end(9000)).ok
    assert judge("durability", context, records, story.end(9000)).ok


def test_a_later_chain_without_the_acknowledged_request_is_caught() -> None:
    story = told()
    other = Story()
    other.block(1100, [Act("bob", 7)])
    story.add(NodeChanged(5000, "v3", "up"), executed(5001, "v3", other.blocks[0], True))
    verdict = judge("durability", story.context(), story.records, story.end(9000))
    finding = verdict.findings[0]
    assert (finding.at_us, finding.node, finding.height) == (5001, "v3", 1)
    assert "request 1 of alice" in verdict.detail


def _fallen(height: int) -> NodeStatus:
    return NodeStatus(up=True, view=0, active=True, executed=height)


def test_an_acknowledged_block_that_no_disk_kept_is_lost() -> None:
    story = told()
    fallen = {name: _fallen(2) for name in NAMES}
    verdict = judge("durability", story.context(), story.records, story.end(9000, **fallen))
    assert not verdict.ok
    assert verdict.findings[0].height == 3
    assert "request 2 of alice" in verdict.detail
    # f+1 = 2 honest validators answered: two that kept it are enough, one is not.
    two = {name: _fallen(2) for name in NAMES[:2]}
    assert judge("durability", story.context(), story.records, story.end(9000, **two)).ok
    three = {name: _fallen(2) for name in NAMES[:3]}
    assert not judge("durability", story.context(), story.records, story.end(9000, **three)).ok
    # With one hostile validator among those that answered, one honest one is enough.
    context = story.context(honest=frozenset(NAMES) - {"v0"})
    assert judge("durability", context, story.records, story.end(9000, **three)).ok


def test_who_loses_blocks_to_rot_is_not_counted_on() -> None:
    """Found by exploring: one of the f+1 lost the block on its disk, and fetched it again."""
    story = told()
    three = {name: _fallen(2) for name in NAMES[:3]}
    rot: list[Record] = [FaultChanged(1, "", 0, "bit-rot", True, NAMES[:1])]
    context, end = story.context(), story.end(9000, **three)
    assert judge("durability", context, [*rot, *story.records], end).ok
    crash: list[Record] = [FaultChanged(1, "", 0, "crash", True, NAMES[:1])]
    assert not judge("durability", context, [*crash, *story.records], end).ok
    # One of them must still have it.
    four = story.end(9000, **{name: _fallen(2) for name in NAMES})
    both: list[Record] = [FaultChanged(1, "", 0, "bit-rot", True, NAMES)]
    assert not judge("durability", context, [*both, *story.records], four).ok


def test_a_disk_that_is_down_counts_as_kept() -> None:
    story = told()
    down = {name: NodeStatus(up=False, view=0, active=True, executed=0) for name in NAMES}
    assert judge("durability", story.context(), story.records, story.end(9000, **down)).ok


def test_an_acknowledgement_of_what_nobody_executed_is_caught() -> None:
    story = told()
    record: Record = msgspec.structs.replace(
        story.records[-1], result=encode(("OK", 4, 0, "")), at_us=4000
    )
    verdict = judge("durability", story.context(), [*story.records, record], story.end(9000))
    assert "no honest validator held its block" in verdict.detail
