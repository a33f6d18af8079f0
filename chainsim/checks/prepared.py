"""Prepared: in one view and at one sequence number, honest validators prepare one digest."""

from __future__ import annotations

from chainsim.checks.base import Check, short
from chainsim.checks.context import CheckContext
from chainsim.trace import Reached, Record
from consensus.types import Digest, NodeId, Sequence, View


class OnePrepared(Check):
    """One prepared digest per (view, sequence), across validators and restarts (rules 1 and 4)."""

    name = "one-prepared-digest"
    subscribes = (Reached,)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._prepared: dict[tuple[View, Sequence], tuple[Digest, NodeId]] = {}

    def on_record(self, record: Record) -> None:
        assert isinstance(record, Reached)
        if record.event != "prepared" or record.node not in self.context.honest:
            return
        key = (record.view, record.sequence)
        first, who = self._prepared.setdefault(key, (record.digest, record.node))
        if first != record.digest:
            self.fail(
                record.at_us,
                record.node,
                record.sequence,
                f"prepared {short(record.digest)} in view {record.view}, where {who} had "
                f"prepared {short(first)}: two quorums shared no honest validator",
            )

    def held(self) -> str:
        return f"one digest at each of {len(self._prepared)} prepared (view, sequence)"
