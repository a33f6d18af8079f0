"""Signing: an honest validator never signs a second digest under one key of rule 24.

The keys: votes by (type, epoch, view, sequence), CHECKPOINT by (sequence), VIEW-CHANGE and
NEW-VIEW by (epoch, view). A restart doesn't reset them: that is what the durable log is for.
"""

from __future__ import annotations

from chainsim.checks.base import Check, short
from chainsim.checks.context import CheckContext
from chainsim.trace import Record, Signed
from consensus.types import Digest, NodeId, Sequence, View

_VOTES = frozenset({"pre-prepare", "prepare", "commit"})
_VIEW_MESSAGES = frozenset({"view-change", "new-view"})

_Key = tuple[NodeId, str, int, View, Sequence]


class OneSigned(Check):
    """One signed digest per honest signer and key of rule 24, across restarts."""

    name = "one-signed-digest"
    subscribes = (Signed,)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._signed: dict[_Key, Digest] = {}

    def on_record(self, record: Record) -> None:
        assert isinstance(record, Signed)
        key = self._key(record)
        if key is None or record.node not in self.context.honest:
            return
        first = self._signed.setdefault(key, record.digest)
        if first != record.digest:
            self.fail(
                record.at_us,
                record.node,
                record.sequence,
                f"signed {record.type} for {short(record.digest)} in view {record.view} after "
                f"one for {short(first)}: the sign guard let an honest key equivocate",
            )

    def _key(self, record: Signed) -> _Key | None:
        kind = record.type
        if kind in _VOTES:
            return record.node, kind, record.epoch, record.view, record.sequence
        if kind == "checkpoint":
            return record.node, kind, 0, 0, record.sequence
        if kind in _VIEW_MESSAGES:
            return record.node, kind, record.epoch, record.view, 0
        return None

    def held(self) -> str:
        return f"one digest under each of {len(self._signed)} signed keys"
