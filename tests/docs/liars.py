"""Tables about hostile validators: what each attacks, what stops it, and where that is tried."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.byzantine import BEHAVIOURS, Behaviour, Twins
from scenarios import loader
from scenarios.faults.byzantine import ByzantineFault
from scenarios.schema import Scenario
from tests.simulation.test_byzantine import DAMAGE, ELSEWHERE, PROVEN

HOME = "tests/simulation/test_byzantine.py"
KINDS: dict[str, type[Behaviour | Twins]] = {**BEHAVIOURS, "twins": Twins}


def attacks() -> Iterator[tuple[str, str, str, str, str]]:
    """A row for each behaviour and each way in which it is tried."""
    for name in sorted(KINDS):
        rules = ", ".join(map(str, KINDS[name].STOPPED_BY))
        for broken, breaks, file in _tried(name):
            yield f"`{name}`", rules, broken, f"`{breaks}`", f"`{file}`"


def _tried(name: str) -> Iterator[tuple[str, str, str]]:
    for row, damage in DAMAGE.items():
        if row.partition(",")[0] == name:
            yield _sentence(damage.weakened.__doc__ or ""), damage.breaks, HOME
    if name in ELSEWHERE:
        broken, breaks, file = ELSEWHERE[name]
        yield _sentence(broken or ""), breaks, file


def _sentence(text: str) -> str:
    """The first one, without its end, over one line."""
    words = " ".join(text.split())
    first = words.partition(". ")[0].rstrip(".")
    return first[:1].upper() + first[1:]


def proven() -> Iterator[tuple[str, str]]:
    """What is proven against whom in the tests; against nobody else."""
    for name, (_, _, kind) in sorted(PROVEN.items()):
        yield f"`{name}`", f"`{kind}`"


def hostile_scenarios() -> Iterator[tuple[str, str, str, str]]:
    """Shipped scenarios with hostile validators, and what they expect."""
    for name in loader.shipped():
        scenario = loader.load(name)
        used = sorted({f.behaviour for f in scenario.faults if isinstance(f, ByzantineFault)})
        if used:
            yield f"`{name}`", ", ".join(f"`{b}`" for b in used), *_expected(scenario)


def _expected(scenario: Scenario) -> tuple[str, str]:
    culprits = scenario.expect.culprits
    named = "not asked" if culprits is None else ", ".join(culprits) or "nobody"
    return f"safety {scenario.expect.safety}", named
