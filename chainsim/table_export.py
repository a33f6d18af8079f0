"""The tables of a run's ``chain.sqlite`` as CSV files, for spreadsheets and statistics."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from chainsim.exported_chain import Unreadable

TABLES: Final = ("blocks", "transactions", "receipts", "postings", "balances", "votes")


def write_tables(chain: Path, folder: Path) -> list[Path]:
    """One file per table, with a header. Raises ``Unreadable`` and ``OSError``."""
    if not chain.is_file():
        raise Unreadable(f"{chain} is missing: the run was cut short or its file was removed")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    try:
        with closing(sqlite3.connect(f"file:{chain}?mode=ro", uri=True)) as connection:
            for table in TABLES:
                rows = connection.execute(f"SELECT * FROM {table}")
                path = folder / f"{table}.csv"
                with path.open("w", encoding="utf-8", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow([column[0] for column in rows.description])
                    writer.writerows(rows)
                written.append(path)
    except sqlite3.Error as error:
        raise Unreadable(f"{chain} is no chain of a run: {error}") from None
    return written
