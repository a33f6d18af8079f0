"""What two or more recorded runs have in common, and where they differ.

Read from what the runs left (summary, scenario, trace); nothing is executed. What hangs on the
machine (wall time, folder) isn't compared. Two runs of one name are also compared milestone by
milestone, up to the first that differs: from there on everything may.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import msgspec

from chainsim import run_folder
from chainsim.quantities import seconds
from chainsim.replay import UNREADABLE, Difference
from chainsim.report.observed import read_summary
from chainsim.run_summary import RunSummary
from chainsim.trace import MessageMoved, Record, Violation, read_trace

ABSENT: Final = "(none)"
"""What a run doesn't have."""


class Row(msgspec.Struct, frozen=True):
    """One thing, as it is in each run."""

    section: str
    name: str
    values: tuple[str, ...]
    change: str = ""
    """Of two numbers: from the first to the second."""

    @property
    def equal(self) -> bool:
        """Whether all runs agree on it."""
        return len(frozenset(self.values)) == 1


class Parting(msgspec.Struct, frozen=True):
    """Where a run parts from the first one; ``difference`` is None if it never does."""

    run: str
    difference: Difference | None
    compared: int
    """Milestones that are equal before."""


class Comparison(msgspec.Struct, frozen=True):
    """All rows, equal ones included."""

    runs: tuple[str, ...]
    rows: tuple[Row, ...]
    partings: tuple[Parting, ...]

    @property
    def differing(self) -> tuple[Row, ...]:
        """Those in which the runs differ."""
        return tuple(row for row in self.rows if not row.equal)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differing and all(p.difference is None for p in self.partings)


def compare(folders: Sequence[Path]) -> Comparison:
    """Compares runs, in the order given. Raises ``NoSummary`` for one that left none."""
    summaries = [read_summary(folder) for folder in folders]
    rows = [row for rows_of in SECTIONS.values() for row in rows_of(summaries)]
    rows += _scenario(folders)
    return Comparison(_names(folders), tuple(rows), tuple(_partings(folders, summaries)))


def _names(folders: Sequence[Path]) -> tuple[str, ...]:
    """Folder names; paths where two folders have the same name."""
    names = [folder.resolve().name for folder in folders]
    return tuple(
        str(folder) if names.count(name) > 1 else name
        for name, folder in zip(names, folders, strict=True)
    )


def _row(section: str, name: str, values: Sequence[Any], show: Callable[[Any], str] = str) -> Row:
    shown = tuple(ABSENT if value is None else show(value) for value in values)
    return Row(section, name, shown, _change(values, show))


