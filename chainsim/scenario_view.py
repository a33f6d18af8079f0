"""A scenario for a terminal: cast, coalitions and timeline; a pure function of the scenario."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chainsim.coalitions import Coalition, smallest, to_fork, to_halt
from consensus.types import max_faulty, quorum_size
from scenarios.faults import Fault
from scenarios.faults.partition import Partition
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.schema import Expect, Scenario
from scenarios.units import show_duration
from scenarios.workload.context import Context

NARROWEST_CHART: Final = 20
MOST_ALTERNATIVES: Final = 6


class Span(msgspec.Struct, frozen=True):
    """One line of the timeline; times in microseconds. ``until_us`` None: to the end."""

    label: str
    from_us: int
    until_us: int | None
    note: str = ""


class ScenarioView:
    """Renders one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        scenario = self._scenario
        title = Text(scenario.name, style="bold")
        if scenario.title:
            title.append(f": {scenario.title}", style="not bold")
        yield title
        if scenario.description:
            # Files break lines where it suits them; paragraphs are ours to fill.
            for paragraph in scenario.description.split("\n\n"):
                yield Padding(Text(" ".join(paragraph.split())), (0, 0, 0, 2))
        if scenario.tags:
            yield Text(f"  tags: {', '.join(scenario.tags)}", style="dim")
        yield _section("Cast", _cast(scenario))
        yield _section("Who can halt or fork it", _coalitions(scenario))
        yield _section("Timeline", _timeline(scenario, options.max_width - 4, options.ascii_only))
        yield _section("Expected", _expected(scenario.expect))


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(body, (0, 0, 0, 2)))


def _cast(scenario: Scenario) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("validator", "name", "role", "city"):
        table.add_column(column, style="bold" if column == "validator" else "")
    for validator in scenario.validators:
        table.add_row(validator.id, validator.name, validator.role, validator.city)
    return table


def _coalitions(scenario: Scenario) -> RenderableType:
    roles = [validator.role for validator in scenario.validators]
    n = len(roles)
    facts = f"{n} validators, quorum {quorum_size(n)}, {max_faulty(n)} may be hostile"
    table = Table(box=None, show_header=False, pad_edge=False)
    for what, needed in (("halt: silence of", to_halt(n)), ("fork: collusion of", to_fork(n))):
        table.add_row(f"{what} {needed}", _alternatives(smallest(roles, needed)))
    return Group(Text(facts), table)


def _alternatives(coalitions: tuple[Coalition, ...]) -> str:
    fewest = min((len(c.roles) for c in coalitions), default=0)
    shown = [
        f"{' + '.join(coalition.roles)} ({coalition.members})"
        for coalition in coalitions
        if len(coalition.roles) == fewest
    ]
    if len(shown) > MOST_ALTERNATIVES:
        shown = [*shown[:MOST_ALTERNATIVES], f"and {len(shown) - MOST_ALTERNATIVES} more"]
    return "; ".join(shown) if shown else "nobody"


def spans(scenario: Scenario) -> Iterator[Span]:
    """The lines of the timeline: workloads by their submissions, faults by their windows."""
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
        times = [submission.at_us for submission in workload.submissions(context)]
        if times:
            kind = str(workload.__struct_config__.tag)
            count = f"{len(times):,} transaction{'s' if len(times) != 1 else ''}"
            yield Span(kind, times[0], times[-1], count)
    for fault in scenario.faults:
        yield _fault_span(fault)


def _fault_span(fault: Fault) -> Span:
    kind = str(fault.__struct_config__.tag)
    groups = fault.groups if isinstance(fault, Partition) else (fault.selectors(),)
    # The smallest first: what is cut off still shows where the line is too long.
    note = " | ".join(", ".join(group) for group in sorted(groups, key=len))
    if fault.when is not None:
        return Span(kind, 0, None, f"{note} when {fault.when.event}")
    start = fault.at or 0
    if fault.every is not None:
        note += f", every {show_duration(fault.every)}"
        return Span(kind, start, fault.until, note)
    length_us = fault.length_us()
    return Span(kind, start, fault.until if length_us is None else start + length_us, note)


def _timeline(scenario: Scenario, width: int, plain: bool) -> RenderableType:
    lines = list(spans(scenario))
    if not lines:
        return Text("nothing happens", style="dim")
    left = max(len(line.label) for line in lines)
    right = min(max(len(line.note) for line in lines), max(width // 3, 12))
    chart = max(NARROWEST_CHART, width - left - right - 4)
    ends = show_duration(scenario.duration)
    axis = Text(" " * (left + 2) + "0s" + ends.rjust(chart - 2), style="dim")
    drawn = [_bar(line, scenario.duration, left, chart, plain) for line in lines]
    return Group(axis, *drawn)


def _bar(line: Span, duration_us: int, left: int, chart: int, plain: bool) -> Text:
    full, empty = ("#", ".") if plain else ("█", "·")
    until_us = duration_us if line.until_us is None else min(line.until_us, duration_us)
    first = min(line.from_us * chart // duration_us, chart - 1)
    last = max(first, min((until_us * chart - 1) // duration_us, chart - 1))
    text = Text(f"{line.label:<{left}}  ", no_wrap=True, overflow="ellipsis")
    text.append(empty * first, style="dim")
    text.append(full * (last - first + 1), style="cyan")
    text.append(empty * (chart - 1 - last), style="dim")
    return text.append(f"  {line.note}")


def _expected(expect: Expect) -> RenderableType:
    liveness = f"liveness {expect.liveness}"
    if expect.within is not None:
        liveness += f", within {show_duration(expect.within)} of the last heal"
    lines: Iterable[str] = [
        f"safety {expect.safety}",
        liveness,
        *([f"sometimes {', '.join(expect.sometimes)}"] if expect.sometimes else []),
        *(f"{role} can't halt it alone" for role in expect.halt_alone_never),
    ]
    if expect.min_height is not None:
        lines = [*lines, f"at least height {expect.min_height}"]
    if expect.max_view_changes is not None:
        lines = [*lines, f"at most {expect.max_view_changes} view changes"]
    if expect.finality_p99 is not None:
        lines = [*lines, f"finality p99 at most {show_duration(expect.finality_p99)}"]
    if expect.culprits is not None:
        lines = [*lines, f"proven guilty: {', '.join(expect.culprits) or 'nobody'}"]
    single = len(expect.receipts) + len(expect.balance) + len(expect.metric)
    if single:
        lines = [*lines, f"{single} receipts, balances and metrics"]
    return Text("\n".join(lines))
