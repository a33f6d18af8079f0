"""Seeds that sweeps stopped at, on right code: alarms that were false, or bugs that are mended.

What a seed draws changes with the drawing; then it still is a run like any other.
"""

from __future__ import annotations

import msgspec
import pytest

from chainsim.explore.model import model_of
from chainsim.explore.outcome import run_seed
from tests.unit.explore.support import shipped_base


@pytest.mark.parametrize(
    ("strategy", "seed"),
    [
        # Durability counted f+1 of the first committee where a smaller one had acknowledged.
        ("random", 20204),
        # A lie about a NEW-VIEW, reported before its view was the pending one, is a reason later.
        ("random", 21477),
        # Two waited in a higher view: f+1 of the first committee, and f of the one in office.
        ("swarm", 41335),
    ],
)
def test_nothing_is_found(strategy: str, seed: int) -> None:
    base = shipped_base()
    model = msgspec.structs.replace(model_of(base), sizes=(4, 5, 6, 7, 10))
    assert run_seed(base, strategy, model, seed).found == ()
