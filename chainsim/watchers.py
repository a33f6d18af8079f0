"""What light observers had proven to them, read from the trace."""

from __future__ import annotations

from typing import Final

from chainsim.run_summary import WatcherLine
from chainsim.trace import Proven, Reached, Record, Recorder
from consensus.types import Digest, NodeId, Sequence


class _Watched:
    """One observer; what it is shown again after a restart counts once."""

    def __init__(self) -> None:
        self.height: Sequence = 0
        self.receipts: dict[Digest, None] = {}
        self.balances: dict[tuple[Sequence, str, str], None] = {}
        self.committees: dict[Digest, None] = {}
        self.liars: dict[NodeId, None] = {}
        self.skipped: dict[Sequence, int] = {}
        self.stopped = ""

    def line(self, id_: NodeId) -> WatcherLine:
        return WatcherLine(
            id=id_,
            height=self.height,
            receipts=len(self.receipts),
            balances=len(self.balances),
            committee_changes=len(self.committees),
            liars=tuple(self.liars),
            skipped=sum(self.skipped.values()),
            stopped=self.stopped,
        )


class Watchers:
    """Listens to a run, and counts for each light observer."""

    def __init__(self, ids: frozenset[NodeId]) -> None:
        self._watched: Final = {id_: _Watched() for id_ in sorted(ids)}

    def listen(self, recorder: Recorder) -> None:
        """Before the run; without light observers nothing is listened to."""
        if self._watched:
            recorder.subscribe(Proven, self.on_record)
            recorder.subscribe(Reached, self.on_record)

    def on_record(self, record: Record) -> None:
        """Takes one record, in trace order."""
        watched = self._watched.get(record.node)
        if watched is None:
            return
        if type(record) is Reached:
            self._reached(watched, record)
        elif type(record) is Proven:
            self._proven(watched, record)

    def _reached(self, watched: _Watched, record: Reached) -> None:
        if record.event == "committee-followed":
            watched.committees[record.digest] = None
        elif record.event == "liar-caught":
            watched.liars[record.cause.split(" ", 1)[0]] = None
        elif record.event == "observer-stopped":
            watched.stopped = record.cause

    def _proven(self, watched: _Watched, record: Proven) -> None:
        if record.what == "blocks":
            watched.height = max(watched.height, record.sequence)
            watched.skipped[record.sequence] = record.amounts[1]
        elif record.what == "receipt":
            watched.receipts[record.digest] = None
        else:
            watched.balances[record.sequence, record.account, record.asset] = None

    def lines(self) -> tuple[WatcherLine, ...]:
        """One per observer, in order of id."""
        return tuple(watched.line(id_) for id_, watched in self._watched.items())
