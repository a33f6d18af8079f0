"""Do the parts of a scenario fit together? Every rule that spans more than one field.

Works on scenarios that may hold ``FAILED`` in places (see ``convert``): what was reported is
passed over, everything else is still checked, so that an author sees all errors at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final

import msgspec

from consensus.errors import ConfigurationError
from consensus.protocol import PROTOCOLS, find_protocol
from consensus.types import max_faulty
from nodes.ledger.genesis import Genesis
from scenarios.cities import CityMatrix, city_matrix, matrix_names
from scenarios.convert import entries, whole
from scenarios.errors import ScenarioError, did_you_mean, unknown
from scenarios.faults import Fault
from scenarios.faults.proactive_recovery import ProactiveRecovery
from scenarios.fitting_expect import expect_problems
from scenarios.fitting_faults import fault_problems
from scenarios.fitting_genesis import can_make_genesis, cheap_keys, genesis_problems
from scenarios.fitting_observers import observer_problems
from scenarios.genesis import make_genesis, merged
from scenarios.genesis_spec import PartySpec
from scenarios.hostile_parties import busy_problems, client_problems
from scenarios.keys import Keys
from scenarios.licences import revocation_problems
from scenarios.membership import council_secretary
from scenarios.schema import (
    Scenario,
    Validator,
    client_id,
    ledger_nodes,
    light_observers,
    seats,
)
from scenarios.units import PPM
from scenarios.workload import Workload
from scenarios.workload.context import Context
from scenarios.workload.evidence import EvidenceDesk, busy_desks
from scenarios.workload.plan import submissions

_ENDLESS_US: Final = 10**18

Rule = Callable[[Scenario], Iterator[ScenarioError]]


def problems(scenario: Scenario) -> list[ScenarioError]:
    """Everything that doesn't fit, in the order of ``RULES``."""
    readable = _with_stand_ins(scenario)
    return [error for rule in RULES for error in rule(readable)]


def _with_stand_ins(scenario: Scenario) -> Scenario:
    """What failed at the top level replaced by something harmless, so that the rest counts."""
    changes: dict[str, Any] = {}
    if not whole(scenario.name):
        changes["name"] = "unnamed"
    if not whole(scenario.duration):
        changes["duration"] = _ENDLESS_US
    return msgspec.structs.replace(scenario, **changes)


def _validators(scenario: Scenario) -> Iterator[ScenarioError]:
    if scenario.validators == ():
        yield ScenarioError("validators", "wanted at least one; four tolerate one hostile")
    seen: dict[str, str] = {}
    nodes = chain(
        entries("validators", scenario.validators, Validator),
        entries("observers", scenario.observers, Validator),
    )
    for path, validator in nodes:
        if not whole(validator.id):
            continue
        if validator.id in seen:
            yield ScenarioError(f"{path}.id", f'"{validator.id}" is already {seen[validator.id]}')
        if validator.id in ("primary", "random", "role", "city"):
            yield ScenarioError(
                f"{path}.id", f'"{validator.id}" has a meaning of its own in faults'
            )
        seen.setdefault(validator.id, path)


def _matrix(scenario: Scenario) -> CityMatrix | None:
    latency = scenario.network.latency
    return city_matrix(latency) if isinstance(latency, str) and latency in matrix_names() else None


def _cities(scenario: Scenario) -> Iterator[ScenarioError]:
    latency = scenario.network.latency
    if isinstance(latency, str) and latency not in matrix_names():
        yield unknown("network.latency", "city matrix", latency, matrix_names())
    matrix = _matrix(scenario)
    if matrix is None:
        return
    for field, nodes in (("validators", scenario.validators), ("observers", scenario.observers)):
        for path, node in entries(field, nodes, Validator):
            if node.city not in matrix.cities:
                yield unknown(f"{path}.city", "city", node.city, matrix.cities)
    for path, party in entries("genesis.parties", scenario.genesis.parties, PartySpec):
        if party.city is not None and party.city not in matrix.cities:
            yield unknown(f"{path}.city", "city", party.city, matrix.cities)


