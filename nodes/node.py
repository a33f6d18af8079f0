"""The one interface between a node and whatever hosts it (law 1: events in, effects out)."""

from __future__ import annotations

from typing import Protocol

from consensus.effects import Effect
from consensus.events import Event
from consensus.types import NodeId


class Node(Protocol):
    """A state machine on the network: validator, client, observer, or a wrapped one."""

    @property
    def id(self) -> NodeId:
        """The node's name on the network."""
        ...

    def handle(self, event: Event) -> list[Effect]:
        """Take one event, return effects in the order in which they must happen.

        Never raises, whatever arrives from the network.
        """
        ...
