"""A property that is switched off leaves its bug alive: each one earns its keep.

Every bug here breaks one property and no other, in a scenario written for it; so with that property
taken out of the suite the same run shows nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import pytest

from chainsim import build
from chainsim.checks import CHECKS, CheckContext, CheckSuite
from chainsim.explore.outcome import run_scenario
from chainsim.explore.planting import Planted, planted, swapped
from nodes.ledger.act import Act
from scenarios.loader import load, load_text
from scenarios.schema import Scenario
from tests.mutants import by_hand

Bug = Callable[[], AbstractContextManager[None]]

DOUBLED = """
[[faults]]
kind = "mangle"
type = ["prepare", "commit"]
duplicate = 1
at = "10ms"
for = "2s"
"""
"""Votes come twice."""

FORGOTTEN = """
[[faults]]
kind = "mangle"
type = "commit"
to = ["v2", "v3"]
drop = true
at = "10ms"
for = "1s"

[[faults]]
kind = "isolate"
node = "v0"
when = { event = "executed" }
for = "2s"
"""
"""Two executed, and one of them is away when the view changes."""

FLOOD = """
[[faults]]
kind = "byzantine"
node = "v3"
behaviour = "future-flood"
"""


def number(of: int) -> Bug:
    """A row of MUTANTS."""
    return lambda: planted(Planted("tests.mutants", of))


def moved_double() -> AbstractContextManager[None]:
    """Who is paid gets twice what the payer gave."""

    def move(
        self: Act, asset: str, amount: int, source: tuple[str, str], target: tuple[str, str]
    ) -> None:
        self.post(source[0], asset, source[1], -amount)  # type: ignore[arg-type]
        self.post(target[0], asset, target[1], 2 * amount)  # type: ignore[arg-type]

    return swapped((Act, "move", move))


def by(faults: str, *, seed: int = 1, at: tuple[str, ...] = ("100ms",)) -> Callable[[], Scenario]:
    return lambda: load_text(by_hand.written(faults, seed=seed, at=at))


ALONE: dict[str, tuple[Bug, Callable[[], Scenario]]] = {
    "chain-integrity": (number(3), by(DOUBLED, seed=3)),
    "one-prepared-digest": (number(5), by(by_hand.TWO_FACED)),
    "remembered-commits": (number(16), by(FORGOTTEN, at=("100ms", "110ms"))),
    "durability": (number(23), by(by_hand.POWER_CUT)),
    "bounded-memory": (number(29), by(FLOOD, at=("100ms", "1s", "3s"))),
    "liveness": (number(21), by(by_hand.SILENT)),
    "delivery-versus-payment": (number(32), lambda: load("explore-money")),
    "conservation": (moved_double, by("")),
}
"""Property -> a bug that it alone sees, and where."""


def without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes a property out of every suite that is built from now on."""
    assert name in CHECKS

    def fewer(context: CheckContext, names: Iterable[str]) -> CheckSuite:
        return CheckSuite(context, [each for each in names if each != name])

    monkeypatch.setattr(build, "CheckSuite", fewer)


@pytest.mark.parametrize("name", sorted(ALONE))
def test_switched_off_it_lets_its_bug_survive(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bug, make = ALONE[name]
    scenario = make()
    assert run_scenario(scenario).found == (), "the scenario holds without the bug"
    with bug():
        assert [found.check for found in run_scenario(scenario).found] == [name]
        without(name, monkeypatch)
        assert run_scenario(scenario).found == ()


def test_switching_off_another_one_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bug, make = ALONE["durability"]
    without("agreement", monkeypatch)
    with bug():
        assert [found.check for found in run_scenario(make()).found] == ["durability"]
