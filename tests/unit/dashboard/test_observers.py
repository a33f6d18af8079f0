"""Scenarios with observers can be watched: who joins has a row, and a light one needs none."""

from __future__ import annotations

import pytest

from chainsim.dashboard.probe import look
from tests.unit.dashboard.support import finish, live, small

OBSERVERS = """
[[observers]]
id = "joiner"

[[observers]]
id = "auditor"
light = true
watch = ["dealer-a/cash"]
"""
JOINS = """
[[faults]]
kind = "add-validator"
node = "joiner"
at = "2500ms"
"""


@pytest.mark.parametrize("more", ["", JOINS])
def test_all_who_keep_the_ledger_have_a_row(more: str) -> None:
    run = live(small(OBSERVERS, more))
    result = finish(run)
    assert result.ok
    assert result.watchers[0].height > 0
    cast = run.model.cast
    assert cast.ids == ("v0", "v1", "v2", "v3", "joiner")
    assert tuple(node.id for node in look(run.simulation.world).nodes) == cast.ids
    # The quorum and the primary of the beginning are those of four.
    assert (cast.quorum, cast.primary(4)) == (3, "v0")
