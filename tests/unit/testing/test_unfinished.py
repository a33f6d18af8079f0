"""A run that is judged half-way: what isn't durable yet stays untold, and the run goes on."""

from __future__ import annotations

from pathlib import Path

from chainsim.build import build
from chainsim.recorded_run import play
from chainsim.replay import Comparison
from chainsim.testing import cluster
from chainsim.trace import Recorder

STEPS = 80
"""Of 100 us: the first batch is accepted and synced within them."""


def test_a_check_in_the_middle_of_an_fsync_changes_nothing() -> None:
    judged, left_alone = cluster(n=4), cluster(n=4)
    for kit in (judged, left_alone):
        kit.submit("a")
    for _ in range(STEPS):
        for kit in (judged, left_alone):
            kit.run_for(100)
        judged.check()
        assert judged.digest == left_alone.digest
    assert judged.reproduces()


def test_a_run_interrupted_in_the_middle_of_an_fsync_is_a_beginning_of_the_whole(
    tmp_path: Path,
) -> None:
    kit = cluster(n=4)
    kit.submit("a")
    kit.run_for("1s")
    for step in range(1, STEPS, 3):
        trace = tmp_path / f"{step}.jsonl.gz"
        recorder = Recorder("milestones", trace)
        result, _ = play(build(kit.scenario, recorder), None, until_us=step * 100)
        recorder.close()
        assert result.ended == "interrupted"
        whole = Recorder()
        comparison = Comparison(trace, prefix=True)
        comparison.listen_to(whole)
        play(build(kit.scenario, whole), None, None)
        assert comparison.finish() is None
