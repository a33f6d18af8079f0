"""An auction's result as a table: our figures, the published ones beside them, and whether equal.

Wide terminals get both columns; at 80 columns a figure that equals the published one is shown
once with its mark, and a differing one with the published figure after it.
"""

from __future__ import annotations

from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from chainsim.run_summary import Auction, AuctionRow, Figure

WIDE: Final = 120
"""Columns from which ours and theirs stand side by side."""

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
            yield Text(", ".join(f"{name} {value}" for name, value in auction.totals.items()))
        if auction.rows:
            yield self._table(wide=options.max_width >= WIDE)
        if auction.source and auction.compared:
            yield self._comparison()

    def _table(self, *, wide: bool) -> Table:
        names = [name for name in SHOWN if any(name in r.figures for r in self._auction.rows)]
        table = Table(
            box=None, header_style="dim", pad_edge=False, padding=(0, 2 if wide else 1, 0, 0)
        )
        for name in ("bid", "bidder", "price", "amount", "allotted"):
            table.add_column(name, justify="left" if name == "bidder" else "right")
        for name in names:
            table.add_column(SHOWN[name], justify="right")
            if wide:
                table.add_column("published", justify="right", style="dim")
        if not wide:
            table.columns[1].max_width = 10
            table.columns[1].no_wrap = True
        for row in self._auction.rows:
            table.add_row(*self._cells(row, names, wide=wide))
        return table

    def _cells(self, row: AuctionRow, names: list[str], *, wide: bool) -> list[Text]:
        cells = [Text(text) for text in (row.bid, row.bidder, row.price, row.amount, row.allotted)]
        for name in names:
            figure = row.figures.get(name, Figure(ours=""))
            cells.append(self._ours(figure, wide=wide))
            if wide:
                cells.append(Text(figure.published or ""))
        return cells

    def _ours(self, figure: Figure, *, wide: bool) -> Text:
        if figure.equal is None:
            return Text(figure.ours)
        if figure.equal:
            return Text(f"{figure.ours} {self._good}", style="green")
        against = "" if wide else f" not {figure.published}"
        return Text(f"{figure.ours} {self._bad}{against}", style="bold red")

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
