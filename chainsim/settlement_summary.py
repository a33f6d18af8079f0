"""What a chain settled, from its receipts: DvP instructions, and auctions beside published logs."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from chainsim.run_summary import Auction, AuctionRow, Figure, Settlement
from nodes.block import Block
from nodes.ledger.auction_report import AuctionReport, Row, auction_reports
from nodes.ledger.receipts import Receipt
from scenarios.data_files import data_text
from scenarios.schema import Scenario
from scenarios.workload.auction import Auction as AuctionWorkload

DVP_STEPS: Final[dict[str, str]] = {
    "DVP_PROPOSE": "proposed",
    "DVP_ACCEPT": "accepted",
    "DVP_SETTLE": "settled",
    "DVP_CANCEL": "cancelled",
    "DVP_EXPIRE": "expired",
}

COMPARED: Final = (
    "running_total_pkr_m",
    "realised_pkr_m",
    "cum_realised_pkr_m",
    "bid_yield_pct",
    "wtd_avg_yield_pct",
    "accrued_pkr_m",
    "cum_accrued_pkr_m",
    "realised_final_pkr_m",
    "cum_realised_final_pkr_m",
)
"""Columns that the ledger computes and the central bank publishes, under the log's names."""

MINOR_PER_MILLION: Final = 100_000_000


def settlement(scenario: Scenario, blocks: Iterable[Block]) -> Settlement:
    """What the blocks of a chain (in order of height) settled."""
    receipts = list(chain.from_iterable(map(_receipts, blocks)))
    steps = Counter(
        DVP_STEPS[receipt.type]
        for receipt in receipts
        if receipt.type in DVP_STEPS and receipt.code == "OK"
    )
    logs = {
        workload.id: workload.bids
        for workload in scenario.workload
        if isinstance(workload, AuctionWorkload)
    }
    return Settlement(
        dvp={step: steps[step] for step in DVP_STEPS.values() if steps[step]},
        auctions=tuple(
            _auction(report, logs.get(report.id, "")) for report in auction_reports(receipts)
        ),
    )


def _receipts(block: Block) -> Iterator[Receipt]:
    """In the order in which they happened."""
    yield from block.system_receipts
    yield from block.receipts


def _auction(report: AuctionReport, log: str) -> Auction:
    published = _published(log) if log else {}
    return Auction(
        series=report.series,
        title=f"{report.id}, settled {report.settlement_date}",
        state=report.status,
        source=f"the central bank's published log ({log})" if log else "",
        rows=tuple(_row(row, published.get(row.bid_no, {})) for row in report.rows),
        totals=_totals(report),
    )


def _published(log: str) -> dict[int, dict[str, str]]:
    """The rows of a shipped bid log by bid number."""
    rows = csv.DictReader(data_text(f"{log}-bids.csv").splitlines())
    return {int(row["bid_no"]): row for row in rows}


def _row(row: Row, published: dict[str, str]) -> AuctionRow:
    # Somebody else's bid may have the same reference: only the logged one has logged figures.
    same = published.get("bid_amount_pkr_m") == str(row.bid_amount_pkr_m) and published.get(
        "bid_price_per_100"
    ) == str(row.bid_price_per_100)
    return AuctionRow(
        bid=str(row.bid_no),
        bidder=row.dealer,
        price=str(row.bid_price_per_100),
        amount=str(row.bid_amount_pkr_m),
        allotted=millions(row.allotted),
        figures={
            name: Figure(
                ours=str(getattr(row, name)), published=published.get(name) if same else None
            )
            for name in COMPARED
        },
    )


def _totals(report: AuctionReport) -> dict[str, str]:
    """Amounts in millions, then the price."""
    totals = {"target": millions(report.target), "accepted": millions(report.accepted)}
    if report.unsold:
        totals["unsold"] = millions(report.unsold)
    if report.paid:
        totals["paid"] = millions(report.paid)
    if report.cutoff_e4:
        totals["cut-off price"] = f"{report.cutoff_e4 // 10_000}.{report.cutoff_e4 % 10_000:04d}"
    return totals


def millions(minor: int) -> str:
    """Minor units as millions with three decimals, rounded half up: ``1913.148``."""
    thousandths = (minor * 1000 + MINOR_PER_MILLION // 2) // MINOR_PER_MILLION
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"
