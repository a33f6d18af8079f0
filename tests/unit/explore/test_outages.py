"""Outages: power cuts in the middle of rewriting, drawn beside everything else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainsim.build import build
from chainsim.explore.model import FaultModel, kind_of, model_of
from chainsim.explore.outages import OFTEN
from chainsim.explore.strategies import random
from chainsim.simulation.disk import Disk
from chainsim.trace import Recorder
from consensus.effects import Compact
from tests.unit.explore.support import shipped_base


def test_some_runs_have_them_and_rewrite_their_files_all_the_time() -> None:
    base = shipped_base()
    drawn = [random(base, model_of(base), seed) for seed in range(300)]
    with_outages = [s for s in drawn if s.disk.rewrite_after == OFTEN]
    assert 5 <= len(with_outages) <= 40
    for scenario in with_outages:
        kinds = [kind_of(fault) for fault in scenario.faults]
        assert "torn-write" in kinds
        assert kinds.count("power-loss") >= 2


def test_a_model_without_power_cuts_has_none() -> None:
    base = shipped_base()
    model = FaultModel(kinds=("torn-write", "crash"))
    assert all(random(base, model, s).disk.rewrite_after != OFTEN for s in range(300))


@pytest.mark.parametrize(("after", "least"), [(512, 0), (OFTEN, 4)])
def test_how_often_files_are_rewritten_is_a_setting_of_the_disk(
    after: int, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the default a run of the base is too short for it: no sweep would ever see one."""
    seen = 0
    original = Disk.append

    def append(self: Disk, write: Any) -> None:
        nonlocal seen
        seen += isinstance(write, Compact) and write.area == "blocks"
        original(self, write)

    monkeypatch.setattr(Disk, "append", append)
    base = shipped_base()
    disk = msgspec.structs.replace(base.disk, rewrite_after=after)
    build(msgspec.structs.replace(base, disk=disk), Recorder()).run()
    assert seen >= least
    assert bool(seen) == bool(least)
