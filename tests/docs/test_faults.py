"""Every fault has an example that loads, and is used by a shipped scenario or a test."""

from __future__ import annotations

import pytest

from scenarios import loader
from scenarios.faults import FAULTS
from scenarios.faults.byzantine import NAMES
from tests.docs import faults

USED = [name for name in (*FAULTS, *NAMES) if name != "byzantine"]


@pytest.mark.parametrize("kind", FAULTS)
def test_the_example_of_a_fault_is_one(kind: str) -> None:
    text = faults.example(kind)
    head, *lines = text.splitlines()
    assert head == "[[faults]]"
    assert len(lines) <= faults.BEST + (kind == "flapping")
    scenario = loader.load_text(faults.CAST + text)
    assert isinstance(scenario.faults[0], FAULTS[kind])


@pytest.mark.parametrize("name", USED)
def test_every_fault_and_behaviour_is_used(name: str) -> None:
    assert faults.shipped_with(name) or faults.tested_in(name), (
        f"no shipped scenario has {name}, and no test in {', '.join(faults.FOLDERS)} either"
    )


def test_what_nobody_uses_would_be_found() -> None:
    assert not faults.shipped_with("earthquake")
    assert not faults.tested_in("earthquake")
