"""Remembered COMMITs: no honest VIEW-CHANGE leaves out what its sender had committed to.

A COMMIT says "I hold the prepared certificate, and will bring it to every later view" (rules 13
and 23). Who sends one, and afterwards a VIEW-CHANGE without an entry of that view or a higher one
at that sequence, may have let a decided batch go: rule 34 would prove it guilty. So this breaks
long before two chains differ: when a certificate wasn't durable and a crash took it, when it was
discarded too early, or when it was never put in.
"""

from __future__ import annotations

from chainsim.checks.base import Check
from chainsim.checks.context import CheckContext
from chainsim.trace import CertificatesShown, Record, Signed
from consensus.types import NodeId, Sequence, View

_Where = tuple[int, View]
"""(epoch, view)"""


class RememberedCommits(Check):
    """Every VIEW-CHANGE of an honest validator holds a certificate, as high or higher, for each
    COMMIT that it sent before above the stable checkpoint that it names."""

    name = "remembered-commits"
    subscribes = (Signed, CertificatesShown)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._sent: dict[NodeId, dict[Sequence, _Where]] = {id_: {} for id_ in context.honest}
        """Where each honest validator sent its last COMMIT for a sequence."""
        self._shown: dict[tuple[NodeId, int, View], None] = {}
        self._commits = 0

    def on_record(self, record: Record) -> None:
        if type(record) is Signed:
            if record.type == "commit":
                sent = self._sent.get(record.node)
                where = (record.epoch, record.view)
                if sent is not None and where >= sent.get(record.sequence, where):
                    sent[record.sequence] = where
        elif type(record) is CertificatesShown:
            self._on_view_change(record)

    def _on_view_change(self, record: CertificatesShown) -> None:
        sent = self._sent.get(record.node)
        key = (record.node, record.epoch, record.view)
        if sent is None or key in self._shown:
            return  # hostile, or sent again, maybe after COMMITs in that very view
        self._shown[key] = None
        for sequence in [known for known in sent if known <= record.stable]:
            del sent[sequence]
        held = dict(record.prepared)
        for sequence, (epoch, view) in sent.items():
            if epoch != record.epoch or view >= record.view:
                continue
            self._commits += 1
            if held.get(sequence, -1) < view:
                self.fail(
                    record.at_us,
                    record.node,
                    sequence,
                    f"sent a COMMIT in view {view}, but its VIEW-CHANGE for view {record.view} "
                    + _instead(held.get(sequence)),
                )

    def held(self) -> str:
        return (
            f"{self._commits} COMMITs were kept through {len(self._shown)} VIEW-CHANGEs "
            "of honest validators"
        )


def _instead(view: View | None) -> str:
    if view is None:
        return "says that nothing was prepared there"
    return f"holds a certificate of view {view} only"
