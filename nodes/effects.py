"""Effects of nodes beyond those of consensus: for traces and checks only."""

from __future__ import annotations

from consensus.effects import Effect
from consensus.messages import Request
from consensus.types import Digest, NodeId, Sequence
from nodes.block import Block, Header
from nodes.ledger.receipts import Receipt
from nodes.ledger.records import Balance


class BlockExecuted(Effect, frozen=True):
    """A validator executed ``block``; ``replayed`` when it did so from its own disk at boot."""

    block: Block
    replayed: bool = False


class StateInstalled(Effect, frozen=True):
    """A validator took over the state after ``header``: fetched from others, or (``replayed``)
    found on its own disk at boot. The roots are those of what it holds now."""

    header: Header
    state_root: Digest
    reply_root: Digest
    replayed: bool = False


class RequestSigned(Effect, frozen=True):
    """A client signed ``request`` and is about to send it for the first time."""

    request: Request


class RequestFinal(Effect, frozen=True):
    """A client holds f+1 equal replies (rule 31): ``result`` is final for it."""

    client: NodeId
    number: int
    result: bytes
    digest: Digest


class BlocksProven(Effect, frozen=True):
    """A light observer believes ``header``: a quorum signed it. Of the blocks before it, back to
    the last one that it believed, ``proven`` are proven by their hashes (``header``'s included),
    and ``skipped`` are not: nobody had them any more."""

    header: Header
    proven: int
    skipped: int


class ReceiptProven(Effect, frozen=True):
    """A light observer believes ``receipt``, which concerns ``subject``."""

    subject: str
    receipt: Receipt


class BalanceProven(Effect, frozen=True):
    """A light observer believes that after block ``height`` an account holds this."""

    height: Sequence
    account: str
    asset: str
    balance: Balance