def largest_round_trip_us(scenario: Scenario) -> int:
    """Between any two validators, without jitter; of drawn latencies twice the one-way bound."""
    matrix = _matrix(scenario)
    if matrix is not None:
        cities = sorted({v.city for v in ledger_nodes(scenario)} & set(matrix.cities))
        trips = [matrix.round_trip_us(one, other) for one in cities for other in cities]
        return max(trips, default=0)
    latency: Any = scenario.network.latency
    if isinstance(latency, str) or not whole(latency):
        return 0
    one_way = {
        "constant": lambda: latency.value,
        "uniform": lambda: latency.high,
        "normal": lambda: latency.mean + 3 * latency.deviation,
        "lognormal": lambda: latency.p99,
        "exponential": lambda: latency.floor + 5 * latency.mean,
    }[latency.__struct_config__.tag]()
    return 2 * int(one_way)


def _consensus(scenario: Scenario) -> Iterator[ScenarioError]:
    settings = scenario.consensus
    if ":" in settings.protocol:
        try:
            find_protocol(settings.protocol)
        except ConfigurationError as error:
            yield ScenarioError("consensus.protocol", str(error))
    elif settings.protocol not in PROTOCOLS:
        yield unknown("consensus.protocol", "protocol", settings.protocol, PROTOCOLS)
    if settings.window < 2 * settings.checkpoint_interval:
        need = 2 * settings.checkpoint_interval
        wanted = f"wanted at least twice checkpoint_interval, {need}"
        yield ScenarioError("consensus.window", f"{wanted}, got {settings.window}")
    for name in ("request_timeout", "view_change_timeout", "status_interval", "block_interval"):
        if getattr(settings, name) == 0:
            yield ScenarioError(f"consensus.{name}", "wanted a time above zero")
    round_trip = largest_round_trip_us(scenario) * (PPM + scenario.network.jitter) // PPM
    if 0 < settings.status_interval <= 2 * round_trip:
        wanted = f"wanted more than twice the largest round trip ({2 * round_trip // 1000} ms)"
        got = f"got {settings.status_interval // 1000} ms"
        yield ScenarioError("consensus.status_interval", f"{wanted}, {got}")


def _latency(scenario: Scenario) -> Iterator[ScenarioError]:
    latency: Any = scenario.network.latency
    for low, high in (("low", "high"), ("median", "p99")):
        if hasattr(latency, low) and whole(latency):
            if getattr(latency, low) > getattr(latency, high):
                yield ScenarioError(f"network.latency.{high}", f"wanted no less than {low}")
            elif low == "median" and not latency.median:
                yield ScenarioError("network.latency.median", "wanted a time above zero")


def _times(scenario: Scenario) -> Iterator[ScenarioError]:
    if scenario.duration == 0:
        yield ScenarioError("duration", "wanted a time above zero")
    if scenario.calendar.day == 0:
        yield ScenarioError("calendar.day", "wanted a time above zero")
    for path, fault in entries("faults", scenario.faults, Fault):
        for name in ("at", "until"):
            value = getattr(fault, name)
            if isinstance(value, int) and value > scenario.duration:
                yield ScenarioError(f"{path}.{name}", "later than the end of the run (duration)")


def node_names(scenario: Scenario) -> list[str]:
    """Validators and observers, and the clients of all parties of genesis."""
    ids = [node.id for node in ledger_nodes(scenario)]
    light = [node.id for node in light_observers(scenario)]
    parties = [party.id for party in merged(scenario).parties]
    return [*ids, *light, *(client_id(party, ids) for party in parties)]


def _selector_problem(selector: str, scenario: Scenario, names: list[str]) -> str:
    """Why a selector picks nobody; empty if it is fine."""
    validators = seats(scenario)
    kind, _, rest = selector.partition(":")
    if selector == "primary" or selector in names:
        return ""
    if kind == "random":
        return _random_problem(rest, len(validators))
    if kind in ("role", "city") and rest:
        known = sorted({getattr(validator, kind) for validator in validators})
        hint = did_you_mean(rest, known)
        return "" if rest in known else f'no validator has the {kind} "{rest}"{hint}'
    known = [*(node.id for node in ledger_nodes(scenario)), "primary"]
    what = "node" if "." in selector else "validator"
    hint = did_you_mean(selector, known)
    hint = hint if "did you" in hint else did_you_mean(selector, names) or hint
    return f'unknown {what} "{selector}"{hint}'


