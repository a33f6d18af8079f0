"""The ledger measures of a page: read from the chain that a run left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from chainsim import run_folder
from scenarios.units import Amount, show_amount

ROWS = 300
"""Balances listed at most; the chain file has all."""


class LedgerMeasures(msgspec.Struct, frozen=True):
    """What the chain holds at the end."""

    receipts: tuple[tuple[str, str, int], ...]
    """(transaction type, code, how many), by type."""
    totals: tuple[tuple[str, str, int], ...]
    """(asset, sum of all balances, accounts that hold any)."""
    balances: tuple[tuple[str, str, str, str], ...]
    """(account, asset, partition, amount), at most ``ROWS``."""
    holdings: int
    """How many balances there are in all."""


EMPTY = LedgerMeasures((), (), (), 0)


def measures(folder: Path) -> LedgerMeasures | None:
    """Of the chain in a run's folder; None if there is none that can be read."""
    path = folder / run_folder.CHAIN
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(path)) as chain:
            receipts = chain.execute(
                "SELECT type, code, count(*) FROM receipts GROUP BY type, code ORDER BY type, code"
            ).fetchall()
            rows = chain.execute(
                "SELECT account, asset, partition, amount FROM balances"
                " ORDER BY account, asset, partition"
            ).fetchall()
    except sqlite3.Error:
        return None
    held: dict[str, tuple[int, set[str]]] = {}
    for account, asset, _, amount in rows:
        total, accounts = held.get(asset, (0, set()))
        held[asset] = total + amount, accounts | {account}
    return LedgerMeasures(
        receipts=tuple((type_ or "(not executed)", code, count) for type_, code, count in receipts),
        totals=tuple(
            (asset, readable(asset, total), len(accounts))
            for asset, (total, accounts) in sorted(held.items())
        ),
        balances=tuple(
            (account, asset, partition, readable(asset, amount))
            for account, asset, partition, amount in rows[:ROWS]
        ),
        holdings=len(rows),
    )


def readable(asset: str, minor: int) -> str:
    """``1,521,150,000.00`` of a currency; of anything else its smallest units: ``30,000``."""
    amount = show_amount(Amount(abs(minor), asset)).removesuffix(f" {asset}")
    whole, point, cents = amount.partition(".")
    return f"{'-' if minor < 0 else ''}{int(whole):,}{point}{cents}"
