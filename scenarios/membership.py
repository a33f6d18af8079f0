"""What the faults that change the committee submit: VALIDATOR_UPDATE, with its countersigners."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.ledger.genesis import Genesis
from nodes.ledger.transactions import Transaction, ValidatorUpdate
from scenarios.faults.membership import MembershipFault
from scenarios.keys import Keys
from scenarios.schema import Scenario
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
