"""Accusations: no honest validator is ever shown to have misbehaved (rule 33)."""

from __future__ import annotations

from chainsim.checks.base import Check
from chainsim.checks.context import CheckContext
from chainsim.trace import Accused, Record
from consensus.types import NodeId


class Accusations(Check):
    """An honest validator accuses only hostile ones: silence and bad luck are no evidence."""

    name = "no-honest-accused"
    subscribes = (Accused,)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._culprits: dict[NodeId, None] = {}

    def on_record(self, record: Record) -> None:
        assert isinstance(record, Accused)
        if record.node not in self.context.honest:
            return  # what a hostile node claims is no proof
        self._culprits[record.culprit] = None
        if record.culprit in self.context.honest:
            self.fail(
                record.at_us,
                record.node,
                0,
                f"accused {record.culprit} of {record.kind}, but {record.culprit} is honest",
            )

    def held(self) -> str:
        if not self._culprits:
            return "nobody was accused"
        return f"only hostile validators were accused: {', '.join(self._culprits)}"
