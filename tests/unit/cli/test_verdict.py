"""Exit codes of runs, control runs included."""

from __future__ import annotations

import msgspec
import pytest

from chainsim.checks import CheckResult, Kind
from chainsim.expectations import Facts, evaluate, exit_code
from chainsim.measures import Measures
from scenarios import loader
from scenarios.schema import Expect

SCENARIO = loader.load_text('schema = 1\nname = "x"\nduration = "1s"\nvalidators = 4\n')


def outcome(expect: Expect, broken: str, height: int = 5, *, interrupted: bool = False) -> int:
    kinds: tuple[Kind, ...] = ("safety", "liveness", "money", "coverage")
    facts = Facts(
        checks=tuple(CheckResult(kind, kind, kind not in broken.split(), "") for kind in kinds),
        measures=Measures(),
        metrics={"height": height},
        receipts=(),
        submissions=(),
        committees=(),
        balance=lambda *_: 0,
    )
    scenario = msgspec.structs.replace(SCENARIO, expect=expect)
    return exit_code(scenario, facts, evaluate(scenario, facts), interrupted=interrupted)


@pytest.mark.parametrize(
    ("safety", "liveness", "broken", "met", "code"),
    [
        ("holds", "recovers", "", True, 0),
        ("holds", "recovers", "", False, 1),
        ("holds", "recovers", "coverage", True, 1),
        ("holds", "recovers", "liveness", False, 4),
        ("holds", "recovers", "safety liveness", False, 3),
        ("holds", "recovers", "money", True, 3),
        ("violated", "recovers", "safety", True, 0),
        ("violated", "recovers", "", True, 1),
        ("violated", "recovers", "safety liveness", True, 4),
        ("violated", "ignore", "safety liveness", True, 0),
        ("holds", "stalls", "liveness", True, 0),
        ("holds", "stalls", "", True, 1),
        ("holds", "ignore", "liveness", True, 0),
        ("holds", "ignore", "", True, 0),
    ],
)
def test_codes(safety: str, liveness: str, broken: str, met: bool, code: int) -> None:
    expect = Expect(
        safety=safety,  # type: ignore[arg-type]
        liveness=liveness,  # type: ignore[arg-type]
        min_height=5,
        sometimes=("view-change",),
    )
    assert outcome(expect, broken, 5 if met else 4) == code


@pytest.mark.parametrize("broken", ["", "safety", "liveness", "coverage"])
def test_an_interrupted_run_is_130_whatever_it_saw(broken: str) -> None:
    assert outcome(Expect(), broken, interrupted=True) == 130
