"""A place in the world: what stays there, whether or not a process runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from chainsim.simulation.disk import Disk
from chainsim.simulation.draws import Occurrences
from chainsim.simulation.key_ring import KeyRing
from chainsim.simulation.scheduler import INSTANCE_SHIFT, RECEIVER_SHIFT
from consensus.effects import Area
from consensus.types import NodeId
from nodes.durable import Format

if TYPE_CHECKING:
    from chainsim.simulation.lines import LinkRule, Plan, Target

Kind = Literal["validator", "client", "observer"]


class Place:
    """Who lives here, the disk, and what the network knows of the place."""

    # fmt: off
    __slots__ = (
        "card_free_ns", "city", "counter", "disk", "house", "id", "id_base", "instance", "keys",
        "kind", "last_plan", "last_to", "occurrences", "packed", "party", "plans", "role",
        "rules", "signs_as", "targets", "word",
    )
    # fmt: on

    def __init__(
        self, instance: int, id_: NodeId, kind: Kind, formats: Mapping[Area, Format]
    ) -> None:
        self.instance: Final = instance
        self.id: Final = id_
        self.kind: Final[Kind] = kind
        self.role = self.city = self.party = self.house = ""
        self.keys: KeyRing | None = None
        """Of a validator: what it signs votes with."""
        self.signs_as = id_
        """``sender`` of the node's own messages: of a client its party."""
        self.id_base: Final = instance << INSTANCE_SHIFT
        self.packed: Final = instance << RECEIVER_SHIFT
        """As a receiver, in the ids of events."""
        self.word: Final = instance - 1
        """Which word is its own, of a draw for everybody."""
        self.counter = 0
        """Events that this instance caused; survives restarts."""
        self.disk: Final = Disk(id_, formats)
        # The network's, kept here so that a message finds them without a look-up.
        self.occurrences: Final = Occurrences()
        self.card_free_ns = 0
        self.rules: dict[int, tuple[LinkRule, ...]] = {}
        self.plans: Final[dict[tuple[NodeId, ...], Plan]] = {}
        self.targets: Final[dict[int, Target]] = {}
        self.last_to: tuple[NodeId, ...] | None = None
        self.last_plan: Any = None

    def forget_lines(self) -> None:
        """Lets go of everybody else: see ``World.discard``."""
        self.rules = {}
        self.plans.clear()
        self.targets.clear()
        self.last_to = self.last_plan = None
