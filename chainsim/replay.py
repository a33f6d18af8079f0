"""Plays a recorded run again and holds it against its recording, record by record.

``Comparison`` listens to a run that is played again and reads the recorded trace along with
it. Message records and violations are passed over: neither is part of the digest, and whether
messages were recorded must not matter.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from chainsim import __version__, run_folder
from chainsim.build import build
from chainsim.exit_codes import ExitCode
from chainsim.recorded_run import play, summarise
from chainsim.run_summary import RunSummary
from chainsim.simulation.standing import Progress
from chainsim.trace import (
    MILESTONES,
    MessageMoved,
    Record,
    Recorder,
    Violation,
    read_trace,
    without_shared,
)
from scenarios.schema import Scenario

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


class Recorded(msgspec.Struct, frozen=True):
    """As much of a ``summary.json`` as a replay is held against."""

    digest: str
    ended: str
    version: str


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A run played again, beside what its folder says of it."""

    summary: RunSummary
    recorded: Recorded | None
    """None if the run died before it wrote its summary."""
    compared: int | None
    """Milestones held against the recorded trace; None if none was recorded."""
    difference: Difference | None

    @property
    def interrupted(self) -> bool:
        """Whether it is the replay that was cut short, so that nothing can be said."""
        return self.summary.ended == "interrupted"

    @property
    def comparable(self) -> bool:
        """Whether the folder holds anything to compare with."""
        return self.compared is not None or self._whole is not None

    @property
    def equal(self) -> bool:
        """Nothing differs."""
        whole = self._whole
        return self.difference is None and (whole is None or whole.digest == self.summary.digest)

    @property
    def _whole(self) -> Recorded | None:
        """The recording, if its digest is that of a whole run."""
        recorded = self.recorded
        return None if recorded is None or recorded.ended == "interrupted" else recorded

    def __str__(self) -> str:
        milestones = "" if self.compared is None else f"{self.compared:,} milestones, "
        if self.equal:
            if self._whole is None:
                return f"equal as far as it was recorded: {milestones}then it was cut short"
            return f"equal: {milestones}digest {self.summary.digest}"
        lines = ["the replay differs from the recording"]
        if self.recorded is not None and self.recorded.version != __version__:
            lines.append(f"recorded by version {self.recorded.version}, this is {__version__}")
        if self.difference is not None:
            lines.append(f"first at {self.difference}")
        elif self._whole is not None:
            lines.append(f"recorded digest: {self._whole.digest}")
            lines.append(f"replayed digest: {self.summary.digest}")
        return "\n".join(lines)

    def verdict(self, run: str) -> dict[str, object]:
        """For ``--json``."""
        return {
            "run": run,
            "equal": self.equal,
            "exit_code": int(ExitCode.OK if self.equal else ExitCode.DIVERGED),
            "digest": self.summary.digest,
            "recorded_digest": None if self.recorded is None else self.recorded.digest,
            "milestones": self.compared,
            "difference": self.difference,
        }


def replay(
    scenario: Scenario,
    folder: Path,
    progress: Callable[[Progress], None] | None = None,
    *,
    listen: Callable[[Recorder], None] | None = None,
    until_us: int | None = None,
) -> Replayed:
    """Plays ``scenario`` and compares with what ``folder`` recorded of it; writes nothing.

    ``listen`` may subscribe to the run before it starts. ``until_us``: only so far, as a run
    that was cut short.
    """
    recorded = recorded_of(folder / run_folder.SUMMARY)
    trace = folder / run_folder.TRACE
    whole = recorded is not None and recorded.ended != "interrupted"
    comparison = Comparison(trace, prefix=not whole) if trace.exists() else None
    recorder = Recorder()
    simulation = build(scenario, recorder)
    if comparison is not None:
        comparison.listen_to(recorder)
    if listen is not None:
        listen(recorder)
    result, wall_s = play(simulation, progress, until_us)
    difference = None
    if comparison is not None and (until_us is not None or result.ended != "interrupted"):
        difference = comparison.finish()
    return Replayed(
        summary=summarise(scenario, result, wall_s),
        recorded=recorded,
        compared=None if comparison is None else comparison.compared,
        difference=difference,
    )


def recorded_of(summary: Path) -> Recorded | None:
    """What a summary says; None if there is none, or no whole one."""
    try:
        return msgspec.json.decode(summary.read_bytes(), type=Recorded)
    except (OSError, msgspec.MsgspecError):
        return None


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
