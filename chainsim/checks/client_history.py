"""Client history: what clients hold f+1 replies for is what the chain did, in an order they see.

Linearizability through commit order: each confirmed result is the receipt at its place in the
chain, and a request submitted after another one was confirmed lies behind it.
"""

from __future__ import annotations

from chainsim.checks.base import Check
from chainsim.checks.context import CheckContext
from chainsim.checks.results import Outcome, outcome_of
from chainsim.trace import Executed, Final, Record, Submitted
from consensus.types import NodeId, Sequence
from nodes.ledger.receipts import Receipt

_Place = tuple[Sequence, int]


class ClientHistory(Check):
    """The confirmed results are a real-time-respecting reading of the executed chain."""

    name = "client-history"
    subscribes = (Submitted, Final, Executed)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._receipts: dict[_Place, Receipt] = {}
        self._heights: set[Sequence] = set()
        self._latest_final: _Place = (0, 0)
        self._floor: dict[tuple[NodeId, int], _Place] = {}
        """Per open request: the latest place confirmed to anybody when it was submitted."""
        self._confirmed: set[tuple[NodeId, int]] = set()

    def on_record(self, record: Record) -> None:
        if type(record) is Executed:
            self._on_executed(record)
        elif record.node not in self.context.clients:
            return
        elif type(record) is Submitted:
            self._floor[record.node, record.number] = self._latest_final
        elif type(record) is Final:
            self._on_final(record)

    def _on_executed(self, record: Executed) -> None:
        if record.sequence in self._heights or record.block is None:
            return
        if record.node in self.context.honest:
            self._heights.add(record.sequence)
            for index, receipt in enumerate(record.block.receipts):
                self._receipts[record.sequence, index] = receipt

    def _on_final(self, record: Final) -> None:
        key = (record.node, record.number)
        outcome = outcome_of(record.result)
        height = outcome.height if outcome else 0
        problem = self._problem(record, outcome)
        if problem:
            self.fail(record.at_us, record.node, height, f"request {record.number}: {problem}")
        elif outcome is not None:
            self._confirmed.add(key)
            self._latest_final = max(self._latest_final, (height, outcome.index))

    def _problem(self, record: Final, outcome: Outcome | None) -> str:
        key = (record.node, record.number)
        if key in self._confirmed:
            return "confirmed twice"
        if key not in self._floor:
            return "confirmed, but never submitted"
        if outcome is None:
            return "the confirmed result can't be read"
        place = (outcome.height, outcome.index)
        receipt = self._receipts.get(place)
        if receipt is None:
            return f"confirmed at index {outcome.index}, where the chain holds nothing"
        wanted = (self.context.clients[record.node], record.number, outcome.code, outcome.detail)
        found = (receipt.client, receipt.number, receipt.code, receipt.detail)
        if wanted != found:
            return f"confirmed {wanted}, but the chain says {found}"
        if place <= self._floor[key]:
            return f"submitted after {self._floor[key]} was confirmed, yet ordered before it"
        return ""

    def held(self) -> str:
        return f"{len(self._confirmed)} confirmed results are the chain's, in real-time order"
