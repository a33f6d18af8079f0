"""Validity: what is executed is authentic, and of honest clients only what they submitted."""

from __future__ import annotations

from chainsim.checks.context import CheckContext
from chainsim.checks.results import ENVELOPE_CODES, ChainProperty
from chainsim.trace import Executed, Record, Submitted
from consensus.messages import Request
from consensus.types import Digest
from nodes.block import Block


class Validity(ChainProperty):
    """Every ordered request verifies, and took effect only if its client really signed it.

    Anybody can sign a request in another's name with a key of their own: it may be ordered
    (rule 3) but must then fail with an envelope code.
    """

    name = "validity"
    subscribes = (Executed, Submitted)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._submitted: set[Digest] = set()
        self._honest_parties = frozenset(context.clients.values())
        self._requests = 0

    def on_other(self, record: Record) -> None:
        assert isinstance(record, Submitted)
        self._submitted.add(record.digest)

    def on_block(self, record: Executed, block: Block) -> None:
        codes = {(receipt.client, receipt.number): receipt.code for receipt in block.receipts}
        for request in block.batch.requests:
            self._requests += 1
            who = f"request {request.number} of {request.sender}"
            if not self._authentic(request):
                self.fail(
                    record.at_us, record.node, record.sequence, f"{who} isn't signed by its key"
                )
            elif (
                request.digest not in self._submitted
                and request.sender in self._honest_parties
                and codes.get((request.sender, request.number)) not in ENVELOPE_CODES
            ):
                self.fail(record.at_us, record.node, record.sequence, f"{who} was never submitted")

    def _authentic(self, request: Request) -> bool:
        return request.chain == self.context.chain and self.context.verifier.verify(
            request.public_key, request.signing_bytes, request.signature
        )

    def held(self) -> str:
        return f"{self._requests} executed requests are authentic and were submitted"
