"""The network that ``cluster(n)`` makes: small, quick, and narrow where protocols break."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from chainsim.testing.errors import WrongUse
from consensus.protocol import ConsensusProtocol, Environment
from scenarios.errors import ScenarioErrors
from scenarios.loader import load, load_text
from scenarios.schema import Scenario

ProtocolFactory = Callable[[Environment], ConsensusProtocol]

MOST_VALIDATORS: Final = 1000

BASE: Final = """
schema = 1
name = "cluster"
title = "A cluster of the test kit"
description = "Short time-outs and a narrow window: everything happens within seconds."
duration = "1h"

[consensus]
block_max_txs = 4
block_interval = "10ms"
checkpoint_interval = 4
window = 8
request_timeout = "500ms"
view_change_timeout = "500ms"
status_interval = "250ms"
signatures = "fast"

[network]
latency = { kind = "uniform", low = "1ms", high = "20ms" }

[disk]
fsync = "1ms"

[genesis]
include = "cash"
"""


def make_scenario(
    n: int,
    seed: int,
    scenario: str | Scenario | None,
    settings: Iterable[str],
    protocol: str | ProtocolFactory | None,
) -> Scenario:
    """The scenario that a cluster starts from. Raises ``WrongUse``."""
    changes = list(settings)
    if protocol is not None:
        changes.append(f'consensus.protocol="{protocol_name(protocol)}"')
    try:
        if isinstance(scenario, Scenario):
            if changes:
                raise WrongUse("a Scenario is taken as it is: give settings to its loader")
            return scenario
        if scenario is None:
            return load_text(_text(n), "cluster", changes, seed)
        if "\n" in scenario:
            return load_text(scenario, "scenario", changes, seed)
        return load(scenario, changes, seed)
    except ScenarioErrors as error:
        raise WrongUse(str(error)) from None


def _text(n: int) -> str:
    if not 1 <= n <= MOST_VALIDATORS:
        raise WrongUse(f"n goes from 1 to {MOST_VALIDATORS}, got {n}")
    return BASE + "".join(f'\n[[validators]]\nid = "r{index}"\n' for index in range(n))


def protocol_name(protocol: str | ProtocolFactory) -> str:
    """What a scenario calls a protocol: of one's own ``"package.module:Name"``.

    Raises ``WrongUse`` for what can't be imported by such a name, as a replay has to.
    """
    if isinstance(protocol, str):
        return protocol
    module: Any = getattr(protocol, "__module__", None)
    name: Any = getattr(protocol, "__qualname__", None)
    if not module or not name or not all(part.isidentifier() for part in name.split(".")):
        raise WrongUse(
            f"{protocol!r} can't be imported by name, so no replay could find it: define the "
            "protocol (or a function that makes it) at the top of a module"
        )
    return f"{module}:{name}"
