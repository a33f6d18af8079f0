"""As the primary, never proposes what certain clients send, or transactions of certain types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from consensus.events import Event, Receive
from consensus.messages import Request
from nodes.byzantine.base import Behaviour


class Censor(Behaviour):
    """Its honest part never hears of requests of ``clients`` or of the types in ``transactions``
    (left out: of the first client that sends one), so it neither proposes nor forwards them.

    It orders all others, and votes for whatever anybody else proposes: only the deadline of each
    single client shows that something is wrong (rules 18 and 21).
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (18, 21)

    def inbound(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Receive) and isinstance(event.message, Request):
            request = event.message
            options = self.attacker.options
            if not options.clients and not options.transactions:
                chosen = msgspec.structs.replace(options, clients=(request.sender,))
                self.attacker = msgspec.structs.replace(self.attacker, options=chosen)
            if self.attacker.concerns(request):
                return ()
        return (event,)
