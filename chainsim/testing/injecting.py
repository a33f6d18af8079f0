"""Faults by name: the tables of a scenario file, as calls.

There is one mechanism for faults, the scenario's; this only fills in when they begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from chainsim.testing.errors import WrongUse
from scenarios.convert import Converter
from scenarios.faults import Fault
from scenarios.faults.membership import LASTING
from scenarios.fitting import problems
from scenarios.loader import FAMILIES
from scenarios.schema import Scenario

if TYPE_CHECKING:
    from chainsim.testing.control import Cluster

BYZANTINE: Final = "byzantine"
_FAR_US: Final = 1 << 60


class Injected:
    """A fault that a test injected."""

    def __init__(self, cluster: Cluster, index: int) -> None:
        self._cluster: Final = cluster
        self.index: Final = index
        """Its number in the scenario, as in trace records."""

    def heal(self) -> None:
        """Ends it now; nothing happens if it is over already."""
        self._cluster.heal(self)


def read_fault(base: Scenario, kind: str, fields: Mapping[str, Any], now_us: int) -> Fault:
    """The fault of a table with ``kind`` and ``fields``; without a time it begins at ``now_us``.

    A trailing underscore is dropped (``from_``, ``for_``). Raises ``WrongUse`` for whatever the
    loader of scenarios would refuse, with its words.
    """
    table: dict[str, Any] = {"kind": kind}
    table |= {name.removesuffix("_"): _plain(value) for name, value in fields.items()}
    table = {name: value for name, value in table.items() if value not in (None, ())}
    if "at" not in table and "when" not in table:
        table["at"] = f"{now_us}us"
    converter = Converter(FAMILIES)
    fault = converter.struct(Fault, table, kind)
    if converter.errors:
        raise WrongUse("; ".join(str(error) for error in converter.errors))
    assert isinstance(fault, Fault)
    check_fault(base, fault, now_us)
    return fault


def check_fault(base: Scenario, fault: Fault, now_us: int) -> None:
    """Raises ``WrongUse`` for unknown nodes, for a fault that begins in the past, and for what
    can't come while a run goes on."""
    if kind_of(fault) in LASTING:
        raise WrongUse(
            f"{kind_of(fault)} changes the committee by transactions that are planned before the "
            "run: write it into a scenario"
        )
    alone = msgspec.structs.replace(base, faults=(fault,), workload=(), duration=_FAR_US)
    wrong = [str(error) for error in problems(alone) if error.path.startswith("faults")]
    if wrong:
        raise WrongUse("; ".join(wrong).replace("faults[0]", kind_of(fault)))
    begins_us = fault.begins_us()
    if begins_us is not None and begins_us < now_us:
        raise WrongUse(f"{kind_of(fault)} begins at {begins_us} us, and it is {now_us} us already")


def kind_of(fault: Fault) -> str:
    """What a scenario calls it."""
    return str(type(fault).__struct_config__.tag)


def ended(fault: Fault, now_us: int) -> Fault | None:
    """The fault as it is if it ends now; None if it doesn't go on, or can't end at will.

    Hostile hands stay hostile: healing is about the network and its machines.
    """
    begins_us = fault.begins_us()
    if kind_of(fault) == BYZANTINE or fault.ENDS_THEN or fault.every is not None:
        return None
    if begins_us is None or begins_us >= now_us:
        return None
    if fault.for_ is None and fault.length_us() is not None:
        return None  # it has an end of its own
    if fault.for_ is not None and begins_us + fault.for_ <= now_us:
        return None
    if fault.until is not None and fault.until <= now_us:
        return None
    return msgspec.structs.replace(fault, for_=None, until=now_us)


def _plain(value: Any) -> Any:
    """A value as a TOML file would give it."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value
