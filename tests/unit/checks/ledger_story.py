"""Traces of a real ledger at work, for tests of the money checks: true ones, then falsified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from chainsim.checks import CheckContext, CheckResult, RunEnd
from chainsim.checks.context import BalanceKey
from chainsim.trace import Executed
from consensus.messages import Batch, Request
from nodes.block import Block, Header
from nodes.ledger.execution import BlockOutcome
from nodes.ledger.genesis import Genesis
from nodes.ledger.receipts import Posting, Receipt
from tests.unit.checks.story import CHAIN, Story, executed, judge
from tests.unit.ledger.support import GENESIS, VOTES, Desk


class Told(Desk):
    """A desk whose blocks are also a trace, as validator v0 would write it."""

    def __init__(self, genesis: Genesis = GENESIS) -> None:
        super().__init__(genesis)
        self.story = Story()
        self.trace: list[Executed] = []
        self.opening: dict[BalanceKey, int] = {}
        for balance in genesis.balances:
            key = (balance.account, balance.asset, "free")
            self.opening[key] = self.opening.get(key, 0) + balance.amount

    def block(self, *requests: Request, after_us: int = 1_000) -> BlockOutcome:
        batch = Batch(self.time_us + after_us, requests)
        outcome = super().block(*requests, after_us=after_us)
        height = self.ledger.height
        header = Header(
            height=height,
            parent=CHAIN,
            time_us=outcome.time_us,
            epoch=0,
            batch_digest=batch.digest,
            transactions_root=outcome.transactions_root,
            receipts_root=outcome.receipts_root,
            state_root=outcome.state_root,
        )
        block = Block(
            header=header,
            batch=batch,
            receipts=outcome.receipts,
            reply_root=outcome.reply_root,
            certificate=self.story.certificate(height, batch.digest, ("v0",)),
            system_receipts=outcome.system_receipts,
        )
        self.trace.append(executed(height * 1_000, "v0", block))
        return outcome

    def context(self, genesis: Genesis | None = None) -> CheckContext:
        """What checks are told; ``genesis``: what they believe of the beginning."""
        genesis = genesis or self.ledger.genesis
        verifier = VOTES.verifier()
        return self.story.context(genesis=genesis, opening=self.opening, verifier=verifier)

    def verdict(self, check: str, genesis: Genesis | None = None) -> CheckResult:
        """What a check says of the trace as it stands."""
        context = self.context(genesis)
        end = RunEnd(at_us=self.time_us, nodes={})
        return judge(check, context, self.trace, end)

    def falsify(self, type_name: str, change: Callable[[Receipt], Receipt]) -> None:
        """Put ``change``'s result in the place of the last successful receipt of a type."""
        for index in range(len(self.trace) - 1, -1, -1):
            block = self.trace[index].block
            assert block is not None
            for place, receipt in enumerate(block.receipts):
                if (receipt.type, receipt.code) == (type_name, "OK"):
                    receipts = list(block.receipts)
                    receipts[place] = change(receipt)
                    other = msgspec.structs.replace(block, receipts=tuple(receipts))
                    self.trace[index] = msgspec.structs.replace(self.trace[index], block=other)
                    return
        raise AssertionError(f"no {type_name} succeeded")


def changed(receipt: Receipt, **changes: Any) -> Receipt:
    """A receipt with other fields (its digest is made anew)."""
    fields = {name: getattr(receipt, name) for name in receipt.__struct_fields__}
    return Receipt(**(fields | changes))


def with_postings(change: Callable[[list[Posting]], list[Posting]]) -> Callable[[Receipt], Receipt]:
    """A falsification of a receipt's postings."""

    def falsified(receipt: Receipt) -> Receipt:
        return changed(receipt, postings=tuple(change(list(receipt.postings))))

    return falsified
