"""Reads the state in which a world ended: where validators stand, and whose money is where."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chainsim.checks.context import BalanceKey, LedgerStatus, NodeStatus, RunEnd
from chainsim.simulation.world import World
from consensus.types import NodeId
from nodes.ledger.execution import Ledger
from nodes.validator import Validator

__all__ = ["RunEnd", "balance_of", "read"]

PARTITIONS = ("free", "reserved", "frozen")


def read(world: World, honest: frozenset[NodeId]) -> RunEnd:
    """What the checks want to know at the end of a run."""
    running = dict(_running(world))
    nodes: dict[NodeId, NodeStatus] = {}
    for host in world.validators:
        validator = running.get(host.id)
        if validator is None:
            kept = host.kept_most()
            nodes[host.id] = NodeStatus(up=False, view=0, active=False, executed=0, held=kept)
        else:
            view, active, executed, stable = validator.status()
            nodes[host.id] = NodeStatus(
                up=True,
                view=view,
                active=active,
                executed=executed,
                stable=stable,
                held=host.kept_most(),
            )
    ledgers = {
        id_: LedgerStatus(height=validator.ledger.height, balances=_balances(validator.ledger))
        for id_, validator in running.items()
        if id_ in honest
    }
    return RunEnd(at_us=world.now_us, nodes=nodes, committee=world.committee(), ledgers=ledgers)


def balance_of(world: World, honest: frozenset[NodeId]) -> Callable[[str, str, str], int]:
    """Looks balances up in the ledger of an honest validator that is furthest ahead."""
    ledgers = [validator.ledger for id_, validator in _running(world) if id_ in honest]
    if not ledgers:
        return lambda account, asset, partition: 0
    return max(ledgers, key=lambda ledger: ledger.height).balance


def _running(world: World) -> Iterator[tuple[NodeId, Validator]]:
    for host in world.validators:
        node = world.node(host.id)
        if isinstance(node, Validator):
            yield host.id, node


def _balances(ledger: Ledger) -> dict[BalanceKey, int]:
    """Every balance that isn't zero."""
    return {
        (account, asset, partition): amount
        for account, asset, held in ledger.holdings()
        for partition, amount in zip(
            PARTITIONS, (held.free, held.reserved, held.frozen), strict=True
        )
        if amount
    }
