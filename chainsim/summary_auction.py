"""An auction's result as a table: our figures, the published ones beside them, and whether equal.

Amounts are in millions, as they are published. At 80 columns the bid's own data (who, price,
amount) give way to the comparison.
"""

from __future__ import annotations

from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from chainsim.run_summary import Auction, AuctionRow, Figure

WIDE: Final = 120
"""Columns from which the bid's own data have room."""

SHOWN: Final[dict[str, str]] = {
    "bid_yield_pct": "yield %",
    "wtd_avg_yield_pct": "w.avg %",
    "realised_pkr_m": "realised",
    "accrued_pkr_m": "accrued",
}
"""The figures that have a column here, and its heading; all of them are compared."""


def auction_table(auction: Auction, good: str, bad: str) -> AuctionView:
    """A renderable that fits itself to the width it is given."""
    return AuctionView(auction, good, bad)


class AuctionView:
    """One row for a bid, one line below for the comparison."""

    def __init__(self, auction: Auction, good: str, bad: str) -> None:
        self._auction = auction
        self._good = good
        self._bad = bad

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        auction = self._auction
        if auction.totals:
            yield Text(
                "in millions: "
                + ", ".join(f"{name} {value}" for name, value in auction.totals.items())
            )
        if auction.rows:
            yield self._table(wide=options.max_width >= WIDE)
        if auction.source and auction.compared:
            yield self._comparison()

    def _table(self, *, wide: bool) -> Table:
        names = [name for name in SHOWN if any(name in r.figures for r in self._auction.rows)]
        compared = self._auction.compared > 0
        table = Table(box=None, header_style="dim", pad_edge=False)
        table.padding = (0, 2 if wide else 1, 0, 0)
        for name in self._facts(wide=wide):
            table.add_column(name, justify="left" if name == "bidder" else "right")
        for name in names:
            table.add_column(SHOWN[name], justify="right")
            if compared:
                table.add_column("bank's", justify="right", style="dim")
        if compared:
            table.add_column("")
        for row in self._auction.rows:
            table.add_row(*self._cells(row, names, wide=wide))
        return table

    def _facts(self, *, wide: bool) -> tuple[str, ...]:
        """The columns before the figures: at 80 columns, what the bidder got."""
        everything = ("bid", "bidder", "price", "amount", "allotted")
        return everything if wide or not self._auction.compared else ("bid", "allotted")

    def _cells(self, row: AuctionRow, names: list[str], *, wide: bool) -> list[Text]:
        cells = [Text(getattr(row, fact)) for fact in self._facts(wide=wide)]
        figures = [row.figures.get(name, Figure(ours="")) for name in names]
        for figure in figures:
            differs = figure.equal is False
            cells.append(Text(figure.ours, style="bold red" if differs else ""))
            if self._auction.compared:
                cells.append(Text(f"{'not ' if differs else ''}{figure.published or ''}"))
        if self._auction.compared and any(figure.equal is not None for figure in figures):
            cells.append(self._mark(all(figure.equal is not False for figure in figures)))
        return cells

    def _mark(self, equal: bool) -> Text:
        return Text(self._good, style="green") if equal else Text(self._bad, style="bold red")

    def _comparison(self) -> Text:
        auction = self._auction
        if not auction.differing:
            words = (
                f"{self._good} equal: all {auction.compared} figures are those of {auction.source}"
            )
            return Text(words, style="green")
        words = (
            f"{self._bad} {auction.differing} of {auction.compared} figures differ from those of "
        )
        return Text(words + auction.source, style="bold red")
