"""All that a frame is drawn from, gathered once per frame; panels are functions of it."""

from __future__ import annotations

import msgspec

from chainsim.dashboard.facts import Cast
from chainsim.dashboard.glance import Glance
from chainsim.dashboard.margin import Margin
from chainsim.dashboard.probe import NodeProbe, Probe
from chainsim.dashboard.view_model import ViewModel
from consensus.types import NodeId, View


class Property(msgspec.Struct, frozen=True):
    """One check as it stands."""

    name: str
    kind: str
    breaches: int
    first: str = ""
    """Its first breach, in words."""
    at_us: int = 0
    verdict: str = ""
    """Once the run is over."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a run, and how somebody looks at it."""

    cast: Cast
    model: ViewModel
    probe: Probe
    margin: Margin
    groups: tuple[tuple[NodeId, ...], ...]
    """Running validators by who can talk with whom, the largest group first."""
    cut_off: frozenset[NodeId]
    """Those outside the largest group."""
    glance: Glance
    properties: tuple[Property, ...]
    now_us: int
    mode: str
    """What the run does, in a word: running, PAUSED, OVER, ahead, again."""
    speed: str
    selected: int = 0
    """Position of a validator."""
    filter: str = ""
    log_back: int = 0
    """Lines that the log is scrolled back."""
    footer: str = ""
    """A question or a message; empty: what the keys do."""
    typing: bool = False
    """The footer is a question that is being answered."""
    verdict: str = ""
    """What the run came to, once it is over; of a replay whether it is equal so far."""
    bad: bool = False
    """The verdict is a bad one."""
    breakpoint: str = ""
    recorded: bool = False
    """A recorded run is being replayed."""

    @property
    def view(self) -> View:
        """The highest view that is active at some running validator."""
        return max((node.view for node in self.probe.nodes if node.up and node.active), default=0)

    @property
    def primary(self) -> NodeId:
        """Who leads that view."""
        return self.cast.primary(self.view)

    @property
    def changing(self) -> tuple[NodeProbe, ...]:
        """Running validators that have left their view and entered no other."""
        return tuple(node for node in self.probe.nodes if node.up and not node.active)

    @property
    def view_change(self) -> bool:
        """Whether views are being changed: too few are in one view to decide anything, or f+1
        call for a higher one. A single validator that called in vain is no view change."""
        changing = [node for node in self.changing if node.view > self.view and not node.paused]
        running = sum(1 for node in self.probe.nodes if node.up)
        weak = (len(self.probe.nodes) - 1) // 3 + 1
        stuck = running - len(changing) < self.cast.quorum <= running
        return bool(changing) and (stuck or len(changing) >= weak)
