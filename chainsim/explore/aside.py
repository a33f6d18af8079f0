"""Draws what comes beside the other faults now and then: wrong clocks and hostile clients.

From a stream of their own, after all else: what a seed drew before there were such kinds it draws
still, and most seeds have none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from chainsim.explore.drawing import Draw
from chainsim.explore.model import FaultModel
from consensus.protocol import CLOCK_DRIFT_US
from nodes.hostile_clients import ATTACKS
from scenarios.faults import FAULTS, Fault
from scenarios.faults.client import FASTEST_US, ClientFault
from scenarios.genesis import merged
from scenarios.genesis_spec import AccountSpec, PartySpec
from scenarios.rng import PPM, Stream
from scenarios.schema import Scenario

CHANCE: Final = 100_000
"""That a seed has wrong clocks, and that it has a hostile client, in parts per million each."""
INTRUDER: Final = "mallory"
"""The party that attacks; a scenario in which it does has it."""
ACTS: Final = (4, 16, 64)
"""How often a client acts, while its attack lasts."""
MOST_CLOCKS: Final = 3
NOTICED: Final = CLOCK_DRIFT_US // 2
"""Within this nobody may notice, not even of two clocks that are wrong in opposite ways."""
FAR_US: Final = (600_000, 3_000_000, 60_000_000)
"""How wrong a clock beyond the bound is."""
RATES: Final = (PPM // 20, PPM // 3, 3 * PPM, 20 * PPM)
"""At which such a clock runs."""
_HOUR_US: Final = 3_600_000_000


def _step(draw: Draw) -> dict[str, Any]:
    sign = 1 if draw.stream.chance(PPM // 2) else -1
    if draw.budget > 0 and draw.stream.chance(PPM // 2):
        return {**draw.betrayed(), "by": sign * draw.stream.pick(FAR_US)}
    nodes = draw.some(len(draw.cast.ids))
    return {"nodes": nodes, "by": sign * draw.stream.between(1, NOTICED)}


def _drift(draw: Draw) -> dict[str, Any]:
    if draw.budget > 0 and draw.stream.chance(PPM // 2):
        return {**draw.betrayed(), "rate": draw.stream.pick(RATES)}
    length_us = draw.length_us()
    off_ppm = min(PPM // 2, NOTICED * PPM // length_us)
    rate = PPM + (off_ppm if draw.stream.chance(PPM // 2) else -off_ppm)
    return {"nodes": draw.some(len(draw.cast.ids)), "rate": rate, "for_": length_us}


CLOCKS: Final[dict[str, Callable[[Draw], dict[str, Any]]]] = {
    "skew": _step,
    "jump": _step,
    "drift": _drift,
}
ASIDE: Final = (*CLOCKS, *ATTACKS)
"""All kinds that are drawn here."""


def aside_kinds(model: FaultModel) -> tuple[str, ...]:
    """Those that the model allows."""
    return tuple(kind for kind in ASIDE if not model.kinds or kind in model.kinds)


def draw_aside(draw: Draw, scenario: Scenario) -> list[Fault]:
    """Mostly nothing; ``draw`` knows what else goes wrong, and has a stream for this alone."""
    kinds = aside_kinds(draw.model)
    always = bool(draw.model.kinds) and set(draw.model.kinds) <= set(ASIDE)
    clocks = tuple(kind for kind in kinds if kind in CLOCKS)
    attacks = tuple(kind for kind in kinds if kind in ATTACKS)
    faults: list[Fault] = []
    if draw.stream.chance(PPM if always else CHANCE) and clocks:
        for _ in range(draw.stream.between(1, MOST_CLOCKS)):
            faults.append(_clock(draw, draw.stream.pick(clocks)))
    if draw.stream.chance(PPM if always else CHANCE) and attacks and has_bank(scenario):
        faults.append(_attack(draw, draw.stream.pick(attacks)))
    return faults


def _clock(draw: Draw, kind: str) -> Fault:
    fields = CLOCKS[kind](draw)
    fields.setdefault("for_", draw.length_us())
    return FAULTS[kind](**fields, at=draw.moment_us())


def _attack(draw: Draw, kind: str) -> Fault:
    length_us = draw.length_us()
    interval_us = max(FASTEST_US, length_us // draw.stream.pick(ACTS))
    fields: dict[str, Any] = {"node": INTRUDER, "rate": _HOUR_US // interval_us}
    return FAULTS[kind](at=draw.moment_us(), for_=length_us, **fields)


def has_bank(scenario: Scenario) -> bool:
    """Whether somebody could keep an intruder's money: a dealer among the parties."""
    parties = [party.id for party in merged(scenario).parties]
    return _bank(scenario) is not None and INTRUDER not in parties


def _bank(scenario: Scenario) -> str | None:
    return next((party.id for party in merged(scenario).parties if party.role == "dealer"), None)


def with_intruder(scenario: Scenario) -> Scenario:
    """The scenario with the party that one of its faults has attack, a dealer's client with some
    cash."""
    attacks = any(isinstance(f, ClientFault) and f.node == INTRUDER for f in scenario.faults)
    if not attacks or not has_bank(scenario):
        return scenario
    bank = _bank(scenario)
    party = PartySpec(id=INTRUDER, role="investor", custodian=bank)
    account = AccountSpec(
        id=f"{INTRUDER}/cash", owner=INTRUDER, custodian=bank, balance=("1000.00 PKR",)
    )
    genesis = msgspec.structs.replace(
        scenario.genesis,
        parties=(*scenario.genesis.parties, party),
        accounts=(*scenario.genesis.accounts, account),
    )
    return msgspec.structs.replace(scenario, genesis=genesis)


def without_idle_intruder(scenario: Scenario) -> Scenario:
    """The scenario without that party if it attacks no more."""
    if any(INTRUDER in fault.selectors() for fault in scenario.faults):
        return scenario
    genesis = scenario.genesis
    genesis = msgspec.structs.replace(
        genesis,
        parties=tuple(party for party in genesis.parties if party.id != INTRUDER),
        accounts=tuple(account for account in genesis.accounts if account.owner != INTRUDER),
    )
    return msgspec.structs.replace(scenario, genesis=genesis)


def beside(draw: Draw, seed: int) -> Draw:
    """What ``draw`` has left to draw from, with the stream for what comes aside."""
    other = Draw(Stream(seed, "explore/aside"), draw.cast, draw.model)
    other.budget, other.hostile = draw.budget, draw.hostile
    return other
