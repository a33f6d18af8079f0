"""State: honest validators at one height hold the same state and the same replies."""

from __future__ import annotations

from chainsim.checks.base import Check, short
from chainsim.checks.context import CheckContext
from chainsim.trace import Executed, Installed, Reached, Record, Signed
from consensus.types import Digest, NodeId, Sequence


class StateRoots(Check):
    """One state root, reply root and checkpoint digest per height among honest validators."""

    name = "equal-state-roots"
    subscribes = (Executed, Installed, Signed, Reached)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._known: dict[tuple[str, Sequence], tuple[Digest, NodeId]] = {}

    def on_record(self, record: Record) -> None:
        kind = type(record)
        if kind is Executed or kind is Installed:
            self._on_executed(record)
        elif kind is Signed:
            if record.type == "checkpoint":  # type: ignore[attr-defined]
                self._on_checkpoint(record)
        elif record.event == "checkpoint-stable":  # type: ignore[attr-defined]
            self._on_checkpoint(record)

    def _on_executed(self, record: Record) -> None:
        assert isinstance(record, Executed | Installed)
        self._compare("state root", record, record.sequence, record.state_root)
        self._compare("reply root", record, record.sequence, record.reply_root)

    def _on_checkpoint(self, record: Record) -> None:
        assert isinstance(record, Signed | Reached)
        self._compare("checkpoint", record, record.sequence, record.digest)

    def _compare(self, what: str, record: Record, sequence: Sequence, digest: Digest) -> None:
        if record.node not in self.context.honest:
            return
        first, who = self._known.setdefault((what, sequence), (digest, record.node))
        if first != digest:
            self.fail(
                record.at_us,
                record.node,
                sequence,
                f"{what} {short(digest)} differs from {short(first)} at {who}: "
                "the same batches were executed to different states",
            )

    def held(self) -> str:
        heights = sum(what == "state root" for what, _ in self._known)
        checkpoints = sum(what == "checkpoint" for what, _ in self._known)
        return f"equal at {heights} heights and {checkpoints} checkpoints"
