"""Executes a recorded run again and collects what its pictures show.

The numbers of a report are those of the run's ``summary.json``; executing the run again gives the
messages and the work of CPUs, which no recording holds in full. Records are held against the
recording on the way: pictures of another run would be worse than none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from chainsim import run_folder
from chainsim.replay import Replayed, replay
from chainsim.report.messages import MessageLog
from chainsim.report.timeline import Timeline
from chainsim.report.workload import Workload
from chainsim.run_summary import RunSummary, from_json
from chainsim.simulation.standing import Progress
from chainsim.trace import FaultChanged, MessageMoved, Reached, Record, Recorder, Worked
from scenarios.schema import Scenario


class NoSummary(Exception):
    """The run left no summary that this version can read; the message says why."""


class Stopped(Exception):
    """Ctrl-C while the run was executed again: nothing can be shown."""


class Diverged(Exception):
    """Executed again, the run isn't the recorded one; the message names the first difference."""


class Observed(msgspec.Struct, frozen=True):
    """A run and what was seen of it."""

    folder: Path
    scenario: Scenario
    summary: RunSummary
    """As recorded."""
    messages: MessageLog
    timeline: Timeline
    workload: Workload

    @property
    def validators(self) -> tuple[str, ...]:
        """In proposer order."""
        return tuple(validator.id for validator in self.scenario.validators)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Validators, then whoever else sent or received a drawn message, by name."""
        known = frozenset(self.validators)
        ends = {end for f in self.messages.flights.values() for end in (f.sender, f.receiver)}
        return (*self.validators, *sorted(ends - known))


def read_summary(folder: Path) -> RunSummary:
    """The recorded summary. Raises ``NoSummary``."""
    try:
        return from_json((folder / run_folder.SUMMARY).read_bytes())
    except FileNotFoundError:
        raise NoSummary(
            f"{folder} holds no {run_folder.SUMMARY}: the run died before it was over; "
            "its scenario.toml can be run again"
        ) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise NoSummary(f"{folder / run_folder.SUMMARY} can't be read: {error}") from error


def observe(
    scenario: Scenario,
    folder: Path,
    progress: Callable[[Progress], None] | None = None,
    *,
    slices: bool = False,
) -> Observed:
    """Executes the run in ``folder`` again; ``slices``: keeping each piece of CPU work.

    Raises ``NoSummary``, ``Stopped`` and ``Diverged``.
    """
    summary = read_summary(folder)
    observed = _prepared(scenario, folder, summary)
    observed.workload.keeps_slices = slices
    cut_short = summary.ended == "interrupted"
    stopped = _Watch(progress)
    replayed = replay(
        scenario,
        folder,
        stopped,
        listen=lambda recorder: _listen(recorder, observed),
        until_us=summary.virtual_time_us if cut_short else None,
    )
    if stopped.interrupted:
        raise Stopped
    _compare(replayed)
    return observed


def _prepared(scenario: Scenario, folder: Path, summary: RunSummary) -> Observed:
    moments = [fault.from_us for fault in summary.faults]
    moments += [fault.until_us for fault in summary.faults if fault.until_us is not None]
    if summary.first_violation is not None:
        moments.append(summary.first_violation.at_us)
    cpu = scenario.cpu
    return Observed(
        folder=folder,
        scenario=scenario,
        summary=summary,
        messages=MessageLog(summary.messages.sent, moments),
        timeline=Timeline(tuple(validator.id for validator in scenario.validators)),
        workload=Workload(summary.virtual_time_us, (cpu.sign, cpu.verify, cpu.execute)),
    )


def _listen(recorder: Recorder, observed: Observed) -> None:
    messages, workload = observed.messages, observed.workload

    def moment(record: Record) -> None:
        if isinstance(record, FaultChanged) or (
            isinstance(record, Reached) and record.event == "view-change-started"
        ):
            messages.moment(record.at_us)

    recorder.subscribe(FaultChanged, moment)
    recorder.subscribe(Reached, moment)
    for listener in (observed.timeline, workload):
        for kind in listener.subscribes:
            recorder.subscribe(kind, listener.on_record)
    recorder.subscribe(MessageMoved, messages.on_message)
    recorder.subscribe(MessageMoved, workload.on_message)
    recorder.subscribe(Worked, workload.on_work)


def _compare(replayed: Replayed) -> None:
    if not replayed.equal:
        raise Diverged(str(replayed))


class _Watch:
    """Passes progress on, and remembers whether its listener wanted an end."""

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self.interrupted = False

    def __call__(self, progress: Progress) -> None:
        if self._progress is None:
            return
        try:
            self._progress(progress)
        except Exception:
            self.interrupted = True
            raise
