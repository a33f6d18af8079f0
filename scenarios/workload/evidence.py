"""``evidence``: a party hands in what validators are caught doing, as it comes to light.

What there will be to hand in isn't known before the run, so this workload plans nothing: a
``Prosecutor`` words each EVIDENCE while the run goes on. Its party sends nothing else, so that the
numbers of planned requests stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from consensus.encoding import encode
from consensus.limits import MAX_OPERATION_BYTES
from consensus.misbehaviour import Misbehaviour
from consensus.types import NodeId
from nodes.ledger.transactions import Evidence, Transaction
from scenarios.convert import whole
from scenarios.errors import did_you_mean
from scenarios.genesis_spec import PartyId
from scenarios.units import Duration
from scenarios.workload.base import Problem, Submission, Workload
from scenarios.workload.context import Context


class EvidenceDesk(
    Workload,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag="evidence",
    rename={"from_": "from"},
):
    """EVIDENCE of each kind of misbehaviour of each validator, when the first one reports it."""

    from_: PartyId
    """Any party that sends nothing else."""
    after: Duration = 1_000_000
    """From the report to the submission."""
    propose_removal: bool = False

    def submissions(self, context: Context) -> Iterator[Submission]:
        return iter(())

    def problems(self, context: Context) -> Iterator[Problem]:
        parties = [party.id for party in context.genesis.parties]
        if whole(self.from_) and self.from_ not in parties:
            hint = did_you_mean(self.from_, parties)
            yield Problem("from", f'unknown party "{self.from_}"{hint}')


class Prosecutor:
    """Words EVIDENCE for one desk, once for each culprit and kind."""

    def __init__(self, desk: EvidenceDesk, node: NodeId) -> None:
        self._desk: Final = desk
        self._node: Final = node
        self._handed_in: Final[set[tuple[NodeId, str]]] = set()

    def __call__(self, now_us: int, found: Misbehaviour) -> tuple[int, NodeId, bytes] | None:
        """(when it is sent, by the client on which node, the operation); None for what was
        handed in before, and for proofs that are larger than a transaction may be."""
        charge = (found.culprit, found.kind)
        if charge in self._handed_in:
            return None
        body = Evidence(misbehaviour=encode(found), propose_removal=self._desk.propose_removal)
        operation = Transaction(body).encode()
        if len(operation) > MAX_OPERATION_BYTES:
            return None
        self._handed_in.add(charge)
        return now_us + self._desk.after, self._node, operation


def busy_desks(
    workloads: Iterable[tuple[str, Workload]], plan: Iterable[Submission]
) -> Iterator[tuple[str, str]]:
    """(path, party) of desks whose party sends something else, or has two desks."""
    senders = {submission.party for submission in plan}
    for path, workload in workloads:
        if isinstance(workload, EvidenceDesk):
            if workload.from_ in senders:
                yield path, workload.from_
            senders.add(workload.from_)
