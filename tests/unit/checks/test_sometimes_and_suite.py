"""Coverage, and the suite that feeds all checks."""

from __future__ import annotations

import pytest

from chainsim.checks import CHECKS, COVERAGE, CheckSuite
from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    Installed,
    NodeChanged,
    Persisted,
    Reached,
    Record,
    Signed,
    TimerExpired,
    Violation,
)
from tests.unit.checks.story import Act, Story, executed, judge, tampered

D = b"\x01" * 32


def _block() -> Record:
    return executed(5, "v0", Story().block(1, [Act("alice", 1)]))


def _null_block() -> Record:
    return executed(5, "v0", Story().block(1, []))


REQUEST = Signed(5, "alice", "request", 0, 0, 1, D)
HAPPENING: dict[str, Record | list[Record]] = {
    "view-change": Reached(5, "v0", "new-view-entered", 1, 0, b""),
    "checkpoint": Reached(5, "v0", "checkpoint-stable", 0, 10, D),
    "state-transfer": Reached(5, "v0", "state-transferred", 0, 10, D),
    "timeout": TimerExpired(5, "v0", "request"),
    "crash": NodeChanged(5, "v0", "down"),
    "restart": [NodeChanged(4, "v9", "down"), NodeChanged(5, "v9", "up")],
    "block": _block(),
    "null-request": _null_block(),
    "retransmission": [REQUEST, REQUEST],
    "misbehaviour": Accused(5, "v0", "v1", "conflicting-commit"),
    "partition": FaultChanged(5, "", 0, "partition", True),
    "prepared": Reached(5, "v0", "prepared", 0, 1, D),
}
ELSE: list[Record] = [
    Reached(1, "v0", "new-view-entered", 0, 0, b""),
    NodeChanged(0, "v0", "up"),
    NodeChanged(3, "v8", "up"),  # a late start is no restart
    Signed(4, "alice", "request", 0, 0, 9, D),
    TimerExpired(2, "v0", "status"),
    FaultChanged(3, "", 0, "slow", False),
]


def happening(name: str) -> list[Record]:
    records = HAPPENING[name]
    return records if isinstance(records, list) else [records]


@pytest.mark.parametrize("name", [*COVERAGE, "partition", "prepared"])
def test_a_named_event_must_have_happened(name: str) -> None:
    story = Story()
    context = story.context(sometimes=(name,))
    seen = judge("sometimes", context, [*ELSE, *happening(name)], story.end(9))
    assert seen.ok
    assert name in seen.detail
    others = [
        record
        for other in HAPPENING
        if other != name and {other, name} != {"crash", "restart"}
        for record in happening(other)
    ]
    unseen = judge("sometimes", context, [*ELSE, *others], story.end(9))
    assert not unseen.ok
    assert unseen.findings[0].at_us == 9
    assert f"never saw {name}" in unseen.detail


def three_blocks() -> Story:
    story = Story()
    for height in (1, 2, 3):
        act = Act("alice", height)
        story.submit(height * 1000 - 500, act)
        block = story.block(height * 1000, [act])
        story.decide(height * 1000, block)
        story.final(height * 1000 + 100, act, block)
    return story


def test_the_suite_runs_every_check_over_one_trace() -> None:
    story = three_blocks()
    suite = CheckSuite(story.context())
    for record in [*story.records, Persisted(9, "v0", 1)]:
        suite.on_record(record)
    results = suite.finish(story.end(9000))
    assert [result.name for result in results] == list(CHECKS)
    assert all(result.ok for result in results)
    assert suite.violations() == ()
    assert Persisted not in suite.wanted


def test_the_suite_tells_violations_while_the_run_goes_on() -> None:
    story = three_blocks()
    records = tampered(
        story.records,
        lambda record: type(record) is Executed and record.node == "v2" and record.sequence == 2,
        header_hash=D,
        state_root=D,
    )
    suite = CheckSuite(story.context())
    for record in records:
        suite.on_record(record)
    found = suite.violations()
    assert {violation.check for violation in found} == {
        "agreement",
        "equal-state-roots",
        "chain-integrity",
    }
    assert all((v.at_us, v.node) == (2002, "v2") for v in found)
    assert all(isinstance(violation, Violation) for violation in found)
    assert not all(result.ok for result in suite.finish(story.end(9000)))


def test_a_suite_of_some_checks() -> None:
    suite = CheckSuite(Story().context(), ["agreement"])
    assert [check.name for check in suite.checks] == ["agreement"]
    assert set(suite.wanted) == {Executed, Installed, Reached}


def test_every_check_is_named_as_in_the_table_and_words_its_result() -> None:
    story = three_blocks()
    for name in CHECKS:
        result = judge(name, story.context(), story.records, story.end(9000))
        assert result.name == name
        assert result.kind in {"safety", "liveness", "money", "coverage"}
        assert result.detail
