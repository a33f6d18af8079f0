"""A scenario for a terminal: cast, coalitions, timeline and what is expected; a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from chainsim.coalitions import Coalition, Sitting, sittings, smallest, to_fork, to_halt
from chainsim.expectations import receipts_wanted
from chainsim.timeline_chart import timeline
from consensus.types import max_faulty, quorum_size
from scenarios.genesis import merged
from scenarios.schema import Expect, Scenario, Validator
from scenarios.units import show_duration

MOST_ALTERNATIVES: Final = 6
MOST_SEATS: Final = 30
"""Validators that are listed one by one; more are counted by role and city."""


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
        drawn = timeline(scenario, options.max_width - 2, plain=options.ascii_only)
        yield _section("Timeline", drawn)
        yield _section("Expected", _expected(scenario.expect))


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(body, (0, 0, 0, 2)))


def _cast(scenario: Scenario) -> RenderableType:
    crowd = len(scenario.validators) > MOST_SEATS
    nodes = (*(() if crowd else scenario.validators), *scenario.observers)
    named = any(node.name for node in nodes)
    columns = ["validator", *(["name"] if named else []), "role", "city"]
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, style="bold" if column == "validator" else "")
    for ids, role, city in _seats(scenario.validators) if crowd else ():
        table.add_row(ids, *([""] if named else []), role, city)
    for validator in () if crowd else scenario.validators:
        cells = [validator.name] if named else []
        table.add_row(validator.id, *cells, validator.role, validator.city)
    for observer in scenario.observers:
        role = f"{observer.role}, {'light ' if observer.light else ''}observer"
        table.add_row(observer.id, *([observer.name] if named else []), role, observer.city)
    parts: list[RenderableType] = [table]
    parties = _parties(scenario)
    if parties:
        parts.append(Text(f"clients: {parties}", style="dim"))
    return Group(*parts)


def _seats(validators: Iterable[Validator]) -> Iterator[tuple[str, str, str]]:
    """How many sit in each role and city, with the first and the last of them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for validator in validators:
        groups.setdefault((validator.role, validator.city), []).append(validator.id)
    for (role, city), ids in groups.items():
        yield f"{len(ids)}: {ids[0]} to {ids[-1]}" if len(ids) > 1 else ids[0], role, city


def _parties(scenario: Scenario) -> str:
    """Who can send transactions without being a validator, by role."""
    seats = {validator.id for validator in scenario.validators}
    spec = merged(scenario)
    roles: dict[str, list[str]] = {}
    for party in spec.parties:
        if party.id not in seats:
            roles.setdefault(party.role or "investor", []).append(party.id)
    words = [
        ids[0] if ids == [role] else f"{', '.join(ids)} ({role})" for role, ids in roles.items()
    ]
    words += [f"{crowd.count or 0:,} accounts {crowd.id}/…" for crowd in spec.crowds]
    return "; ".join(words)


def _coalitions(scenario: Scenario) -> RenderableType:
    return Group(*(part for sitting in sittings(scenario) for part in _sitting(sitting)))


def _sitting(sitting: Sitting) -> Iterator[RenderableType]:
    n = len(sitting.roles)
    facts = f"{n} validators, quorum {quorum_size(n)}, {max_faulty(n)} may be hostile"
    if sitting.change:
        facts = f"{sitting.change} (ordered at {show_duration(sitting.from_us)}): {facts}"
    yield Text(facts)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    halt, fork = to_halt(n), to_fork(n)
    table.add_row(f"halt: silence of {halt}", _alternatives(sitting.roles, halt))
    same = "the same" if fork == halt else _alternatives(sitting.roles, fork)
    table.add_row(f"fork: collusion of {fork}", same)
    yield Padding(table, (0, 0, 0, 2))


def _alternatives(roles: Sequence[str], needed: int) -> str:
    if len(set(roles)) == 1:
        return f"any {needed} of the {len(roles)}: all have the role {roles[0]}"
    coalitions = smallest(roles, needed)
    fewest = min((len(c.roles) for c in coalitions), default=0)
    shown = [_words(coalition) for coalition in coalitions if len(coalition.roles) == fewest]
    if len(shown) > MOST_ALTERNATIVES:
        shown = [*shown[:MOST_ALTERNATIVES], f"and {len(shown) - MOST_ALTERNATIVES} more"]
    return "; ".join(shown) if shown else "nobody"


def _words(coalition: Coalition) -> str:
    return f"{' + '.join(coalition.roles)} ({coalition.members})"


def _expected(expect: Expect) -> RenderableType:
    return Text("\n".join(_lines(expect)))


def _lines(expect: Expect) -> Iterable[str]:
    yield f"safety {expect.safety}"
    within = f", within {show_duration(expect.within)} of the last heal" if expect.within else ""
    yield f"liveness {expect.liveness}{within}"
    if expect.sometimes:
        yield f"sometimes {', '.join(expect.sometimes)}"
    for role in expect.halt_alone_never:
        yield f"{role} can't halt it alone"
    if expect.beside is not None:
        yield "shown beside the same run without its faults"
    if expect.min_height is not None:
        yield f"at least height {expect.min_height}"
    if expect.max_view_changes is not None:
        most = expect.max_view_changes
        yield f"at most {most} view change{'s' if most > 1 else ''}" if most else "no view change"
    if expect.finality_p99 is not None:
        yield f"finality p99 at most {show_duration(expect.finality_p99)}"
    if expect.culprits is not None:
        yield f"proven guilty: {', '.join(expect.culprits) or 'nobody'}"
    for row in expect.receipts:
        sender = f" of {row.sender}" if row.sender is not None else ""
        yield f"receipts {row.tx} {row.code}{sender}: {receipts_wanted(row)}"
    for balance in expect.balance:
        where = "" if balance.partition == "free" else f" ({balance.partition})"
        yield f"balance {balance.account}{where}: {balance.amount}"
    for metric in expect.metric:
        yield f"{metric.name} {metric.op} {metric.value}"
