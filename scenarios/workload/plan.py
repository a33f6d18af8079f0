"""All workloads of a scenario as one plan: who submits what, in order of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import msgspec

from nodes.ledger.genesis import Genesis
from scenarios.keys import Keys
from scenarios.licences import revocations
from scenarios.membership import membership_changes
from scenarios.schema import Scenario
from scenarios.workload import Submission, Workload
from scenarios.workload.context import Context


def submissions(scenario: Scenario, genesis: Genesis, keys: Keys) -> Iterator[Submission]:
    """What all workloads submit, in order of time; at one moment in the order of the file."""

    def planned(index: int, workload: Workload) -> Iterator[Submission]:
        context = Context(
            genesis, keys, scenario.seed, scenario.duration, scenario.calendar.day, index
        )
        for submission in workload.submissions(context):
            path = f"workload[{index}].{submission.path}"
            yield msgspec.structs.replace(submission, path=path)

    plans = [planned(index, workload) for index, workload in enumerate(scenario.workload)]
    plans.append(membership_changes(scenario, genesis, keys))
    plans.append(revocations(scenario, genesis))
    yield from heapq.merge(*plans, key=lambda submission: submission.at_us)


def number(plan: Iterator[Submission]) -> Iterator[tuple[Submission, int]]:
    """Each submission with its request number: clients count theirs from 1."""
    counts: dict[str, int] = {}
    for submission in plan:
        counts[submission.party] = counts.get(submission.party, 0) + 1
        yield submission, counts[submission.party]
