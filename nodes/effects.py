"""Effects of validators and clients beyond those of consensus: for traces and checks only."""

from __future__ import annotations

from consensus.effects import Effect
from consensus.messages import Request
from consensus.types import Digest, NodeId
from nodes.block import Block, Header


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
