"""True votes: a commit certificate holds only COMMITs that their signers sent (rule 2).

Signatures alone can't show this: if two message types were signed over the same bytes, a
PREPARE could be passed off as a COMMIT, and every signature would verify.
"""

from __future__ import annotations

from chainsim.checks.base import Check, short
from chainsim.checks.context import CheckContext
from chainsim.trace import Executed, NodeChanged, Record, Signed
from consensus.types import NodeId


class TrueVotes(Check):
    """Every COMMIT of an honest validator in an executed block's certificate left that validator.

    Not asked of one's own vote, which may still wait for the disk, nor of validators that went
    down before: a crash may come between the disk and the network.
    """

    name = "true-votes"
    subscribes = (Signed, Executed, NodeChanged)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._sent: dict[tuple[NodeId, int, int, int, bytes], None] = {}
        self._fell: dict[NodeId, None] = {}
        self._votes = 0

    def on_record(self, record: Record) -> None:
        if isinstance(record, Signed):
            if record.type == "commit" and record.node in self.context.honest:
                key = (record.node, record.epoch, record.view, record.sequence, record.digest)
                self._sent[key] = None
        elif isinstance(record, NodeChanged):
            if record.state == "down":
                self._fell[record.node] = None
        elif isinstance(record, Executed):
            self._on_executed(record)

    def _on_executed(self, record: Executed) -> None:
        if record.block is None or record.replayed or record.node not in self.context.honest:
            return
        for vote in record.block.certificate.commits:
            signer = vote.sender
            if signer == record.node or signer in self._fell or signer not in self.context.honest:
                continue
            self._votes += 1
            if (signer, vote.epoch, vote.view, vote.sequence, vote.digest) not in self._sent:
                self.fail(
                    record.at_us,
                    record.node,
                    record.sequence,
                    f"executed on a COMMIT of {signer} for {short(vote.digest)} in view "
                    f"{vote.view}, which {signer} never sent",
                )

    def held(self) -> str:
        return f"{self._votes} votes in certificates were sent by their signers"
