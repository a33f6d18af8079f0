"""Does ``[genesis]`` make a ledger? The ledger's own verdict, in terms of the scenario file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from scenarios.convert import whole
from scenarios.errors import ScenarioError
from scenarios.genesis import make_genesis, merged, merged_problems, spec_problems
from scenarios.keys import Keys
from scenarios.schema import Scenario

_PLACE: Final = re.compile(r"(parties|accounts|series|balances)\[([0-9]+)\](.*)", re.DOTALL)


def cheap_keys(scenario: Scenario) -> Keys:
    """Keys for checking: only names and roles matter then, and the fast scheme costs nothing."""
    return Keys(scenario.seed, "fast")


def can_make_genesis(scenario: Scenario) -> bool:
    """Whether ``make_genesis`` works and what it makes is sound."""
    return not list(genesis_problems(scenario)) and whole(scenario.genesis)


def genesis_problems(scenario: Scenario) -> Iterator[ScenarioError]:
    """What is wrong with the section, by itself, over its include, and to the ledger."""
    found = list(spec_problems(scenario.genesis))
    if not found and whole(scenario.genesis):
        found = list(merged_problems(scenario))
    yield from found
    if found or not whole(scenario.genesis):
        return
    genesis = make_genesis(scenario, cheap_keys(scenario))
    for problem in genesis.problems():
        path, _, message = problem.partition(": ")
        if path == "first_business_day":
            yield ScenarioError("calendar.start", message)
        elif path != "validators":  # said by the rule for [[validators]]
            yield _located(scenario, path, message)


def _located(scenario: Scenario, path: str, message: str) -> ScenarioError:
    """The ledger counts the entries of the merged section; people know their own file's."""
    found = _PLACE.fullmatch(path)
    if found is None:
        return ScenarioError(f"genesis.{path}", message)
    field, index, rest = found[1], int(found[2]), found[3]
    spec = merged(scenario)
    if field == "balances":
        holders = [("accounts", a.id) for a in spec.accounts for _ in a.balance or ()]
        holders += [
            ("crowds", crowd.id)
            for crowd in spec.crowds
            for _ in range(crowd.count or 0)
            for _ in crowd.balance or ()
        ]
        (field, name), rest = holders[index], ".balance"
    elif field == "accounts" and index >= len(spec.accounts):
        crowded = [crowd.id for crowd in spec.crowds for _ in range(crowd.count or 0)]
        field, name = "crowds", crowded[index - len(spec.accounts)]
    else:
        name = getattr(spec, field)[index].id
    own = [item.id for item in getattr(scenario.genesis, field)]
    if name in own:
        return ScenarioError(f"genesis.{field}[{own.index(name)}]{rest}", message)
    place = f'"{name}" of the included "{scenario.genesis.include}"'
    return ScenarioError(f"genesis.{field}", f"{place}: {message}")
