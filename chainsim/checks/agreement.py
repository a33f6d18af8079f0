"""Agreement: at one sequence number, all honest validators decide one batch and derive one header.

The first word on a sequence stands for ever, across restarts too: a validator that later
overwrites its own decision is caught by its earlier one.
"""

from __future__ import annotations

from chainsim.checks.base import Check, short
from chainsim.checks.context import CheckContext
from chainsim.trace import Executed, Installed, Reached, Record
from consensus.types import Digest, NodeId, Sequence


class Agreement(Check):
    """One batch digest and one header hash per sequence among honest validators."""

    name = "agreement"
    subscribes = (Executed, Installed, Reached)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._decided: dict[Sequence, tuple[Digest, NodeId]] = {}
        self._headers: dict[Sequence, tuple[Digest, NodeId]] = {}

    def on_record(self, record: Record) -> None:
        if record.node not in self.context.honest:
            return
        if type(record) is Reached:
            if record.event == "committed":
                self._compare(self._decided, "batch", record, record.sequence, record.digest)
        elif type(record) is Executed:
            self._compare(self._decided, "batch", record, record.sequence, record.batch_digest)
            self._compare(self._headers, "header", record, record.sequence, record.header_hash)
        elif type(record) is Installed:
            self._compare(self._headers, "header", record, record.sequence, record.header_hash)

    def _compare(
        self,
        known: dict[Sequence, tuple[Digest, NodeId]],
        what: str,
        record: Record,
        sequence: Sequence,
        digest: Digest,
    ) -> None:
        first, who = known.setdefault(sequence, (digest, record.node))
        if first != digest:
            self.fail(
                record.at_us,
                record.node,
                sequence,
                f"decided {what} {short(digest)}, but {who} had decided {short(first)}: a fork",
            )

    def held(self) -> str:
        return f"one batch and one header at each of {len(self._headers)} heights"
