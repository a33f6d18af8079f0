"""What the checks need to know of replies, receipts and the executed chain."""

from __future__ import annotations

import msgspec

from chainsim.checks.base import Check
from chainsim.checks.context import CheckContext
from chainsim.trace import Executed, Record
from consensus.types import Sequence
from nodes.block import Block
from nodes.ledger.receipts import Receipt

ENVELOPE_CODES = frozenset({"E_SIG", "E_NONCE", "E_CHAIN", "E_EXPIRED", "E_SCHEMA"})
"""Failures that leave a receipt and don't use up the request number (LEDGER.md, Transactions)."""


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """A reply's result, as a client reads it: the receipt's code and its place in the chain."""

    code: str
    height: Sequence
    index: int
    detail: str


_DECODER = msgspec.msgpack.Decoder(Outcome)


def outcome_of(result: bytes) -> Outcome | None:
    """The decoded ``Reply.result``, or None when it isn't one."""
    try:
        return _DECODER.decode(result)
    except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors too
        return None


class ChainProperty(Check):
    """Base of checks that follow one chain: the first honest execution of each height.

    That all honest validators execute the same one is agreement's business.
    """

    subscribes: tuple[type[Record], ...] = (Executed,)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self.blocks = 0
        self._seen: set[Sequence] = set()

    def on_record(self, record: Record) -> None:
        if type(record) is Executed:
            if record.sequence in self._seen or record.node not in self.context.honest:
                return
            self._seen.add(record.sequence)
            if record.block is not None:
                self.blocks += 1
                self.on_block(record, record.block)
        else:
            self.on_other(record)

    def on_block(self, record: Executed, block: Block) -> None:
        """The chain grew by ``block``."""
        raise NotImplementedError

    def on_other(self, record: Record) -> None:
        """A record of another subscribed type."""


def all_receipts(block: Block) -> tuple[Receipt, ...]:
    """In the order in which they took effect: the ledger's own acts open the block."""
    return block.system_receipts + block.receipts
