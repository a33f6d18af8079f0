"""As the primary, puts an allotment of its own making in the place of the central bank's."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from consensus.messages import Batch, Request, signed
from nodes.byzantine.own_proposals import OwnProposals
from nodes.ledger.transactions import AuctionAllot, Transaction, decode

KIND: Final = "AUCTION_ALLOT"
OFF: Final = 1
"""Minor units of face value by which the first bid gets more than is due to it."""


class WrongAllotment(OwnProposals):
    """Each AUCTION_ALLOT in a batch of its own is another one: the first bid gets one paisa of
    face more, at the cost of the second.

    It has no party's key, so it signs the central bank's name with its own; that verifies in the
    envelope (rule 3). Whose key it is, and whether the allotment follows from the close, every
    validator finds out for itself when it executes it: E_SIG, E_ALLOT_MISMATCH.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (3,)

    def proposed(self, batch: Batch) -> Batch:
        return Batch(batch.time_us, tuple(map(self._forged, batch.requests)))

    def _forged(self, request: Request) -> Request:
        transaction = decode(request.operation)
        if transaction is None or not isinstance(transaction.body, AuctionAllot):
            return request
        shares = transaction.body.allotments
        moved = tuple(
            msgspec.structs.replace(share, amount=share.amount + (OFF, -OFF, 0)[min(place, 2)])
            for place, share in enumerate(shares)
        )
        body = msgspec.structs.replace(transaction.body, allotments=moved)
        signer = self.attacker.signer
        forged = msgspec.structs.replace(
            request,
            operation=Transaction(body, transaction.expiry_height).encode(),
            public_key=signer.public_key,
            signature=b"",
        )
        return signed(forged, signer)
