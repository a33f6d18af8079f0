"""Agreement, prepared, signing, state roots, accusations: each holds, and each can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chainsim.checks import CheckResult
from chainsim.trace import (
    Accused,
    CertificatesShown,
    Executed,
    NodeChanged,
    Reached,
    Record,
    Signed,
)
from tests.unit.checks.story import NAMES, Act, Story, executed, judge, tampered

OTHER = b"\xee" * 32


def three_blocks() -> Story:
    story = Story()
    for height in (1, 2, 3):
        act = Act("alice", height)
        story.submit(height * 1000 - 500, act)
        block = story.block(height * 1000, [act])
        story.decide(height * 1000, block)
        story.final(height * 1000 + 100, act, block)
    for name in NAMES:
        story.add(Signed(4000, name, "checkpoint", 0, 0, 3, b"c" * 32))
        story.add(Reached(4001, name, "checkpoint-stable", 0, 3, b"c" * 32))
        story.add(Signed(5000, name, "view-change", 0, 1, 0, name.encode()))
        story.add(CertificatesShown(5000, name, 0, 1, 0, ((1, 0), (2, 0), (3, 0))))
    for name in ("v1", "v2"):  # a restart replays what the disk holds
        story.add(NodeChanged(5500, name, "down"), NodeChanged(5900, name, "up"))
        story.records.extend(executed(6000, name, block, True) for block in story.blocks)
    return story


def first_finding(result: CheckResult) -> tuple[int, str, int]:
    assert not result.ok
    finding = result.findings[0]
    assert str(finding) in result.detail
    return finding.at_us, finding.node, finding.height


@pytest.mark.parametrize(
    "name",
    [
        "agreement",
        "one-prepared-digest",
        "one-signed-digest",
        "equal-state-roots",
        "no-honest-accused",
        "validity",
        "exactly-once",
        "chain-integrity",
        "true-votes",
        "remembered-commits",
        "durability",
        "client-history",
        "conservation",
        "delivery-versus-payment",
        "liveness",
        "sometimes",
    ],
)
def test_an_honest_run_passes(name: str) -> None:
    story = three_blocks()
    result = judge(name, story.context(), story.records, story.end(10_000))
    assert result.ok, result.detail
    assert result.detail


def _is(kind: type[Record], node: str, **fields: Any) -> Callable[[Record], bool]:
    return lambda record: (
        type(record) is kind
        and record.node == node
        and all(getattr(record, name) == value for name, value in fields.items())
    )


@pytest.mark.parametrize(
    ("check", "which", "changes"),
    [
        ("agreement", _is(Executed, "v2", sequence=2), {"batch_digest": OTHER}),
        ("agreement", _is(Executed, "v2", sequence=2), {"header_hash": OTHER}),
        ("agreement", _is(Reached, "v2", sequence=2, event="committed"), {"digest": OTHER}),
        ("one-prepared-digest", _is(Reached, "v2", sequence=2, event="prepared"), None),
        ("equal-state-roots", _is(Executed, "v2", sequence=2), {"state_root": OTHER}),
        ("equal-state-roots", _is(Executed, "v2", sequence=2), {"reply_root": OTHER}),
    ],
)
def test_a_different_word_is_caught(
    check: str, which: Callable[[Record], bool], changes: dict[str, Any] | None
) -> None:
    story = three_blocks()
    records = tampered(story.records, which, **(changes or {"digest": OTHER}))
    result = judge(check, story.context(), records, story.end(10_000))
    assert first_finding(result) == (2002, "v2", 2)
    hostile = story.context(honest=frozenset(NAMES) - {"v2"})
    assert judge(check, hostile, records, story.end(10_000)).ok


@pytest.mark.parametrize("event", [Signed, Reached])
def test_a_different_checkpoint_is_caught(event: type[Record]) -> None:
    story = three_blocks()
    kind = "checkpoint" if event is Signed else "checkpoint-stable"
    field = "type" if event is Signed else "event"
    records = tampered(story.records, _is(event, "v3", **{field: kind}), digest=OTHER)
    result = judge("equal-state-roots", story.context(), records, story.end(10_000))
    assert first_finding(result) == (4000 if event is Signed else 4001, "v3", 3)


def test_agreement_remembers_across_a_restart() -> None:
    story = three_blocks()
    story.add(executed(7000, "v1", three_blocks().blocks[0], True))
    records = tampered(
        story.records, _is(Executed, "v1", at_us=7000), batch_digest=OTHER, header_hash=OTHER
    )
    records.append(executed(7100, "v1", story.blocks[0], True))  # and then takes it back
    result = judge("agreement", story.context(), records, story.end(10_000))
    assert first_finding(result) == (7000, "v1", 1)


@pytest.mark.parametrize(
    "second",
    [
        Signed(8000, "v1", "prepare", 0, 0, 2, OTHER),
        Signed(8000, "v1", "commit", 0, 0, 2, OTHER),
        Signed(8000, "v1", "checkpoint", 1, 9, 3, OTHER),  # whatever epoch and view: rule 24
        Signed(8000, "v1", "view-change", 0, 1, 0, OTHER),
    ],
)
def test_a_second_signature_under_one_key_is_caught(second: Signed) -> None:
    story = three_blocks()
    story.add(second)
    result = judge("one-signed-digest", story.context(), story.records, story.end(10_000))
    assert first_finding(result) == (8000, "v1", second.sequence)


@pytest.mark.parametrize(
    "second",
    [
        Signed(8000, "v1", "prepare", 0, 1, 2, OTHER),  # another view
        Signed(8000, "v1", "prepare", 1, 0, 2, OTHER),  # another epoch
        Signed(8000, "v1", "view-change", 0, 2, 0, OTHER),
        Signed(8000, "v1", "status", 0, 0, 2, OTHER),  # no vote
        Signed(8000, "v1", "new-view", 0, 1, 0, OTHER),  # another type than its view-change
    ],
)
def test_another_key_may_carry_another_digest(second: Signed) -> None:
    story = three_blocks()
    story.add(second)
    assert judge("one-signed-digest", story.context(), story.records, story.end(10_000)).ok


def test_an_accused_honest_validator_is_a_violation() -> None:
    story = three_blocks()
    story.add(Accused(8000, "v0", "v3", "conflicting-commit"))
    result = judge("no-honest-accused", story.context(), story.records, story.end(10_000))
    assert first_finding(result) == (8000, "v0", 0)
    context = story.context(honest=frozenset(NAMES) - {"v3"})
    rightly = judge("no-honest-accused", context, story.records, story.end(10_000))
    assert rightly.ok
    assert "v3" in rightly.detail
    context = story.context(honest=frozenset(NAMES) - {"v0"})  # a liar's word
    assert judge("no-honest-accused", context, story.records, story.end(10_000)).ok


def test_a_commit_that_its_signer_never_sent_is_no_true_vote() -> None:
    """As when a PREPARE is passed off as a COMMIT."""
    story = three_blocks()
    records = [
        record
        for record in story.records
        if not (isinstance(record, Signed) and (record.node, record.sequence) == ("v1", 2))
    ]
    result = judge("true-votes", story.context(), records, story.end(10_000))
    assert first_finding(result) == (2000, "v0", 2)
    assert "v1 never sent" in result.detail
    fell = [NodeChanged(1, "v1", "down"), *records]
    assert judge("true-votes", story.context(), fell, story.end(10_000)).ok
    hostile = story.context(honest=frozenset(NAMES) - {"v1"})
    assert judge("true-votes", hostile, records, story.end(10_000)).ok


@pytest.mark.parametrize(
    ("where", "held", "finding"),
    [
        ((0, 2, 0), ((1, 0), (2, 1), (3, 0)), None),
        ((0, 2, 3), (), None),  # all of it is below the stable checkpoint
        ((0, 2, 1), ((3, 0),), (8000, "v1", 2)),
        ((0, 2, 0), ((1, 0), (2, 0)), (8000, "v1", 3)),
        ((1, 2, 0), (), None),  # the epoch before is over
        ((0, 1, 0), (), None),  # sent again, byte for byte
    ],
)
def test_a_view_change_holds_what_its_sender_committed_to(
    where: tuple[int, int, int], held: tuple[tuple[int, int], ...], finding: object
) -> None:
    story = three_blocks()
    story.add(NodeChanged(7000, "v1", "down"), NodeChanged(7500, "v1", "up"))
    story.add(CertificatesShown(8000, "v1", *where, held))
    result = judge("remembered-commits", story.context(), story.records, story.end(10_000))
    if finding is None:
        assert result.ok, result.detail
        return
    assert first_finding(result) == finding
    assert "says that nothing was prepared there" in result.detail
    hostile = story.context(honest=frozenset(NAMES) - {"v1"})
    assert judge("remembered-commits", hostile, story.records, story.end(10_000)).ok


def test_a_certificate_of_an_earlier_view_is_not_enough() -> None:
    story = three_blocks()
    story.add(Signed(7000, "v1", "commit", 0, 1, 3, OTHER))
    story.add(CertificatesShown(8000, "v1", 0, 2, 0, ((1, 0), (2, 0), (3, 0))))
    result = judge("remembered-commits", story.context(), story.records, story.end(10_000))
    assert first_finding(result) == (8000, "v1", 3)
    assert "sent a COMMIT in view 1" in result.detail
    assert "holds a certificate of view 0 only" in result.detail
