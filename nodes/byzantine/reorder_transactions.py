"""As the primary, puts the transactions in its batches in an order that suits it."""

from __future__ import annotations

from typing import ClassVar

from consensus.messages import Batch
from nodes.byzantine.own_proposals import OwnProposals


class ReorderTransactions(OwnProposals):
    """Those of ``clients`` and of the types in ``transactions`` come first, all others after
    them, the last first: also of one client, whose own order is lost with it.

    Rule 30 lets each execute once in any order inside the window; what orders must not decide is
    the state machine's business (sealed bids, prices before arrival).
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (30,)

    def proposed(self, batch: Batch) -> Batch:
        options = self.attacker.options
        named = bool(options.clients or options.transactions)
        first = [r for r in batch.requests if named and self.attacker.concerns(r)]
        rest = [r for r in batch.requests if not (named and self.attacker.concerns(r))]
        return Batch(batch.time_us, (*first, *reversed(rest)))
