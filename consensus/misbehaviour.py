"""What a node is caught doing, with both signed messages, so that anyone can check it (rule 33)."""

from __future__ import annotations

import msgspec

from consensus.messages import ConsensusMessage
from consensus.types import NodeId


class Misbehaviour(msgspec.Struct, frozen=True):
    """``culprit`` signed both ``first`` and ``second``, which no honest node does.

    ``kind`` is a name of ``consensus.evidence.KINDS``, which says what each is proven by, and
    ``consensus.evidence.verify`` does it.
    """

    kind: str
    culprit: NodeId
    first: ConsensusMessage
    second: ConsensusMessage
    proofs: tuple[ConsensusMessage, ...] = ()
    """Of a NEW-VIEW the VIEW-CHANGEs that its V names, in that order, as far as they are needed:
    they show that O doesn't follow."""