def _random_problem(count: str, n: int) -> str:
    if count == "f":
        return "" if max_faulty(n) else f"{n} validators tolerate no fault, so f picks nobody"
    return "" if int(count) <= n else f"wanted at most {n}, the number of validators"


_SELECTOR_FIELDS: Final = (
    "node",
    "nodes",
    "groups",
    "bridge",
    "from",
    "to",
    "members",
    "receivers",
    "order",
)


def _selectors(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _selectors(item, f"{path}[{index}]")


def _fault_nodes(scenario: Scenario) -> Iterator[ScenarioError]:
    names = node_names(scenario)
    for place, fault in entries("faults", scenario.faults, Fault):
        tables: list[tuple[str, msgspec.Struct]] = [(f"{place}.", fault)]
        if fault.when is not None:
            tables.append((f"{place}.when.", fault.when))
        for prefix, struct in tables:
            encoded = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
            for written, name in encoded:
                if written not in _SELECTOR_FIELDS:
                    continue
                for path, selector in _selectors(getattr(struct, name), prefix + written):
                    problem = _selector_problem(selector, scenario, names)
                    if problem:
                        yield ScenarioError(path, problem)


def _workloads(scenario: Scenario) -> Iterator[ScenarioError]:
    if not can_make_genesis(scenario):
        return
    keys = cheap_keys(scenario)
    genesis = make_genesis(scenario, keys)
    yield from client_problems(scenario, genesis)
    revoked = list(revocation_problems(scenario, genesis))
    yield from revoked
    sound = not revoked
    for place, workload in entries("workload", scenario.workload, Workload):
        if not _readable(workload):
            sound = False
            continue
        index = scenario.workload.index(workload)
        context = Context(
            genesis, keys, scenario.seed, scenario.duration, scenario.calendar.day, index
        )
        for problem in workload.problems(context):
            sound = False
            yield ScenarioError(
                f"{place}.{problem.path}" if problem.path else place, problem.message
            )
    if sound and genesis.validators and whole(scenario.workload) and whole(scenario.faults):
        yield from _secretary(scenario, genesis, keys)
        yield from _desks(scenario, genesis, keys)
        yield from busy_problems(scenario, submissions(scenario, genesis, keys))


def _readable(workload: Workload) -> bool:
    """Whether a workload can say more: only arrays may have failed in part."""
    values = [getattr(workload, name) for name in workload.__struct_fields__]
    return all(isinstance(value, tuple) or whole(value) for value in values)


def _secretary(scenario: Scenario, genesis: Genesis, keys: Keys) -> Iterator[ScenarioError]:
    """Proactive recovery is proposed by a validator whose party sends nothing else."""
    for path, fault in entries("faults", scenario.faults, ProactiveRecovery):
        if whole(fault) and not council_secretary(scenario, submissions(scenario, genesis, keys)):
            remedy = "add a validator, or let one's party send nothing in [[workload]]"
            yield ScenarioError(path, f"the party of every validator is busy; {remedy}")


def _desks(scenario: Scenario, genesis: Genesis, keys: Keys) -> Iterator[ScenarioError]:
    """What is handed in as it comes to light is sent by a party that sends nothing else."""
    desks = list(entries("workload", scenario.workload, EvidenceDesk))
    if desks:
        for path, party in busy_desks(desks, submissions(scenario, genesis, keys)):
            remedy = "name one that sends nothing else"
            yield ScenarioError(f"{path}.from", f'"{party}" is busy; {remedy}')


RULES: Final[tuple[Rule, ...]] = (
    _validators,
    _cities,
    _latency,
    _consensus,
    _times,
    genesis_problems,
    observer_problems,
    _fault_nodes,
    fault_problems,
    _workloads,
    expect_problems,
)
