"""What a test did to a cluster, kept as a scenario, so that any run can be had again.

Every verb of the kit is a fault or a step of a script that happens at one microsecond. A
cluster's past is therefore a scenario file, and one that ends at a given time repeats it event
by event.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from nodes.ledger.transactions import Transaction, decode
from scenarios.faults import Fault, When
from scenarios.schema import Scenario
from scenarios.workload import Submission, Workload
from scenarios.workload.script import Script, Step

NEVER: Final = When(event="height", sequence=10**9)
"""In place of the time of a fault that lies behind the end: it keeps its number in the file."""


class Recording:
    """Grows with the test: the scenario that it began with, and what was done since."""

    def __init__(self, base: Scenario) -> None:
        self.base: Final = base
        self.faults: Final[list[Fault]] = list(base.faults)
        self.steps: Final[list[Step]] = []

    def senders(self, planned: Iterable[Submission]) -> frozenset[str]:
        """Parties that sent something, or are going to; ``planned`` as in ``up_to``."""
        return frozenset([*(each.party for each in planned), *(s.from_ for s in self.steps)])

    def whole(self) -> Scenario:
        """The scenario with all that was done; it goes on to the end of the base."""
        return msgspec.structs.replace(
            self.base, faults=tuple(self.faults), workload=self._workload(self.base.workload)
        )

    def up_to(self, end_us: int, planned: Iterable[Submission]) -> Scenario:
        """The scenario that ends at ``end_us``; ``planned`` is what the base's workloads send."""
        end_us = max(1, end_us)
        base = self.base.workload
        steps = list(self.steps)
        if base and end_us < self.base.duration:
            # A workload with another end would draw other things: what it sent is written down.
            sent = [step_of(each) for each in planned if each.at_us <= end_us]
            steps = sorted((*sent, *steps), key=lambda step: step.at)
            base = ()
        script = (Script(steps=tuple(steps)),) if steps else ()
        return msgspec.structs.replace(
            self.base,
            duration=end_us,
            faults=tuple(_cut(fault, end_us) for fault in self.faults),
            workload=(*base, *script),
        )

    def _workload(self, base: tuple[Workload, ...]) -> tuple[Workload, ...]:
        return (*base, Script(steps=tuple(self.steps))) if self.steps else base


def step_of(submission: Submission) -> Step:
    """The line of a script that sends a submission."""
    transaction = decode(submission.operation)
    assert transaction is not None, "only transactions are submitted"
    return step(submission.at_us, submission.party, transaction, submission.cosigners)


def step(at_us: int, party: str, transaction: Transaction, cosigners: tuple[str, ...] = ()) -> Step:
    """The line of a script that sends ``transaction``, with its body as people write it."""
    body = msgspec.to_builtins(transaction.body, builtin_types=(bytes, datetime.date))
    fields = _written("", body)
    del fields["type"]
    return Step(
        at=at_us,
        from_=party,
        tx=transaction.type,
        body=fields,
        cosigners=cosigners,
        expiry_height=transaction.expiry_height,
    )


def _written(name: str, value: Any) -> Any:
    """``scenarios.workload.bodies`` backwards."""
    if isinstance(value, dict):
        return {key: _written(key, item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_written(name, item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and name.endswith("_e4"):
        return Decimal(value).scaleb(-4)
    return value


def _cut(fault: Fault, end_us: int) -> Fault:
    """The fault as far as it can be seen before the end; the loader takes no later times."""
    changes: dict[str, Any] = {}
    if fault.at is not None and fault.at > end_us:
        changes = {"at": None, "until": None, "every": None, "when": NEVER}
    elif fault.until is not None and fault.until > end_us:
        changes = {"until": None}
    return msgspec.structs.replace(fault, **changes)
