"""Do the light observers fit: whom they watch, and what they are called?"""

from __future__ import annotations

from collections.abc import Iterator

from scenarios.convert import entries, whole
from scenarios.errors import ScenarioError, unknown
from scenarios.fitting_expect import account_names
from scenarios.fitting_genesis import can_make_genesis
from scenarios.genesis import merged
from scenarios.schema import Observer, Scenario


def observer_problems(scenario: Scenario) -> Iterator[ScenarioError]:
    """What is wrong with ``[[observers]]`` beyond single fields."""
    known: list[str] = []
    parties: list[str] = []
    if can_make_genesis(scenario):
        parties = [party.id for party in merged(scenario).parties]
        known = [*account_names(scenario), *parties]
    for path, observer in entries("observers", scenario.observers, Observer):
        if observer.light is not True:
            if observer.watch:
                message = "only a light observer is shown accounts: the others keep the ledger"
                yield ScenarioError(f"{path}.watch", f"{message}; add light = true")
            continue
        if observer.id in parties:
            message = f'a party is called "{observer.id}" already'
            yield ScenarioError(f"{path}.id", f"{message}; give the observer a name of its own")
        for place, name in entries(f"{path}.watch", observer.watch, str):
            if known and whole(name) and name not in known:
                yield unknown(place, "account or party", name, known)
