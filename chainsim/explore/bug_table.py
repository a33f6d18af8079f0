"""The table of planted bugs, from what the hunts recorded: plain values, no run needed.

Because each find keeps *all* properties that it violates, what is lost when one of them is
switched off follows from the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from chainsim.explore.hunt import Hunt, Small
from chainsim.explore.planting import BASE, Mutant
from chainsim.explore.statistics import median_seeds, wilson


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy and one mutant, over all sweeps."""

    strategy: str
    sweeps: int
    finds: int
    """Sweeps that found it."""
    runs: int
    """Seeds of all sweeps together."""
    median: float | None
    """Seeds needed; None: more than half of the sweeps found nothing."""
    rate: tuple[float, float]
    """Wilson interval (95 %) of the chance that a seed shows it."""
    checks: tuple[str, ...]
    """Violated by some find, in the order in which they were seen."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    number: int
    name: str
    breaks: str
    applicable: bool
    note: str = ""
    base: str = BASE
    """The scenario that exploring started from."""
    hunts: tuple[Hunt, ...] = ()
    cells: tuple[Cell, ...] = ()
    shrunk: str = ""
    """The smallest scenario that shows it, as TOML."""
    sizes: tuple[int, int] | None = None
    """Size of the scenario that found it, before and after shrinking."""
    small: Small | None = None
    """What is known of it besides its text."""
    unseen: str = ""
    """Why exploring doesn't find it, where that is known."""

    @property
    def found(self) -> bool:
        """By any strategy."""
        return any(hunt.seed is not None for hunt in self.hunts)

    @property
    def checks(self) -> tuple[str, ...]:
        """Violated by some find."""
        return tuple(dict.fromkeys(name for hunt in self.hunts for name in hunt.violated))

    @property
    def best(self) -> Cell | None:
        """The strategy with the lowest median, then with the highest rate."""
        return min((cell for cell in self.cells if cell.finds), key=_rank, default=None)


class BugTable(msgspec.Struct, frozen=True, kw_only=True):
    """All that a pass over planted bugs came to."""

    base: str = BASE
    """Of rows that name no other."""
    module: str
    version: str
    commits: tuple[str, ...]
    """Of the code that was swept; a name with ``+`` had changes that aren't committed."""
    strategies: tuple[str, ...]
    sweeps: int
    seeds: int
    """Of each sweep, at most."""
    mutants: tuple[Row, ...]

    @property
    def applicable(self) -> tuple[Row, ...]:
        """Rows that can be planted."""
        return tuple(row for row in self.mutants if row.applicable)

    def without(self, checks: frozenset[str]) -> BugTable:
        """As if these properties were switched off."""
        rows = tuple(_again(row, [h.without(checks) for h in row.hunts]) for row in self.mutants)
        return msgspec.structs.replace(self, mutants=rows)


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one property is worth."""

    check: str
    alone: tuple[int, ...]
    """Mutants that are found with this property and no other."""
    lost: tuple[int, ...]
    """Mutants that survive when it is switched off: no recorded find violates another."""


def row_of(mutant: Mutant, hunts: Sequence[Hunt], small: Small | None = None) -> Row:
    """The line of the table."""
    return Row(
        number=mutant.number,
        name=mutant.name,
        breaks=mutant.breaks,
        applicable=mutant.apply is not None,
        note=mutant.note,
        base=mutant.base,
        unseen=mutant.unseen,
        hunts=tuple(hunts),
        cells=cells(hunts),
        shrunk=small.toml if small is not None else "",
        sizes=small.sizes if small is not None else None,
        small=None if small is None else msgspec.structs.replace(small, toml=""),
    )


def _again(row: Row, hunts: Sequence[Hunt]) -> Row:
    return msgspec.structs.replace(row, hunts=tuple(hunts), cells=cells(hunts))


def cells(hunts: Iterable[Hunt]) -> tuple[Cell, ...]:
    """One for each strategy, in the order in which they were tried."""
    by_strategy: dict[str, list[Hunt]] = {}
    for hunt in hunts:
        if not hunt.interrupted:
            by_strategy.setdefault(hunt.strategy, []).append(hunt)
    return tuple(_cell(strategy, found) for strategy, found in by_strategy.items())


def _cell(strategy: str, hunts: list[Hunt]) -> Cell:
    finds = sum(hunt.seed is not None for hunt in hunts)
    runs = sum(hunt.runs for hunt in hunts)
    low, high = wilson(finds, runs)
    return Cell(
        strategy=strategy,
        sweeps=len(hunts),
        finds=finds,
        runs=runs,
        median=median_seeds([hunt.runs if hunt.seed is not None else None for hunt in hunts]),
        rate=(round(low, 7), round(high, 7)),
        checks=tuple(dict.fromkeys(name for hunt in hunts for name in hunt.violated)),
    )


def _rank(cell: Cell) -> tuple[bool, float, float]:
    return cell.median is None, cell.median or 0.0, -cell.rate[0]


def shares(rows: Iterable[Row]) -> tuple[Share, ...]:
    """What each property finds alone and what is lost without it, the most telling first."""
    found = [row for row in rows if row.found]
    names = dict.fromkeys(name for row in found for name in row.checks)
    made = [
        Share(
            check=name,
            alone=tuple(row.number for row in found if name in row.checks),
            lost=tuple(
                row.number
                for row in found
                if all(hunt.violated in ((), (name,)) for hunt in row.hunts)
            ),
        )
        for name in names
    ]
    return tuple(sorted(made, key=lambda share: (-len(share.alone), share.check)))


def best_strategy(rows: Iterable[Row]) -> str:
    """That finds the most mutants, then with the lowest median of its medians; empty of none."""
    medians: dict[str, list[float | None]] = {}
    for row in rows:
        for cell in row.cells:
            medians.setdefault(cell.strategy, []).append(cell.median)

    def rank(name: str) -> tuple[int, float, str]:
        needed = [None if seeds is None else int(seeds) for seeds in medians[name]]
        middle = median_seeds(needed)
        found = sum(seeds is not None for seeds in medians[name])
        return -found, float("inf") if middle is None else middle, name

    return min(medians, key=rank, default="")


def encoded(table: BugTable) -> bytes:
    """For a file that is kept: one line for each hunt, without words that a rerun would give."""
    rows = []
    for row in table.mutants:
        hunts = tuple(
            msgspec.structs.replace(h, detail="", faults=(), scenario="") for h in row.hunts
        )
        rows.append(msgspec.structs.replace(row, hunts=hunts))
    whole = msgspec.json.encode(msgspec.structs.replace(table, mutants=tuple(rows)))
    return msgspec.json.format(whole, indent=1) + b"\n"
