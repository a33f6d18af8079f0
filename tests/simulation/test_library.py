"""Every shipped scenario runs as it says, with a seed that no other test uses.

``make scenarios`` runs more seeds. What a single scenario shows is tested in the files that are
named after its subject.
"""

from __future__ import annotations

import pytest

from scenarios import loader
from tests.acceptance.scenarios import FAST, play

SEED = 4
LONG = ("crash-while-paying-10000", "lossy-100-validators")
"""Ten seconds of CPU and more: the first has tests of its own, ``make scenarios`` runs both."""


@pytest.mark.parametrize("name", [name for name in loader.shipped() if name not in LONG])
def test_every_shipped_scenario_is_as_it_says(name: str) -> None:
    outcome = play(name, SEED, FAST)
    assert outcome["exit_code"] == 0, outcome["why"]
    assert not outcome["missed"]