def _change(values: Sequence[Any], show: Callable[[Any], str]) -> str:
    if len(values) != 2 or values[0] == values[1]:
        return ""
    first, second = values
    if type(first) is not int or type(second) is not int:
        return ""
    by = second - first
    sign = "+" if by > 0 else "-"
    text = f"{sign}{show(abs(by))}"
    if first:
        tenths = (abs(by) * 2000 // abs(first) + 1) // 2
        text += f" ({sign}{tenths // 10}.{tenths % 10} %)"
    return text


def _count(value: int) -> str:
    return f"{value:,}"


def _identity(summaries: Sequence[RunSummary]) -> Iterator[Row]:
    for name in ("scenario", "seed", "version", "digest", "state_root", "ended", "exit_code"):
        yield _row("run", name.replace("_", " "), [str(getattr(s, name)) for s in summaries])


def _figures(summaries: Sequence[RunSummary]) -> Iterator[Row]:
    def counts(name: str, values: Sequence[int | None]) -> Row:
        return _row("figures", name, values, _count)

    def times(name: str, values: Sequence[int | None]) -> Row:
        return _row("figures", name, values, seconds)

    yield counts("height", [s.height for s in summaries])
    yield counts("view changes", [s.view_changes for s in summaries])
    yield times("simulated", [s.virtual_time_us for s in summaries])
    for name in ("p50", "p99", "max"):
        yield times(f"finality {name}", [getattr(s.finality_us, name) for s in summaries])
    for name in _keys(s.finality_stages_us for s in summaries):
        yield times(f"of which {name}", [s.finality_stages_us.get(name) for s in summaries])
    for name in ("submitted", "final", "failed"):
        yield counts(f"transactions {name}", [getattr(s.transactions, name) for s in summaries])
    for name in _keys(s.transactions.by_code for s in summaries):
        yield counts(f"code {name}", [s.transactions.by_code.get(name) for s in summaries])
    for name in ("sent", "delivered", "dropped"):
        yield counts(f"messages {name}", [getattr(s.messages, name) for s in summaries])
    for name in _keys(s.messages.by_type for s in summaries):
        yield counts(f"sent {name}", [s.messages.by_type.get(name) for s in summaries])


def _checks(summaries: Sequence[RunSummary]) -> Iterator[Row]:
    found = [
        {check.name: _verdict(check.ok, check.detail) for check in s.checks} for s in summaries
    ]
    for name in _keys(found):
        yield _row("checks", name, [checks.get(name) for checks in found])


def _expectations(summaries: Sequence[RunSummary]) -> Iterator[Row]:
    found = [
        {line.name: _verdict(line.ok, f"{line.wanted}, got {line.got}") for line in s.expectations}
        for s in summaries
    ]
    for name in _keys(found):
        yield _row("expectations", name, [lines.get(name) for lines in found])


def _verdict(ok: bool, detail: str) -> str:
    return f"{'holds' if ok else 'FAILS'}: {detail}"


def _misbehaviour(summaries: Sequence[RunSummary]) -> Iterator[Row]:
    found = [{f"{line.node}: {line.kind}": "proven" for line in s.misbehaviour} for s in summaries]
    for name in _keys(found):
        yield _row("misbehaviour", name, [proofs.get(name) for proofs in found])


def _validators(summaries: Sequence[RunSummary]) -> Iterator[Row]:
    found = [
        {
            node.id: f"height {node.height}, view {node.view}"
            + ("" if node.up else ", down")
            + ("" if node.active or not node.up else ", changing view")
            for node in s.nodes
        }
        for s in summaries
    ]
    for name in _keys(found):
        yield _row("validators", name, [nodes.get(name) for nodes in found])


def _settlement(summaries: Sequence[RunSummary]) -> Iterator[Row]:
    found = [dict(_flat(msgspec.to_builtins(s.settlement))) for s in summaries]
    for name in _keys(found):
        yield _row("settlement", name, [fields.get(name) for fields in found])


SECTIONS: Final[dict[str, Callable[[Sequence[RunSummary]], Iterator[Row]]]] = {
    "run": _identity,
    "figures": _figures,
    "checks": _checks,
    "expectations": _expectations,
    "misbehaviour": _misbehaviour,
    "validators": _validators,
    "settlement": _settlement,
}
"""Section -> its rows, in the order shown; the scenario comes last."""


def _scenario(folders: Sequence[Path]) -> Iterator[Row]:
    """Every value of the resolved scenarios, by its path."""
    found = []
    for folder in folders:
        try:
            text = (folder / run_folder.SCENARIO).read_text(encoding="utf-8")
            found.append(dict(_flat(tomllib.loads(text))))
        except (OSError, ValueError):
            found.append({})
    for name in _keys(found):
        yield _row("scenario", name, [values.get(name) for values in found])


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """``faults[0].at`` -> ``3s``; numbers as text, since they are named and not measured."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _flat(item, f"{path}[{number}]")
    elif value is not None:
        yield path, str(value)


def _keys(found: Any) -> list[str]:
    """All names, in the order of the runs that have them."""
    return list(dict.fromkeys(name for values in found for name in values))


def _partings(folders: Sequence[Path], summaries: Sequence[RunSummary]) -> Iterator[Parting]:
    first = folders[0] / run_folder.TRACE
    names = _names(folders)
    for folder, summary, name in zip(folders[1:], summaries[1:], names[1:], strict=True):
        second = folder / run_folder.TRACE
        if summary.scenario == summaries[0].scenario and first.exists() and second.exists():
            yield _parting(name, first, second)


def _parting(name: str, first: Path, second: Path) -> Parting:
    compared = 0
    for mine, other in zip_longest(_milestones(first), _milestones(second)):
        if mine != other:
            return Parting(name, Difference(compared, _text(mine), _text(other)), compared)
        compared += 1
    return Parting(name, None, compared)


def _milestones(trace: Path) -> Iterator[Record | str]:
    """The milestones; a damaged file ends with a text that says so."""
    try:
        for record in read_trace(trace):
            if not isinstance(record, MessageMoved | Violation):
                yield record
    except UNREADABLE as error:
        yield f"unreadable ({error})"


def _text(record: Record | str | None) -> str:
    if record is None or isinstance(record, str):
        return record or ""
    return msgspec.json.encode(record).decode()


def verdict(compared: Comparison) -> str:
    """The verdict, in one line."""
    if compared.equal:
        milestones = max((parting.compared for parting in compared.partings), default=0)
        recorded = f" and {milestones:,} milestones" if milestones else ""
        return f"equal: {len(compared.rows):,} values{recorded}"
    count = len(compared.differing)
    return f"{count:,} of {len(compared.rows):,} values differ"
