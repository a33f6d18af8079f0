"""Chain integrity, validity, exactly once: each can fail, at the right place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chainsim.checks import CheckResult
from chainsim.trace import NodeChanged
from consensus.messages import Batch, CommitCertificate, signed
from nodes.block import Block
from nodes.ledger.receipts import Posting
from tests.unit.checks.story import NAMES, Act, Story, executed, judge

OTHER = b"\xee" * 32


def two_blocks() -> Story:
    story = Story()
    for height in (1, 2):
        story.decide(height * 1000, story.block(height * 1000, [Act("alice", height)]))
    return story


def verdict(story: Story, block: Block, check: str = "chain-integrity") -> CheckResult:
    """What becomes of v0 executing ``block`` third."""
    records = [*story.records, executed(3000, "v0", block)]
    return judge(check, story.context(), records, story.end(5000))


def third(story: Story, **changes: Any) -> Block:
    """The third block with a header that was changed and hashed again."""
    block = story.block(3000, [Act("alice", 3)])
    header = msgspec.structs.replace(block.header, **changes)
    return msgspec.structs.replace(block, header=header)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"parent": OTHER}, "names parent"),
        ({"transactions_root": OTHER}, "transactions root"),
        ({"receipts_root": OTHER}, "receipts root"),
        ({"time_us": 3001}, "block time"),
        ({"batch_digest": OTHER}, "under digest"),
    ],
)
def test_headers_are_recomputed(changes: dict[str, Any], words: str) -> None:
    story = two_blocks()
    result = verdict(story, third(story, **changes))
    assert result.ok == (not words)
    if words:
        assert (result.findings[0].at_us, result.findings[0].node) == (3000, "v0")
        assert result.findings[0].height == 3
        assert words in result.detail


def test_a_gap_in_heights_is_caught() -> None:
    story = two_blocks()
    story.block(3000, [])
    result = verdict(story, story.block(4000, [Act("alice", 3)]))
    assert "executed height 4 after 2" in result.detail


def test_a_restarted_validator_starts_over_and_only_then() -> None:
    story = two_blocks()
    again = executed(3000, "v1", story.blocks[0], True)
    up = NodeChanged(2900, "v1", "up")
    good = judge("chain-integrity", story.context(), [*story.records, up, again], story.end(5000))
    assert good.ok, good.detail
    bad = judge("chain-integrity", story.context(), [*story.records, again], story.end(5000))
    assert "executed height 1 after 2" in bad.detail


def test_a_null_block_keeps_its_parents_time() -> None:
    story = two_blocks()
    block = story.block(0, [])
    assert verdict(story, block).ok
    assert block.header.time_us == 2000
    # Its digest doesn't cover a proposed time, so that must not count.
    timed = msgspec.structs.replace(
        block,
        batch=Batch(5000, ()),
        header=msgspec.structs.replace(block.header, time_us=5000),
    )
    assert "block time" in verdict(story, timed).detail


def _without_last(story: Story, whole: CommitCertificate) -> CommitCertificate:
    return msgspec.structs.replace(whole, commits=whole.commits[:2])


def _one_twice(story: Story, whole: CommitCertificate) -> CommitCertificate:
    again = msgspec.structs.replace(whole.commits[0])
    return msgspec.structs.replace(whole, commits=(*whole.commits[:2], again))


def _forged(story: Story, whole: CommitCertificate) -> CommitCertificate:
    stolen = msgspec.structs.replace(whole.commits[1], sender="v3")
    return msgspec.structs.replace(whole, commits=(*whole.commits[:2], stolen))


def _other_digest(story: Story, whole: CommitCertificate) -> CommitCertificate:
    other = story.certificate(3, OTHER, ["v2"]).commits
    return msgspec.structs.replace(whole, commits=whole.commits[:2] + other)


def _other_height(story: Story, whole: CommitCertificate) -> CommitCertificate:
    return story.certificate(4, whole.digest, NAMES)


def _other_claim(story: Story, whole: CommitCertificate) -> CommitCertificate:
    return msgspec.structs.replace(whole, sequence=4)


def _stranger(story: Story, whole: CommitCertificate) -> CommitCertificate:
    signer = story.scheme.signer(b"s" * 32)
    vote = signed(msgspec.structs.replace(whole.commits[2], sender="stranger"), signer)
    return msgspec.structs.replace(whole, commits=(*whole.commits[:2], vote))


@pytest.mark.parametrize(
    "change",
    [_without_last, _one_twice, _forged, _other_digest, _other_height, _other_claim, _stranger],
)
def test_a_certificate_needs_a_quorum_of_distinct_valid_commits(
    change: Callable[[Story, CommitCertificate], CommitCertificate],
) -> None:
    story = two_blocks()
    block = story.block(3000, [Act("alice", 3)])
    certificate = change(story, block.certificate)
    result = verdict(story, msgspec.structs.replace(block, certificate=certificate))
    assert not result.ok
    assert "certificate" in result.detail


def test_receipts_answer_the_requests_in_order() -> None:
    story = two_blocks()
    block = story.block(3000, [Act("alice", 3), Act("bob", 1)])
    swapped = msgspec.structs.replace(block, receipts=block.receipts[::-1])
    assert "don't answer" in verdict(story, swapped).detail


def test_only_submitted_requests_take_effect() -> None:
    story = Story()
    mine, forged = Act("alice", 1), Act("alice", 2)
    story.submit(500, mine)
    story.decide(1000, story.block(1000, [mine]))
    assert judge("validity", story.context(), story.records, story.end(2000)).ok
    story.decide(2000, story.block(2000, [forged]))
    result = judge("validity", story.context(), story.records, story.end(3000))
    assert result.findings[0].at_us == 2000
    assert result.findings[0].height == 2
    assert "never submitted" in result.detail


def test_a_request_in_anothers_name_may_be_ordered_but_fails() -> None:
    story = Story()
    story.decide(1000, story.block(1000, [Act("alice", 1, code="E_SIG")]))
    assert judge("validity", story.context(), story.records, story.end(2000)).ok


def test_an_unauthentic_request_is_caught_whatever_its_receipt() -> None:
    story = Story()
    act = Act("alice", 1, code="E_SIG")
    block = story.block(1000, [act])
    request = msgspec.structs.replace(block.batch.requests[0], operation=b"other")
    batch = msgspec.structs.replace(block.batch, requests=(request,))
    result = verdict(story, msgspec.structs.replace(block, batch=batch), "validity")
    assert "isn't signed" in result.detail
    assert result.findings[0].height == 1


def test_a_request_of_another_chain_is_caught() -> None:
    story = Story()
    act = Act("alice", 1)
    block = story.block(1000, [act])
    foreign = msgspec.structs.replace(block.batch.requests[0], chain=OTHER)
    foreign = signed(foreign, story.client_signers["alice"])
    batch = msgspec.structs.replace(block.batch, requests=(foreign,))
    result = verdict(story, msgspec.structs.replace(block, batch=batch), "validity")
    assert "isn't signed" in result.detail


def test_what_a_hostile_validator_executes_is_not_the_chain() -> None:
    story = Story()
    lie = Story().block(1000, [Act("alice", 9)])
    story.add(executed(900, "v3", lie))
    act = Act("alice", 1)
    story.submit(500, act)
    story.decide(1000, story.block(1000, [act]))
    context = story.context(honest=frozenset(NAMES) - {"v3"})
    assert judge("validity", context, story.records, story.end(2000)).ok
    assert not judge("validity", story.context(), story.records, story.end(2000)).ok


def test_a_repeat_must_do_nothing() -> None:
    story = Story()
    story.decide(1000, story.block(1000, [Act("alice", 1), Act("bob", 1)]))
    story.decide(2000, story.block(2000, [Act("alice", 1, code="E_NONCE")]))
    assert judge("exactly-once", story.context(), story.records, story.end(3000)).ok
    story.decide(3000, story.block(3000, [Act("alice", 1, code="E_ROLE")]))
    result = judge("exactly-once", story.context(), story.records, story.end(4000))
    assert (result.findings[0].at_us, result.findings[0].height) == (3000, 3)
    assert "first at height 1" in result.detail


def test_an_envelope_failure_moves_nothing() -> None:
    story = Story()
    posting = Posting("a", "PKR", "free", 5)
    act = Act("alice", 1, code="E_EXPIRED", postings=(posting,))
    story.decide(1000, story.block(1000, [act]))
    result = judge("exactly-once", story.context(), story.records, story.end(3000))
    assert "still moved balances" in result.detail
