"""The properties of a run, each in its own file, reading the trace and nothing else.

``CheckSuite`` is what a host uses: it feeds each record to the checks that asked for its type,
tells while the run goes on whether anything is wrong, and words the verdicts at the end.
``CHECKS`` is the list of properties: a new one is a file here and a line in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from chainsim.checks.accused import Accusations
from chainsim.checks.agreement import Agreement
from chainsim.checks.authority import Authority
from chainsim.checks.base import Check, CheckResult, Finding, Kind
from chainsim.checks.bounded_memory import BoundedMemory
from chainsim.checks.chain_integrity import ChainIntegrity
from chainsim.checks.client_history import ClientHistory
from chainsim.checks.conservation import Conservation
from chainsim.checks.context import (
    BalanceKey,
    CheckContext,
    LedgerStatus,
    NodeStatus,
    RunEnd,
)
from chainsim.checks.coupons import Coupons
from chainsim.checks.durability import Durability
from chainsim.checks.dvp import DeliveryVersusPayment
from chainsim.checks.exactly_once import ExactlyOnce
from chainsim.checks.light_observers import LightObservers
from chainsim.checks.liveness import Liveness
from chainsim.checks.prepared import OnePrepared
from chainsim.checks.programme_cap import ProgrammeCap
from chainsim.checks.remembered import RememberedCommits
from chainsim.checks.replayed import Replayed
from chainsim.checks.restraints import Restraints
from chainsim.checks.securities import Securities
from chainsim.checks.signing import OneSigned
from chainsim.checks.sometimes import COVERAGE, Sometimes
from chainsim.checks.specification import FollowsSpecification
from chainsim.checks.state_roots import StateRoots
from chainsim.checks.true_votes import TrueVotes
from chainsim.checks.validity import Validity
from chainsim.trace import Record, Recorder, Violation

__all__ = [
    "CHECKS",
    "COVERAGE",
    "ON_REQUEST",
    "SPECIFICATION",
    "BalanceKey",
    "Check",
    "CheckContext",
    "CheckResult",
    "CheckSuite",
    "Finding",
    "Kind",
    "LedgerStatus",
    "NodeStatus",
    "RunEnd",
]

CHECKS: Final[dict[str, Callable[[CheckContext], Check]]] = {
    "agreement": Agreement,
    "one-prepared-digest": OnePrepared,
    "one-signed-digest": OneSigned,
    "validity": Validity,
    "exactly-once": ExactlyOnce,
    "chain-integrity": ChainIntegrity,
    "true-votes": TrueVotes,
    "remembered-commits": RememberedCommits,
    "equal-state-roots": StateRoots,
    "durability": Durability,
    "client-history": ClientHistory,
    "no-honest-accused": Accusations,
    "conservation": Conservation,
    "delivery-versus-payment": DeliveryVersusPayment,
    "coupons": Coupons,
    "programme-cap": ProgrammeCap,
    "restraints": Restraints,
    "securities": Securities,
    "authority": Authority,
    "replay-from-genesis": Replayed,
    "light-observers": LightObservers,
    "bounded-memory": BoundedMemory,
    "liveness": Liveness,
    "sometimes": Sometimes,
}
"""In the order of the summary."""

SPECIFICATION: Final = "specification"
ON_REQUEST: Final[dict[str, Callable[[CheckContext], Check]]] = {
    SPECIFICATION: FollowsSpecification,
}
"""Properties that cost more than they should in every run: who wants them says so."""


class CheckSuite:
    """All checks of one run."""

    def __init__(self, context: CheckContext, names: Iterable[str] = tuple(CHECKS)) -> None:
        known = CHECKS | ON_REQUEST
        self.checks: Final = tuple(known[name](context) for name in names)
        self._readers: dict[type[Record], tuple[Callable[[Record], None], ...]] = {}
        for check in self.checks:
            for kind in check.subscribes:
                self._readers[kind] = (*self._readers.get(kind, ()), check.on_record)
        self.wanted: Final = tuple(self._readers)
        """Record types that some check reads; others needn't be built for the checks."""

    def listen(self, recorder: Recorder) -> None:
        """Has ``recorder`` feed each check what it asked for."""
        for kind, readers in self._readers.items():
            for read in readers:
                recorder.subscribe(kind, read)

    def on_record(self, record: Record) -> None:
        """Feeds one record, in trace order, to all that asked for its type."""
        for read in self._readers.get(type(record), ()):
            read(record)

    def violations(self) -> tuple[Violation, ...]:
        """Breaches found so far, by time, as trace records."""
        found = [
            Violation(finding.at_us, finding.node, check.name, str(finding))
            for check in self.checks
            for finding in check.findings
        ]
        return tuple(sorted(found, key=lambda violation: violation.at_us))

    def finish(self, end: RunEnd) -> tuple[CheckResult, ...]:
        """One verdict per check, in the table's order. Call once, when the run is over."""
        return tuple(check.finish(end) for check in self.checks)
