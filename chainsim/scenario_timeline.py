"""What a scenario has planned over virtual time: lanes of load and of faults, for one to draw.

A fault that something sets off has no time: it is told, not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from scenarios.faults import Fault, NodeFault, When
from scenarios.faults.base import LineFault
from scenarios.faults.partition import Partition
from scenarios.faults.primitives import NewKey, RecoverNext, Rot
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.schema import Scenario
from scenarios.units import show_duration
from scenarios.workload.context import Context
from scenarios.write import to_document

MOMENTS: Final = (NewKey, RecoverNext, Rot)
"""Primitives that act once, when their fault begins."""

_TIMES: Final = frozenset({"kind", "at", "for", "until", "every", "when"})
_WHOM: Final[dict[type[Fault], frozenset[str]]] = {
    NodeFault: frozenset({"node", "nodes"}),
    LineFault: frozenset({"from", "to"}),
    Partition: frozenset({"groups", "asymmetric"}),
}
"""Fields that say whom a fault hits."""
_STEPS_US: Final = tuple(
    mantissa * 10**exponent for exponent in range(3, 13) for mantissa in (1, 2, 5)
)


class Load(msgspec.Struct, frozen=True):
    """One workload: when each of its transactions is submitted, in microseconds."""

    label: str
    times_us: tuple[int, ...]
    note: str


class Window(msgspec.Struct, frozen=True):
    """When a fault acts, in microseconds; ``until_us`` None: it never ends."""

    from_us: int
    until_us: int | None

    @property
    def is_moment(self) -> bool:
        """It has no length."""
        return self.until_us == self.from_us


class Planned(msgspec.Struct, frozen=True):
    """One fault: whom it hits and how; ``windows`` is empty if something sets it off."""

    label: str
    windows: tuple[Window, ...]
    note: str
    hostile: bool = False
    trigger: str = ""
    """What sets it off, in words."""


def loads(scenario: Scenario) -> Iterator[Load]:
    """A line for each workload that submits anything."""
    keys = Keys(scenario.seed, "fast")
    genesis = make_genesis(scenario, keys)
    for index, workload in enumerate(scenario.workload):
        context = Context(
            genesis=genesis,
            keys=keys,
            seed=scenario.seed,
            duration_us=scenario.duration,
            day_us=scenario.calendar.day,
            index=index,
        )
        times = tuple(submission.at_us for submission in workload.submissions(context))
        if times:
            count = f"{len(times):,} transaction{'s' if len(times) != 1 else ''}"
            yield Load(_kind(workload), times, count)


def planned(scenario: Scenario) -> Iterator[Planned]:
    """A line for each fault, in the order of the file."""
    for fault in scenario.faults:
        yield Planned(
            label=_kind(fault),
            windows=tuple(windows(fault, scenario.duration)) if fault.when is None else (),
            note=_note(fault),
            hostile=fault.makes_hostile(),
            trigger="" if fault.when is None else _trigger(fault, fault.when),
        )


def windows(fault: Fault, duration_us: int) -> Iterator[Window]:
    """When a fault acts that begins at a time."""
    begins_us = fault.begins_us() or 0
    if fault.ENDS_THEN:
        yield Window(begins_us, fault.at)
        return
    if all(isinstance(primitive, MOMENTS) for primitive in fault.primitives()):
        length_us: int | None = 0
    else:
        length_us = fault.length_us()
    if fault.every is not None:
        stop_us = duration_us if fault.until is None else min(fault.until, duration_us)
        for from_us in range(begins_us, stop_us, fault.every):
            yield Window(from_us, from_us + (length_us or 0))
    elif length_us is None:
        yield Window(begins_us, fault.until)
    else:
        yield Window(begins_us, begins_us + length_us)


def horizon_us(loads_: Iterable[Load], faults: Iterable[Planned], duration_us: int) -> int:
    """Where a drawing ends: a little after the last beginning or end, and by the duration."""
    last = [load.times_us[-1] for load in loads_]
    for fault in faults:
        for window in fault.windows:
            last += [window.from_us, window.until_us or 0]
    latest_us = max(last, default=0)
    return min(duration_us, max(latest_us + latest_us // 8, 1))


def tick_us(horizon: int, most: int) -> int:
    """A round distance of which at most ``most`` fit into ``horizon`` microseconds."""
    return next((step for step in _STEPS_US if horizon // step <= most), horizon)


def _kind(struct: msgspec.Struct) -> str:
    return str(struct.__struct_config__.tag)


def _note(fault: Fault) -> str:
    parts = [_whom(fault), *_details(fault)]
    if fault.every is not None:
        parts.append(f"every {show_duration(fault.every)}")
    return ", ".join(part for part in parts if part)


def _whom(fault: Fault) -> str:
    if isinstance(fault, Partition):
        # The smallest first: what is cut off still shows where the line is too long.
        between = " -> " if fault.asymmetric else " | "
        groups = fault.groups if fault.asymmetric else sorted(fault.groups, key=len)
        return between.join(" ".join(group) for group in groups)
    if isinstance(fault, LineFault):
        sources, targets = (" ".join(_several(ends)) for ends in (fault.from_, fault.to))
        return f"{sources or 'others'} -> {targets or 'others'}" if sources or targets else ""
    return " ".join(fault.selectors()) if isinstance(fault, NodeFault) else ""


def _several(ends: str | Sequence[str]) -> Sequence[str]:
    return (ends,) if isinstance(ends, str) else ends


def _details(fault: Fault) -> Iterator[str]:
    """What the file says of it beside whom and when; what is left at its default isn't told."""
    defaults: dict[str, Any] = {
        field.encode_name: field.default for field in msgspec.structs.fields(type(fault))
    }
    document = to_document(fault)
    whom = next((names for base, names in _WHOM.items() if isinstance(fault, base)), frozenset())
    for field in msgspec.structs.fields(type(fault)):
        name = field.encode_name
        if name in _TIMES | whom or name not in document:
            continue
        if getattr(fault, field.name) == defaults[name]:
            continue
        value = document[name]
        if value is True:
            yield name
        elif isinstance(value, list):
            yield f"{name} {' '.join(map(_plain, value))}"
        else:
            yield value if name == "behaviour" else f"{name} {value}"


def _plain(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def _trigger(fault: Fault, when: When) -> str:
    words = [when.event.replace("-", " ")]
    if when.event == "height" and when.sequence is not None:
        words = [f"height {when.sequence}"]
    words.append(f"at {when.node}" if when.node else "at any node")
    if when.view is not None:
        words.append(f"in view {when.view}")
    if when.sequence is not None and when.event != "height":
        words.append(f"of slot {when.sequence}")
    if when.count > 1:
        words.append(f"for the {when.count}. time")
    return f"{'until' if fault.ENDS_THEN else 'when'} {' '.join(words)}{_lasting(fault)}"


def _lasting(fault: Fault) -> str:
    if fault.ENDS_THEN:
        return ""
    length_us = fault.length_us()
    if length_us is not None:
        return f", for {show_duration(length_us)}"
    return "" if fault.until is None else f", until {show_duration(fault.until)}"
