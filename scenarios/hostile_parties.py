"""Parties whose clients attack: who they are, and what they have to attack with.

A party that attacks does nothing else in the scenario, so that what honest clients submitted and
what became of it stays apart from what a hostile one sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nodes.hostile_clients import Purse
from nodes.ledger.genesis import Genesis
from scenarios.convert import entries
from scenarios.errors import ScenarioError, did_you_mean
from scenarios.faults.client import ClientFault
from scenarios.genesis import merged
from scenarios.schema import Scenario, client_id, ledger_nodes
from scenarios.workload.base import Submission
from scenarios.workload.evidence import EvidenceDesk


def client_parties(scenario: Scenario) -> dict[str, str]:
    """Client node -> its party, of all parties of genesis."""
    ids = [node.id for node in ledger_nodes(scenario)]
    parties = {party.id: None for party in merged(scenario).parties}
    return {client_id(party, ids): party for party in parties}


def hostile_parties(scenario: Scenario) -> frozenset[str]:
    """Parties whose clients some fault has attack."""
    faults = [fault for fault in scenario.faults if isinstance(fault, ClientFault)]
    if not faults:
        return frozenset()
    parties = client_parties(scenario)
    return frozenset(parties[name] for fault in faults for name in fault.selectors())


def purse_of(party: str, genesis: Genesis) -> Purse:
    """The party's first account with a balance, and the accounts of others that hold the same."""
    owners = {account.id: account.owner for account in genesis.accounts}
    own = next((b for b in genesis.balances if owners[b.account] == party and b.amount), None)
    if own is None:
        return Purse()
    others = tuple(
        b.account
        for b in genesis.balances
        if b.asset == own.asset and b.amount and owners[b.account] != party
    )
    return Purse(
        account=own.account,
        asset=own.asset,
        amount=own.amount,
        others=others,
        owners=tuple(owners[account] for account in others),
    )


def client_problems(scenario: Scenario, genesis: Genesis) -> Iterator[ScenarioError]:
    """Who can't attack as the faults say: it is no client, or has nothing to attack with."""
    known = client_parties(scenario)
    keepers = [node.id for node in ledger_nodes(scenario)]
    for path, fault, name in _named(scenario):
        if name not in known:  # else nobody is called so, which is said elsewhere
            if name in keepers or name == "primary" or ":" in name:
                hint = did_you_mean(name, known)
                yield ScenarioError(path, f'"{name}" is no client of a party of genesis{hint}')
        elif len(purse_of(known[name], genesis).others) < fault.NEEDS_MONEY:
            message = f'"{known[name]}" has no account with a balance'
            yield ScenarioError(path, f"{message}, or too few others hold the same to be paid")
    for path, fault in entries("faults", scenario.faults, ClientFault):
        for place, name in entries(f"{path}.receivers", fault.receivers, str):
            if name in known and name not in keepers:
                yield ScenarioError(place, f'"{name}" is a client: wanted validators')


def busy_problems(scenario: Scenario, plan: Iterable[Submission]) -> Iterator[ScenarioError]:
    """Which parties that attack have work of their own in ``plan``."""
    named = list(_named(scenario))
    busy: dict[str, str] = {}
    for submission in plan if named else ():
        busy.setdefault(submission.party, submission.path.rstrip("."))
    for path, desk in entries("workload", scenario.workload, EvidenceDesk) if named else ():
        if isinstance(desk.from_, str):  # it plans nothing
            busy.setdefault(desk.from_, path)
    known = client_parties(scenario) if named else {}
    for path, _, name in named:
        party = known.get(name, "")
        if party in busy:
            message = f'"{party}" sends honest transactions too ({busy[party]})'
            yield ScenarioError(path, f"{message}; a party that attacks does nothing else")


def _named(scenario: Scenario) -> Iterator[tuple[str, ClientFault, str]]:
    """(where it is said, the fault, whom it names)."""
    for path, fault in entries("faults", scenario.faults, ClientFault):
        for place, name in entries(f"{path}.nodes", fault.nodes, str):
            yield place, fault, name
        if isinstance(fault.node, str):
            yield f"{path}.node", fault, fault.node
