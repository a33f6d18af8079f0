"""Holds a run against its scenario's ``[expect]``: one row for each line, and the exit code."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from chainsim.checks import CheckResult
from chainsim.coalitions import closest, roles_of
from chainsim.exit_codes import ExitCode, decisive
from chainsim.measures import Measures
from chainsim.run_summary import ExpectationLine
from consensus.types import Committee
from nodes.ledger.receipts import Receipt
from scenarios.metrics import comparable, shown
from scenarios.schema import ExpectReceipts, Scenario
from scenarios.units import parse_amount, show_amount, show_duration
from scenarios.workload import Submission

SAFETY_KINDS: Final = ("safety", "money")

_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run, as far as expectations ask. Times in microseconds."""

    checks: tuple[CheckResult, ...]
    measures: Measures
    metrics: dict[str, int]
    """By the names of ``scenarios.metrics.METRICS``; what could not be measured is left out."""
    receipts: Sequence[Receipt]
    """Of the agreed chain, in order."""
    submissions: Sequence[tuple[Submission, int]]
    """All that was planned, each with its client's request number."""
    committees: Sequence[Committee]
    """Of all epochs of the agreed chain, the first one first."""
    balance: Callable[[str, str, str], int]
    """(account, asset, partition) -> minor units at the end."""


def evaluate(scenario: Scenario, facts: Facts) -> tuple[ExpectationLine, ...]:
    """One row for each line of ``[expect]``, and for each ``expect_code`` of a script."""
    return tuple(row for rule in _RULES for row in rule(scenario, facts))


def violated(facts: Facts) -> bool:
    """Whether a safety property (of consensus or of money) is broken."""
    return any(not check.ok for check in facts.checks if check.kind in SAFETY_KINDS)


def stalled(facts: Facts) -> bool:
    """Whether a liveness property is broken."""
    return any(not check.ok for check in facts.checks if check.kind == "liveness")


def exit_code(
    scenario: Scenario,
    facts: Facts,
    rows: Sequence[ExpectationLine],
    *,
    interrupted: bool = False,
) -> ExitCode:
    """What the run's process ends with (SCENARIOS.md, exit codes)."""
    expect = scenario.expect
    codes = []
    if interrupted:
        codes.append(ExitCode.INTERRUPTED)
    if violated(facts) and expect.safety == "holds":
        codes.append(ExitCode.SAFETY)
    if stalled(facts) and expect.liveness == "recovers":
        codes.append(ExitCode.LIVENESS)
    if not all(row.ok for row in rows):
        codes.append(ExitCode.EXPECTATION)
    return decisive(codes)


def _row(name: str, ok: bool, wanted: object, got: object) -> ExpectationLine:
    return ExpectationLine(name=name, ok=ok, wanted=str(wanted), got=str(got))


def _safety(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    got = "violated" if violated(facts) else "holds"
    wanted = scenario.expect.safety
    yield _row("safety", got == wanted, wanted, got)


def _liveness(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    expect = scenario.expect
    if expect.liveness == "ignore":
        return
    got = "stalls" if stalled(facts) else "recovers"
    within = ""
    if expect.within is not None and expect.liveness == "recovers":
        within = f" within {show_duration(expect.within)}"
    yield _row("liveness", got == expect.liveness, expect.liveness + within, got)


def _numbers(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    expect = scenario.expect
    if expect.min_height is not None:
        height = facts.metrics["height"]
        ok = height >= expect.min_height
        yield _row("min_height", ok, f"at least {expect.min_height}", height)
    if expect.max_view_changes is not None:
        changes = facts.metrics["view_changes"]
        ok = changes <= expect.max_view_changes
        yield _row("max_view_changes", ok, f"at most {expect.max_view_changes}", changes)
    if expect.finality_p99 is not None:
        p99 = facts.metrics.get("finality_p99")
        ok = p99 is not None and p99 <= expect.finality_p99
        got = "nothing became final" if p99 is None else show_duration(p99)
        yield _row("finality_p99", ok, f"at most {show_duration(expect.finality_p99)}", got)


def _culprits(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    if scenario.expect.culprits is not None:
        wanted = sorted(scenario.expect.culprits)
        got = sorted({culprit for culprit, _ in facts.measures.evidence})
        yield _row("culprits", got == wanted, _names(wanted), _names(got))


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody"


def _sometimes(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    if scenario.expect.sometimes:
        coverage = [check for check in facts.checks if check.kind == "coverage"]
        ok = all(check.ok for check in coverage)
        wanted = _names(scenario.expect.sometimes)
        missed = "; ".join(check.detail for check in coverage if not check.ok)
        yield _row("sometimes", ok, wanted, missed or wanted)


def _coalitions(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    """In every epoch that the agreed chain entered; the closest one is told."""
    for role in scenario.expect.halt_alone_never:
        share = closest(role, facts.committees, roles_of(scenario))
        wanted = f"fewer than {share.needed} validators"
        if len(facts.committees) > 1:
            wanted += f" (of {share.n} in epoch {share.epoch}, the closest)"
        yield _row(f"halt_alone_never {role}", share.spare > 0, wanted, share.have)


def _receipts(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    for wanted in scenario.expect.receipts:
        count = sum(
            receipt.type == wanted.tx
            and receipt.code == wanted.code
            and wanted.sender in (None, receipt.client)
            for receipt in facts.receipts
        )
        name = f"receipts {wanted.tx} {wanted.code}"
        name += f" of {wanted.sender}" if wanted.sender is not None else ""
        yield _row(name, _counts(wanted, count), receipts_wanted(wanted), count)


def _counts(wanted: ExpectReceipts, count: int) -> bool:
    if wanted.count is not None:
        return count == wanted.count
    return (wanted.min or 0) <= count and (wanted.max is None or count <= wanted.max)


def receipts_wanted(wanted: ExpectReceipts) -> str:
    """How many, in words."""
    if wanted.count is not None:
        return str(wanted.count)
    bounds = [("at least", wanted.min), ("at most", wanted.max)]
    return ", ".join(f"{words} {bound}" for words, bound in bounds if bound is not None)


def _balances(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    for row in scenario.expect.balance:
        wanted = parse_amount(row.amount)
        held = facts.balance(row.account, wanted.asset, row.partition)
        got = show_amount(msgspec.structs.replace(wanted, minor=held))
        where = "" if row.partition == "free" else f" ({row.partition})"
        yield _row(f"balance {row.account}{where}", held == wanted.minor, row.amount, got)


def _metrics(scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    for metric in scenario.expect.metric:
        bound = comparable(metric.name, metric.value)
        assert bound is not None, "the loader has compared it"
        value = facts.metrics.get(metric.name)
        ok = value is not None and _COMPARE[metric.op](value, bound)
        got = "nothing measured" if value is None else shown(metric.name, value)
        yield _row(f"metric {metric.name}", ok, f"{metric.op} {metric.value}", got)


def _codes(_scenario: Scenario, facts: Facts) -> Iterator[ExpectationLine]:
    """The receipt of each submission whose author says what code it must get."""
    found = {(receipt.client, receipt.number): receipt.code for receipt in facts.receipts}
    for submission, number in facts.submissions:
        if submission.expect_code:
            got = found.get((submission.party, number), "no receipt")
            name = f"{submission.path} {submission.type} of {submission.party}"
            yield _row(name, got == submission.expect_code, submission.expect_code, got)


_RULES: Final = (
    _safety,
    _liveness,
    _numbers,
    _culprits,
    _sometimes,
    _coalitions,
    _receipts,
    _balances,
    _metrics,
    _codes,
)
