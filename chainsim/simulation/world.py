"""The simulated world: nodes, their machines, the network between them, and what goes wrong.

SKELETON being filled in; the signatures below stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from chainsim.simulation.settings import WorldSettings
from chainsim.trace import Recorder
from consensus.types import NodeId
from nodes.node import Node
from scenarios.faults import Fault

Kind = Literal["validator", "client", "observer"]


class Progress(msgspec.Struct, frozen=True):
    """Where a run stands; ``height`` and ``view`` are the highest of any running validator."""

    now_us: int
    height: int
    view: int
    messages: int


class World:
    """One simulated network. Build it, ``run`` it once, read it.

    Nodes are added in proposer order, validators first. All nodes boot at time 0.
    """

    def __init__(self, settings: WorldSettings, recorder: Recorder) -> None:
        self.settings = settings
        self.recorder = recorder
        self.now_us = 0
        self.routes: dict[str, NodeId] = {}
        """Party id -> client node id, for ``Send(to=party)``."""

    def add_node(
        self,
        id_: NodeId,
        factory: Callable[[], Node],
        *,
        kind: Kind,
        role: str = "",
        city: str = "",
        party: str = "",
        house: NodeId = "",
    ) -> None:
        """Adds a node. ``factory`` makes it anew at each start, and it is then sent ``Boot``.

        A validator has ``status() -> (view, active, executed, stable)``, a client the attribute
        ``outstanding``: its number of requests that aren't final. ``party`` routes replies of
        that name to a client; ``house`` is the validator beside which a client lives, so that
        partitions take it along.
        """

    def add_faults(self, faults: Sequence[Fault]) -> None:
        """The scenario's faults, in file order. Raises ``SimulationError`` for an unknown node."""

    def submit(
        self, at_us: int, node: NodeId, operation: bytes, cosigners: tuple[str, ...] = ()
    ) -> None:
        """Sends ``events.Submit`` to a client at ``at_us``."""

    def run(
        self,
        until_us: int,
        *,
        stop: Callable[[], bool] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Runs up to and including ``until_us``, or until ``stop()`` holds at a check.

        ``stop`` (usually ``world.settled``) is asked every 50 ms of virtual time; it is part of
        the run. ``progress`` is told now and then, and can't change anything.
        """

    def settled(self) -> bool:
        """No work is left: all submissions are made and final, no fault is ahead or active with
        an end, and all running validators are active at one height."""
        raise NotImplementedError

    def node(self, id_: NodeId) -> Node | None:
        """The running node, or None while it is down. Raises ``KeyError`` for an unknown id."""
        raise NotImplementedError

    def messages(self) -> MessageCounts:
        """What became of all messages so far, per receiver; delivered + dropped + in flight
        equals sent + duplicated."""
        raise NotImplementedError


class MessageCounts(msgspec.Struct, frozen=True):
    """Messages by type and, for those dropped, by cause (loss, partition, down …)."""

    sent: dict[str, int]
    delivered: dict[str, int]
    dropped: dict[str, int]
    dropped_by_cause: dict[str, int]
    duplicated: int
    in_flight: int
