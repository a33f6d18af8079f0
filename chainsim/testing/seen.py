"""What the trace has shown so far: chains, final answers, codes."""

from __future__ import annotations

from typing import Final

from chainsim.trace import Executed, NodeChanged, Record
from chainsim.trace import Final as FinalRecord
from consensus.types import NodeId, Sequence
from nodes.block import Block

Name = tuple[bytes, str, int]
"""(operation, party, request number)"""


class Seen:
    """Grows record by record."""

    def __init__(self) -> None:
        self.records: Final[list[Record]] = []
        self.final: Final[list[Name]] = []
        self.codes: Final[dict[Name, str]] = {}
        self._chains: Final[dict[NodeId, dict[Sequence, Block]]] = {}
        self._operations: Final[dict[tuple[str, int], bytes]] = {}

    def add(self, record: Record) -> None:
        """Takes one record, in trace order."""
        self.records.append(record)
        if isinstance(record, Executed) and record.block is not None:
            self._executed(record.node, record.block)
        elif isinstance(record, FinalRecord):
            party = record.node.removesuffix(".desk")
            operation = self._operations.get((party, record.number), b"")
            self.final.append((operation, party, record.number))
        elif isinstance(record, NodeChanged) and record.state == "up":
            self._chains.pop(record.node, None)

    def chain(self, node: NodeId) -> tuple[Block, ...]:
        """What a validator has executed since it started, its disk's blocks first."""
        blocks = self._chains.get(node, {})
        return tuple(blocks[height] for height in sorted(blocks))

    def _executed(self, node: NodeId, block: Block) -> None:
        self._chains.setdefault(node, {})[block.header.height] = block
        for request, receipt in zip(block.batch.requests, block.receipts, strict=True):
            self._operations.setdefault((request.sender, request.number), request.operation)
            name = (request.operation, request.sender, request.number)
            self.codes.setdefault(name, receipt.code)
