"""Durability: nothing that f+1 validators confirmed to a client is ever lost.

Of the f+1 who answered, those that are honest had made the block durable before (rule 23), so
it outlives every crash: later executions of that height hold the same receipt, and at the end
as many honest chains still reach it. Blocks that rotted are fetched again (rule 25): who lost
some counts for nothing here.
"""

from __future__ import annotations

from chainsim.checks.base import Check
from chainsim.checks.context import CheckContext, RunEnd
from chainsim.checks.epochs import Epochs
from chainsim.checks.results import outcome_of
from chainsim.trace import Executed, FaultChanged, Final, Installed, Record
from consensus.types import NodeId, Sequence

_Acknowledged = tuple[str, int, str]
"""(party, request number, code)"""


class Durability(Check):
    """What was acknowledged stays in every chain that is executed afterwards."""

    name = "durability"
    subscribes = (Executed, Installed, Final, FaultChanged)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._acknowledged: dict[Sequence, dict[int, _Acknowledged]] = {}
        self._count = 0
        self._hostile = sum(id_ not in context.honest for id_ in context.committee.ids)
        self._epochs = Epochs(context.committee)
        self._weak = context.committee.weak_quorum
        """f+1 of the smallest committee so far: as many answers make a request final."""
        self._heights: dict[NodeId, Sequence] = {}
        """What each honest validator executed last, in its present life."""
        self._holders: dict[Sequence, frozenset[NodeId]] = {}
        """Who had executed an acknowledged height when it was first acknowledged."""
        self._rotted: set[NodeId] = set()
        """Honest validators whose blocks were damaged at rest."""

    def on_record(self, record: Record) -> None:
        if type(record) is Executed:
            if record.node in self.context.honest:
                self._heights[record.node] = record.sequence
                if record.block is not None and record.block.system_receipts:
                    self._epochs.learn(record.block)
                    weak = self._epochs.at(record.sequence + 1).weak_quorum
                    self._weak = min(self._weak, weak)
                if record.sequence in self._acknowledged:
                    self._compare(record)
        elif type(record) is Installed:
            # The header is compared by agreement: what it stands for holds what others hold.
            if record.node in self.context.honest:
                self._heights[record.node] = record.sequence
        elif type(record) is FaultChanged:
            if record.kind == "bit-rot":
                self._rotted.update(self.context.honest.intersection(record.nodes))
        elif type(record) is Final and record.node in self.context.clients:
            outcome = outcome_of(record.result)
            if outcome is None:
                return  # client history reports it
            self._count += 1
            said = (self.context.clients[record.node], record.number, outcome.code)
            self._acknowledged.setdefault(outcome.height, {})[outcome.index] = said
            if outcome.height not in self._holders:
                self._holders[outcome.height] = frozenset(
                    node for node, height in self._heights.items() if height >= outcome.height
                )

    def _compare(self, record: Executed) -> None:
        receipts = record.block.receipts if record.block is not None else ()
        for index, said in self._acknowledged[record.sequence].items():
            held = receipts[index] if index < len(receipts) else None
            if held is None or (held.client, held.number, held.code) != said:
                self.fail(
                    record.at_us,
                    record.node,
                    record.sequence,
                    f"executed a block without the acknowledged request {said[1]} of {said[0]}",
                )

    def at_end(self, end: RunEnd) -> None:
        enough = max(1, self._weak - self._hostile - len(self._rotted))
        for height in sorted(self._acknowledged):
            holders = self._holders[height]
            keeping = [node for node in sorted(holders) if self._reaches(node, height, end)]
            if len(keeping) < enough:
                party, number, _ = next(iter(self._acknowledged[height].values()))
                was = ", ".join(sorted(holders)) or "no honest validator"
                self.fail(
                    end.at_us,
                    "",
                    height,
                    f"request {number} of {party} was acknowledged when {was} held its block; "
                    f"now only {', '.join(keeping) or 'none of them'} has it",
                )

    def _reaches(self, node: NodeId, height: Sequence, end: RunEnd) -> bool:
        """A node that is down keeps its disk: it counts until it comes up with less."""
        status = end.nodes.get(node)
        if status is not None and status.up:
            return status.executed >= height
        return self._heights.get(node, 0) >= height

    def held(self) -> str:
        return f"{self._count} acknowledged requests are in every later chain"
