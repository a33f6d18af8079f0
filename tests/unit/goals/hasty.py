"""A replica that isn't deterministic: how long it takes hangs on the hash seed of its process."""

from __future__ import annotations

from consensus.effects import Compute, Effect
from consensus.events import Event
from consensus.pbft.replica import Replica


class Hasty(Replica):
    """Right in everything but that a string's ``hash`` decides what an event costs."""

    def handle(self, event: Event) -> list[Effect]:
        return [*super().handle(event), Compute(signatures=1 + hash("order") % 97)]
