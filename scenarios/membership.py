"""What the faults that change the committee submit: VALIDATOR_UPDATE, with its countersigners.

``add-validator`` and its like are known before the run, and part of its plan; proactive recovery
is decided while it runs, by a secretary of the council: a validator whose party sends nothing
else, so that the numbers of planned requests stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from consensus.types import Committee, NodeId
from nodes.ledger.genesis import Genesis
from nodes.ledger.transactions import Transaction, ValidatorUpdate
from scenarios.faults.client import ClientFault
from scenarios.faults.membership import MembershipFault
from scenarios.faults.proactive_recovery import ProactiveRecovery
from scenarios.keys import Keys
from scenarios.schema import Scenario, seats
from scenarios.workload.base import Submission


def membership_changes(scenario: Scenario, genesis: Genesis, keys: Keys) -> Iterator[Submission]:
    """In order of time; each as if those before it had taken effect."""
    members = list(genesis.committee.ids)
    rotations: dict[str, int] = {}
    faults = [
        (index, fault)
        for index, fault in enumerate(scenario.faults)
        if isinstance(fault, MembershipFault)
    ]
    for index, fault in sorted(faults, key=lambda pair: (pair[1].at or 0, pair[0])):
        about = fault.about
        public_key = None
        if fault.CHANGE != "remove":
            generation = 0
            if fault.CHANGE == "rotate":
                generation = rotations[about] = rotations.get(about, 0) + 1
            public_key = keys.validator(about, generation).public_key
        proposer = fault.proposer or next((m for m in members if m != about), about)
        body = ValidatorUpdate(change=fault.CHANGE, validator=about, public_key=public_key)
        yield Submission(
            fault.at or 0,
            proposer,
            "VALIDATOR_UPDATE",
            Transaction(body).encode(),
            tuple(m for m in members if m not in (proposer, about)),
            "",
            f"faults[{index}]",
        )
        if fault.CHANGE == "add" and about not in members:
            members.append(about)
        elif fault.CHANGE == "remove" and about in members:
            members.remove(about)


class Council:
    """Words VALIDATOR_UPDATEs for new keys: ``secretary`` proposes, all others countersign."""

    def __init__(self, secretary: str, desk: NodeId) -> None:
        self._secretary: Final = secretary
        self._desk: Final = desk

    def __call__(
        self, validator: NodeId, public_key: bytes, committee: Committee
    ) -> tuple[NodeId, bytes, tuple[str, ...]]:
        """(the client node that sends it, the operation, who countersigns)."""
        body = ValidatorUpdate(change="rotate", validator=validator, public_key=public_key)
        others = tuple(id_ for id_ in committee.ids if id_ != self._secretary)
        return self._desk, Transaction(body).encode(), others


def council_secretary(scenario: Scenario, plan: Iterable[Submission]) -> str:
    """The first validator whose party sends nothing in the plan and attacks nobody; empty without
    proactive recovery, or if everybody sends something."""
    if not any(isinstance(fault, ProactiveRecovery) for fault in scenario.faults):
        return ""
    idle = {seat.id: None for seat in seats(scenario)}
    for fault in scenario.faults:
        if isinstance(fault, ClientFault):
            for name in fault.selectors():
                idle.pop(name.removesuffix(".desk"), None)
    for submission in plan:
        idle.pop(submission.party, None)
        if not idle:
            return ""
    return next(iter(idle))
