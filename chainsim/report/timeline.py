"""What happened when: heights and views of each validator, who was down, what stands out."""

from __future__ import annotations

from typing import Final

import msgspec

from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    Installed,
    NodeChanged,
    Reached,
    Record,
    Violation,
)

STATES: Final = {
    "down": "went down",
    "up": "came up",
    "paused": "stands still",
    "resumed": "goes on",
}
ROUTINE: Final = frozenset(
    ("pre-prepare-accepted", "prepared", "committed", "checkpoint-stable", "disk-repaired")
)
"""Milestones of every slot, which stand out for nobody."""

MOST: Final = 2_000
"""Events that are kept of a run at most."""


class Moment(msgspec.Struct, frozen=True):
    """Something that stands out; ``node`` is empty if it concerns the network."""

    at_us: int
    kind: str
    node: str
    text: str


class Outage(msgspec.Struct):
    """A process was down or stood still; ``until_us`` is -1 if it stayed so."""

    node: str
    state: str
    from_us: int
    until_us: int = -1


class Timeline:
    """Listens to milestones."""

    subscribes: Final = (
        Executed,
        Installed,
        Reached,
        NodeChanged,
        FaultChanged,
        Accused,
        Violation,
    )

    def __init__(self, validators: tuple[str, ...]) -> None:
        self.heights: dict[str, list[tuple[int, int]]] = {node: [(0, 0)] for node in validators}
        """Validator -> (time, height executed), in order."""
        self.views: dict[str, list[tuple[int, int, bool]]] = {
            node: [(0, 0, True)] for node in validators
        }
        """Validator -> (time, view, whether it is active in it or still waits for it)."""
        self.outages: list[Outage] = []
        self.moments: list[Moment] = []
        self.left_out = 0
        """Moments beyond ``MOST``."""
        self._accused: set[tuple[str, str]] = set()

    def on_record(self, record: Record) -> None:
        """Takes one record, in trace order."""
        if isinstance(record, Executed | Installed):
            heights = self.heights.get(record.node)
            if heights is not None and not record.replayed:
                heights.append((record.at_us, record.sequence))
        elif isinstance(record, Reached):
            self._on_reached(record)
        elif isinstance(record, NodeChanged):
            self._on_node(record)
        elif isinstance(record, FaultChanged):
            words = "begins" if record.active else "ends"
            self._note(record.at_us, "fault", "", f"{record.kind} {words}", record.nodes)
        elif isinstance(record, Accused):
            found = (record.culprit, record.kind)
            if found not in self._accused:
                self._accused.add(found)
                text = f"proves {record.kind} against {record.culprit}"
                self._note(record.at_us, "evidence", record.node, text)
        elif isinstance(record, Violation):
            text = f"violation of {record.check}: {record.detail}"
            self._note(record.at_us, "violation", record.node, text)

    def _on_reached(self, record: Reached) -> None:
        if record.event in ROUTINE:
            return
        views = self.views.get(record.node)
        text = record.event.replace("-", " ")
        if record.event in ("view-change-started", "new-view-entered"):
            active = record.event == "new-view-entered"
            if views is not None:
                views.append((record.at_us, record.view, active))
            text = f"enters view {record.view}" if active else f"calls for view {record.view}"
        kind = "view change" if record.event.startswith(("view", "new-view")) else "protocol"
        text += f": {record.cause}" if record.cause else ""
        self._note(record.at_us, kind, record.node, text)

    def _on_node(self, record: NodeChanged) -> None:
        if record.state in ("down", "paused"):
            self.outages.append(Outage(record.node, record.state, record.at_us))
        else:
            for outage in reversed(self.outages):
                if outage.node == record.node and outage.until_us < 0:
                    outage.until_us = record.at_us
        if record.at_us:  # everybody comes up at 0
            self._note(record.at_us, "process", record.node, STATES[record.state])

    def _note(
        self, at_us: int, kind: str, node: str, text: str, nodes: tuple[str, ...] = ()
    ) -> None:
        if nodes:
            text += f" ({', '.join(nodes)})"
        if len(self.moments) < MOST:
            self.moments.append(Moment(at_us, kind, node, text))
        else:
            self.left_out += 1
