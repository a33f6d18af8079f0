"""A run that is shown again, held against its recording as it goes, in every execution anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chainsim import run_folder
from chainsim.dashboard.live_run import LiveRun
from chainsim.replay import Comparison, Recorded, recorded_of
from chainsim.trace import Recorder


class HeldAgainst:
    """Compares each milestone with the trace of a run folder, and at the end the digests."""

    def __init__(self, folder: Path) -> None:
        self._trace: Final = folder / run_folder.TRACE
        self._recorded: Final[Recorded | None] = recorded_of(folder / run_folder.SUMMARY)
        self._comparison: Comparison | None = None

    def attach(self, recorder: Recorder) -> None:
        """A new execution begins."""
        self._comparison = None
        if self._trace.exists():
            self._comparison = Comparison(self._trace, prefix=self._cut_short())
            self._comparison.listen_to(recorder)

    def _cut_short(self) -> bool:
        return self._recorded is None or self._recorded.ended == "interrupted"

    def equal(self, run: LiveRun) -> bool:
        """Nothing differs so far; once the run is over, the digest is the recorded one."""
        if self._comparison is not None and self._comparison.difference is not None:
            return False
        whole = self._recorded if not self._cut_short() else None
        return run.result is None or whole is None or whole.digest == run.result.digest

    def words(self, run: LiveRun) -> str:
        """For the dashboard: equal so far, or where it differs."""
        comparison = self._comparison
        if comparison is not None and comparison.difference is not None:
            return f"DIFFERS from the recording: {comparison.difference}".replace("\n", " ")
        if not self.equal(run):
            return "DIFFERS from the recording: another digest"
        if comparison is None:
            return "no trace was recorded to compare with"
        if run.result is not None:
            return f"equal to the recording: {comparison.compared:,} milestones and the digest"
        return f"equal to the recording so far: {comparison.compared:,} milestones"
