"""What a run looks like so far: follows the trace records, knows no world and no terminal (law 4).

``ViewModel.on_record`` is on the simulation's hot path: it counts and remembers, and leaves all
wording and sorting to whoever draws a frame.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from chainsim import trace
from chainsim.dashboard.facts import MILESTONES, BlockRow, Cast, FaultRow, Slot, ViewChange
from chainsim.dashboard.money import Money
from chainsim.dashboard.pulse import Pulse
from chainsim.dashboard.wording import clock
from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    NodeChanged,
    Reached,
    Record,
    Signed,
    Submitted,
    TimerExpired,
    Violation,
)
from consensus.types import NodeId, Sequence, View

BLOCKS_KEPT: Final = 64
SLOTS_KEPT: Final = 64
LOG_KEPT: Final = 4_000
"""Records that the log can be filtered for; older ones are forgotten."""
NEWS_KEPT: Final = 1_000
"""Of those, what is shown without a filter."""

RECENT_US: Final = 10_000_000
"""What was over longer ago than this explains nothing any more."""
TROUBLES: Final = {
    "byzantine": "is hostile",
    "pause": "is frozen",
    "slow": "is slow",
    "slow-fsync": "has a slow disk",
    "isolate": "is isolated",
    "double-spend": "spends twice",
    "flood": "floods",
    "malformed": "sends garbage",
    "replay": "repeats itself",
    "wrong-signature": "forges",
    "partial-send": "tells only some",
    "skew": "has a wrong clock",
    "drift": "has a clock that drifts",
    "jump": "has a clock that jumped",
}
"""What a fault does to whom it hits, in words."""
VOTES: Final = ("prepare", "commit", "pre-prepare")
"""Signed messages that are about a slot."""


class ViewModel:
    """Listens to one execution from its first record on."""

    def __init__(self, cast: Cast, honest: frozenset[NodeId] | None = None) -> None:
        self.cast: Final = cast
        self.slots: Final[dict[Sequence, Slot]] = {}
        self.blocks: Final[deque[BlockRow]] = deque(maxlen=BLOCKS_KEPT)
        self.height: Sequence = 0
        """Of the highest block that anybody executed."""
        self.phase: Final[dict[NodeId, tuple[str, Sequence]]] = dict.fromkeys(cast.ids, ("", 0))
        """The last milestone of each validator, and its sequence number."""
        self.view_changes: Final[list[ViewChange]] = []
        self.faults: Final[list[FaultRow]] = []
        self.down: Final[dict[NodeId, None]] = {}
        self.accused: Final[dict[tuple[NodeId, str], None]] = {}
        self.violated: Final[dict[str, None]] = {}
        self.stable: Sequence = 0
        self.money: Final = Money(cast.opening)
        self.pulse: Final = Pulse()
        self.codes: Final[Counter[str]] = Counter()
        self.log: Final[deque[Record]] = deque(maxlen=LOG_KEPT)
        self.news: Final[deque[Record]] = deque(maxlen=NEWS_KEPT)
        self.notable: Final[list[int]] = []
        """When faults, view changes and proofs of misbehaviour happened, in order."""
        self.told = self.executions = self.moves = 0
        """How often something was added to the log, executed, said about views: whoever drew any
        of these knows by them whether it changed."""
        self._bit: Final = {id_: 1 << place for place, id_ in enumerate(cast.ids)}
        self._honest: Final = frozenset(cast.ids) if honest is None else honest
        self._up_us: Final[dict[NodeId, int]] = {}
        """When each process started last."""
        self._changes: Final[dict[View, ViewChange]] = {}
        self._readers: Final[dict[type[Record], Callable[[Any], None]]] = {
            Signed: self._on_signed,
            Reached: self._on_reached,
            Executed: self._on_executed,
            TimerExpired: self._on_timer,
            Submitted: self._on_submitted,
            trace.Final: self._on_final,
            FaultChanged: self._on_fault,
            NodeChanged: self._on_node,
            Accused: self._on_accused,
        }

    @property
    def readers(self) -> Mapping[type[Record], Callable[[Any], None]]:
        """Whom to tell of which type of record, in trace order."""
        return self._readers

    def on_record(self, record: Record) -> None:
        """Takes one record of any type."""
        read = self._readers.get(type(record))
        if read is not None:
            read(record)

    # Agreement

    def _on_signed(self, record: Signed) -> None:
        kind = record.type
        if kind not in VOTES:
            return
        slot = self._slot(record)
        if slot is None:
            return
        if record.digest != slot.digest:
            slot.rivals[record.digest] = None
        elif kind == "prepare":
            slot.prepares |= self._bit[record.node]
        elif kind == "commit":
            slot.commits |= self._bit[record.node]

    def _slot(self, record: Signed | Reached) -> Slot | None:
        """The slot that a vote is for; None if it is over, or the vote of a view long past."""
        sequence = record.sequence
        slot = self.slots.get(sequence)
        if slot is None:
            if sequence <= self.height - SLOTS_KEPT or record.node not in self._bit:
                return None
            slot = self.slots[sequence] = Slot(record.at_us, record.view, record.digest)
        elif record.view > slot.view:
            again = Slot(record.at_us, record.view, record.digest)
            again.executed = slot.executed
            slot = self.slots[sequence] = again
        elif record.view < slot.view:
            return None
        return slot

    def _on_reached(self, record: Reached) -> None:
        event = record.event
        self.log.append(record)
        self.told += 1
        if event in MILESTONES:
            self.phase[record.node] = (event, record.sequence)
            slot = self._slot(record)
            if slot is not None and record.digest == slot.digest:
                slot.stage[event] |= self._bit[record.node]
        elif event == "view-change-started":
            self._on_view_left(record)
        elif event == "new-view-entered":
            self._on_view_entered(record)
        elif event == "checkpoint-stable":
            if record.sequence > self.stable:
                self.stable = record.sequence
                self.news.append(record)
        else:
            self._tell(record)

    def _on_view_left(self, record: Reached) -> None:
        self.phase[record.node] = ("view-change", record.view)
        self.moves += 1
        change = self._changes.get(record.view)
        if change is None:
            trouble = self._trouble_of(self.cast.primary(record.view - 1), record.at_us)
            change = ViewChange(record.view, record.at_us, record.node, record.cause, trouble)
            self._changes[record.view] = change
            self.view_changes.append(change)
            self._tell(record)
        else:
            self.news.append(record)
        change.callers |= self._bit[record.node]

    def _on_view_entered(self, record: Reached) -> None:
        self.phase[record.node] = ("new-view", record.view)
        self.moves += 1
        change = self._changes.get(record.view)
        if change is None:
            return
        change.entered |= self._bit[record.node]
        if change.entered_us is None:
            change.entered_us = record.at_us
            self._tell(record)
        else:
            self.news.append(record)

    def _trouble_of(self, node: NodeId, now_us: int) -> str:
        """What faults are doing to a node, in words; empty if nothing."""
        if node in self.down:
            return "is down"
        rows = [row for row in reversed(self.faults) if node in row.nodes]
        acting = [row.kind for row in rows if row.until_us is None]
        named = [TROUBLES[kind] for kind in acting if kind in TROUBLES]
        if named or acting:
            return named[0] if named else f"amid {acting[0]}"
        up_us = self._up_us.get(node, -RECENT_US)
        if up_us > now_us - RECENT_US:
            return f"was down until {clock(up_us)} s"
        over = [r.kind for r in rows if r.until_us is not None and r.until_us > now_us - RECENT_US]
        return f"after {over[0]}" if over else ""

    def _on_executed(self, record: Executed) -> None:
        bit = self._bit.get(record.node, 0)
        self.executions += 1
        self.told += 1
        if record.node in self.phase and not record.replayed:
            self.phase[record.node] = ("executed", record.sequence)
        if record.sequence > self.height and record.node in self._honest and not record.replayed:
            self._on_block(record)
        for block in reversed(self.blocks):
            if block.height <= record.sequence:
                if block.height == record.sequence:
                    block.executed |= bit
                break
        slot = self.slots.get(record.sequence)
        if slot is not None:
            slot.executed |= bit

    def _on_block(self, record: Executed) -> None:
        self.height = record.sequence
        block = record.block
        view = refused = 0
        if block is not None:
            view = block.certificate.view
            refused = sum(receipt.code != "OK" for receipt in block.receipts)
            self.money.on_block(block)
        row = BlockRow(
            record.sequence,
            record.at_us,
            view,
            record.header_hash,
            record.transactions,
            refused,
            0,
        )
        self.blocks.append(row)
        self.pulse.block(record.at_us, record.transactions)
        self.log.append(record)
        self.slots.pop(record.sequence - SLOTS_KEPT, None)

    # Clients

    def _on_submitted(self, record: Submitted) -> None:
        self.pulse.submitted += 1

    def _on_final(self, record: trace.Final) -> None:
        self.pulse.final(record.at_us, record.latency_us)
        self.codes[record.code] += 1
        self.told += 1
        self.log.append(record)
        if record.code != "OK":
            self.news.append(record)

    # What goes wrong

    def _on_timer(self, record: TimerExpired) -> None:
        self.told += 1
        self.log.append(record)

    def _on_fault(self, record: FaultChanged) -> None:
        if record.active:
            row = FaultRow(record.index, record.kind, record.nodes, record.at_us)
            self.faults.append(row)
        else:
            for row in reversed(self.faults):
                if row.index == record.index and row.until_us is None:
                    row.until_us = record.at_us
                    break
        self._tell(record)

    def _on_node(self, record: NodeChanged) -> None:
        if record.state == "down":
            self.down[record.node] = None
        elif record.state == "up":
            self.down.pop(record.node, None)
            self._up_us[record.node] = record.at_us or -RECENT_US
        self.told += 1
        if record.at_us or record.state != "up":  # not: everybody boots
            self.log.append(record)
            self.news.append(record)

    def _on_accused(self, record: Accused) -> None:
        self.told += 1
        self.log.append(record)
        key = (record.culprit, record.kind)
        if record.node in self._honest and key not in self.accused:
            self.accused[key] = None
            self.news.append(record)
            self.notable.append(record.at_us)

    def on_violation(self, record: Violation) -> None:
        """A check found a broken property; told once for each property."""
        if record.check not in self.violated:
            self.violated[record.check] = None
            self._tell(record)

    def _tell(self, record: Record) -> None:
        """News, and a place to jump to."""
        if not self.log or self.log[-1] is not record:
            self.log.append(record)
        self.told += 1
        self.news.append(record)
        if not self.notable or self.notable[-1] != record.at_us:
            self.notable.append(record.at_us)
