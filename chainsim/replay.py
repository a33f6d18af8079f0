"""Holds a run against its recording, record by record.

``Comparison`` listens to a run that is played again and reads the recorded trace along with
it. Message records and violations are passed over: neither is part of the digest, and whether
messages were recorded must not matter.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from chainsim.trace import (
    MILESTONES,
    MessageMoved,
    Record,
    Recorder,
    Violation,
    read_trace,
    without_shared,
)

UNREADABLE: Final = (OSError, EOFError, zlib.error, msgspec.MsgspecError, UnicodeDecodeError)
"""What reading a damaged or unfinished trace raises."""


class Difference(msgspec.Struct, frozen=True):
    """The first place where a replay and its recording part; empty text stands for "nothing"."""

    index: int
    """Counting milestones from 0."""
    recorded: str
    replayed: str

    def __str__(self) -> str:
        recorded = self.recorded or "nothing more"
        replayed = self.replayed or "nothing more"
        return f"milestone {self.index}\n  recorded: {recorded}\n  replayed: {replayed}"


class Comparison:
    """Compares each milestone as it comes; keeps the first that differs.

    ``prefix``: the recording may end early (an interrupted run's).
    """

    def __init__(self, trace: Path, *, prefix: bool = False) -> None:
        self.difference: Difference | None = None
        self.compared = 0
        self._prefix = prefix
        self._recorded = _milestones(trace)
        self._ended = False

    def listen_to(self, recorder: Recorder) -> None:
        """Subscribes to all milestones of the run to come."""
        for kind in MILESTONES:
            recorder.subscribe(kind, self.on_record)

    def on_record(self, record: Record) -> None:
        """Takes one record of the replay, in trace order."""
        if self.difference is not None or self._ended:
            return
        recorded = self._next()
        if recorded is None and self._prefix:
            self._ended = True
            return
        replayed = without_shared(record)
        if recorded != replayed:
            self._part(recorded, replayed)
        else:
            self.compared += 1

    def finish(self) -> Difference | None:
        """The replay is over: the recording must be too."""
        if self.difference is None and not self._ended:
            left = self._next()
            if left is not None:
                self._part(left, None)
        return self.difference

    def _part(self, recorded: Record | str | None, replayed: Record | None) -> None:
        self.difference = Difference(self.compared, _text(recorded), _text(replayed))

    def _next(self) -> Record | str | None:
        """The next recorded milestone; a text if the file can't be read on, None at its end."""
        try:
            return next(self._recorded, None)
        except UNREADABLE as error:
            return None if self._prefix else f"unreadable ({error})"


def _milestones(trace: Path) -> Iterator[Record]:
    for record in read_trace(trace):
        if not isinstance(record, MessageMoved | Violation):
            yield record


def _text(record: Record | str | None) -> str:
    if record is None or isinstance(record, str):
        return record or ""
    return msgspec.json.encode(record).decode()
