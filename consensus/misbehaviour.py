"""What a node is caught doing, with both signed messages, so that anyone can check it (rule 33)."""

from __future__ import annotations

import msgspec

from consensus.messages import ConsensusMessage
from consensus.types import NodeId


class Misbehaviour(msgspec.Struct, frozen=True):
    """``culprit`` signed both ``first`` and ``second``, which no honest node does.

    ``kind``: conflicting-pre-prepare, conflicting-prepare, conflicting-commit,
    conflicting-checkpoint, conflicting-view-change, conflicting-new-view, bogus-new-view
    (``first`` is the NEW-VIEW, ``second`` repeats it; its O does not follow from its V).
    """

    kind: str
    culprit: NodeId
    first: ConsensusMessage
    second: ConsensusMessage
