"""Named limits on single messages (rule 32); what is kept of them is bounded room by room.

The table of everything that a peer can make a replica store is in ``consensus/pbft/README.md``.
These limits are the same for all replicas: a proposal that one refuses, every one refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from consensus.messages import Request

MAX_MESSAGE_BYTES: Final = 1 << 23
"""A message that is longer on the wire is not decoded: 8 MiB. The longest honest one, a
VIEW-CHANGE of a committee of 100 with a full window of 20, has less than half a megabyte."""

MAX_OPERATION_BYTES: Final = 1 << 16
"""The operation of one request."""

MAX_COSIGNATURES: Final = 64
"""Further signatures on one request."""

MAX_NAME: Final = 256
"""Characters in the name of a client or of a cosigner."""

MAX_MASK_BYTES: Final = 128
"""A mask of voters that travels: committees of up to 1024."""

MAX_VIEW: Final = 1 << 62
"""Nobody is followed to a higher view: a number must still fit where it is written."""


def request_is_bounded(request: Request) -> bool:
    """Whether a request keeps to the limits: asked before its signatures are."""
    return (
        len(request.operation) <= MAX_OPERATION_BYTES
        and len(request.cosignatures) <= MAX_COSIGNATURES
        and len(request.sender) <= MAX_NAME
        and all(len(c.party) <= MAX_NAME for c in request.cosignatures)
    )
