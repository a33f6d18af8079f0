"""The table of planted bugs in words: cells that people read, on a terminal and on the pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from chainsim.explore.bug_table import BugTable, Cell, Row, Share, best_strategy, shares

HEADINGS: Final = ("#", "bug", "breaks", "found by")
RIGHT: Final = frozenset({"#", "size", "alone", "lost"})


def seeds_of(cell: Cell | None) -> str:
    """How many seeds it takes: the median, and of several sweeps the interval of the rate."""
    if cell is None:
        return ""
    if not cell.finds:
        return f"> {cell.runs:,}"
    words = f"{cell.median:,.0f}" if cell.median is not None else f"{cell.finds} of {cell.sweeps}"
    return words + (f" ({rate_of(cell)})" if cell.sweeps > 1 else "")


def rate_of(cell: Cell) -> str:
    """The Wilson interval as one find in so many seeds, from the most to the fewest."""
    low, high = cell.rate
    rarest = f"{1 / low:,.0f}" if low > 0 else "∞"
    return f"1 in {1 / high:,.0f} to {rarest}"


def size_of(row: Row) -> str:
    """Of the scenario that found it, before and after shrinking."""
    if row.sizes is None:
        return ""
    late = row.small is not None and not row.small.complete
    return f"{row.sizes[0]} → {row.sizes[1]}" + ("…" if late else "")


def found_by(row: Row) -> str:
    """Of each find the first property that it violates, or that there is none."""
    if not row.applicable:
        return "not applicable yet"
    return ", ".join(dict.fromkeys(h.check for h in row.hunts if h.check)) or "not found"


def remark(row: Row) -> str:
    """What there is to say besides."""
    return row.unseen if row.unseen and not row.found else row.note


def numbers(found: Sequence[int]) -> str:
    """Mutants by number, many of them as a count."""
    if len(found) > 8:
        return f"{len(found)}"
    return f"{len(found)}: {', '.join(map(str, found))}" if found else "none"


def verdict(table: BugTable) -> str:
    """How many were found, in a sentence."""
    applicable = table.applicable
    found = sum(row.found for row in applicable)
    words = f"{found} of {len(applicable)} found"
    later = len(table.mutants) - len(applicable)
    if later:
        words += f", {later} not applicable yet"
    missed = [str(row.number) for row in applicable if not row.found]
    return words + (f"; not {', '.join(missed)}" if missed and found else "")


def settings(table: BugTable) -> str:
    """What was swept."""
    sweeps = "1 sweep" if table.sweeps == 1 else f"{table.sweeps} independent sweeps"
    bases = " and ".join(dict.fromkeys(row.base for row in table.mutants))
    words = f"{bases}, {sweeps} of at most {table.seeds:,} seeds each"
    words += f" with {', '.join(table.strategies)}"
    return words + (f"; commit {', '.join(table.commits)}" if table.commits else "")


def render(table: BugTable) -> RenderableType:
    """For people: the table, and what each property is worth."""
    lines: list[RenderableType] = [_bugs(table), Text(verdict(table))]
    if len(table.strategies) > 1:
        lines.append(Text(f"best strategy: {best_strategy(table.mutants)}"))
    lines.append(Text(settings(table), style="dim"))
    found = shares(table.mutants)
    if found:
        lines += [Text(""), _shares(found, sum(row.found for row in table.mutants))]
    return Lines(*lines)


def _columns(names: Sequence[str], right: Sequence[str] = ()) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in names:
        table.add_column(name, justify="right" if name in RIGHT or name in right else "left")
    return table


def _bugs(found: BugTable) -> Table:
    strategies = [name for name in found.strategies if _tried(found, name)]
    table = _columns((*HEADINGS, *strategies, "size", ""), strategies)
    for row in found.mutants:
        cells = {cell.strategy: seeds_of(cell) for cell in row.cells}
        style = "green" if row.found else "bold red" if row.applicable else "dim"
        table.add_row(
            str(row.number),
            row.name,
            row.breaks,
            Text(found_by(row), style=style),
            *(cells.get(strategy, "") for strategy in strategies),
            size_of(row),
            Text(remark(row), style="dim"),
        )
    return table


def _tried(found: BugTable, strategy: str) -> bool:
    return any(cell.strategy == strategy for row in found.mutants for cell in row.cells)


def _shares(found: Sequence[Share], of: int) -> Table:
    table = _columns(("property", f"alone finds, of {of}", "without it survive"))
    for share in found:
        table.add_row(share.check, numbers(share.alone), numbers(share.lost))
    return table
