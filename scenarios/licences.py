"""What ``revoke-licence`` submits: LICENCE_SET to SUSPENDED, and then to REVOKED."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.ledger.genesis import Genesis
from nodes.ledger.records import Licence
from nodes.ledger.transactions import LicenceSet, Transaction
from scenarios.convert import entries, whole
from scenarios.errors import ScenarioError, did_you_mean
from scenarios.faults.revoke_licence import RevokeLicence
from scenarios.schema import Scenario
from scenarios.workload.base import Submission

LICENSOR = "pvara"
"""The ledger role that sets licences (roles.csv)."""


def revocations(scenario: Scenario, genesis: Genesis) -> Iterator[Submission]:
    """In order of time."""
    found: list[Submission] = []
    for index, fault in enumerate(scenario.faults):
        if isinstance(fault, RevokeLicence):
            at_us = fault.at or 0
            steps: list[tuple[int, Licence]] = [(at_us, "REVOKED")]
            if fault.notice:
                steps.insert(0, (at_us - fault.notice, "SUSPENDED"))
            for when_us, state in steps:
                operation = Transaction(LicenceSet(party=fault.firm, state=state)).encode()
                sender = fault.by or _licensors(genesis)[0]
                path = f"faults[{index}]"
                found.append(Submission(when_us, sender, "LICENCE_SET", operation, (), "", path))
    yield from sorted(found, key=lambda submission: submission.at_us)


def revocation_problems(scenario: Scenario, genesis: Genesis) -> Iterator[ScenarioError]:
    """Who holds no licence that could be taken away, and who may not take one."""
    firms = [party.id for party in genesis.parties if party.role == "vasp"]
    licensors = _licensors(genesis)
    for path, fault in entries("faults", scenario.faults, RevokeLicence):
        if isinstance(fault.node, str) and fault.firm not in firms:
            message = f'"{fault.node}" is no exchange of genesis'
            yield ScenarioError(f"{path}.node", f"{message}{did_you_mean(fault.firm, firms)}")
        if fault.by is None:
            if not licensors:
                yield ScenarioError(path, f"genesis has no party with the role {LICENSOR}")
        elif whole(fault.by) and fault.by not in licensors:
            message = f'"{fault.by}" may not set licences'
            yield ScenarioError(f"{path}.by", f"{message}{did_you_mean(fault.by, licensors)}")


def _licensors(genesis: Genesis) -> list[str]:
    return [party.id for party in genesis.parties if party.role == LICENSOR]
