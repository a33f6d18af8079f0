"""What a person would write to show a bug does show it, and is what shrinking comes near to."""

from __future__ import annotations

import pytest

from chainsim.explore.hunt import Hunt, shrunk
from chainsim.explore.model import FaultModel
from chainsim.explore.outcome import run_scenario
from chainsim.explore.passes import size_of
from chainsim.explore.planting import Planted, planted
from chainsim.goals.runs import BY_HAND as WITHIN
from scenarios.loader import load_text
from tests.mutants.by_hand import BY_HAND
from tests.unit.explore.support import NETWORK_KINDS, quick_base


@pytest.mark.parametrize("number", sorted(BY_HAND))
def test_it_breaks_a_property_with_the_bug_and_none_without(number: int) -> None:
    scenario = load_text(BY_HAND[number])
    with planted(Planted("tests.mutants", number)):
        assert run_scenario(scenario).found
    assert run_scenario(scenario).found == ()


def test_a_find_shrinks_to_about_the_size_by_hand() -> None:
    base, model = quick_base(), FaultModel(kinds=NETWORK_KINDS)
    found = Hunt(strategy="random", runs=1, seed=1, check="durability")
    small = shrunk(Planted("tests.mutants", 23), base, model, found)
    by_hand = size_of(load_text(BY_HAND[23]))
    assert small.complete
    assert small.sizes[1] <= WITHIN * by_hand, small.toml
    assert small.sizes[1] < small.sizes[0]
