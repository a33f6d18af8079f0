"""Reads ``chain.sqlite`` of a run back, as far as exports need it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec


class Unreadable(Exception):
    """The file is missing or no chain; the message says so."""


class Entry(msgspec.Struct, frozen=True):
    """One receipt with the transaction that it is of, in the order of the chain."""

    height: int
    position: int
    sender: str
    number: int
    type: str
    code: str
    day: str
    """The business date in force when it took effect, ISO 8601; empty before the first."""
    body: dict[str, Any]
    """Of the transaction, as JSON has it; empty for the ledger's own acts."""
    minted: tuple[tuple[str, int], ...]
    postings: tuple[tuple[str, str, str, int], ...]
    """(account, asset, partition, change)"""


class Chain(msgspec.Struct, frozen=True):
    """A chain's receipts and where they lead."""

    entries: tuple[Entry, ...]
    balances: dict[tuple[str, str, str], int]
    """At the end, by (account, asset, partition)."""

    def opening(self) -> dict[tuple[str, str, str], int]:
        """Balances at genesis: those at the end less all that was posted."""
        found = dict(self.balances)
        for entry in self.entries:
            for account, asset, partition, delta in entry.postings:
                key = (account, asset, partition)
                found[key] = found.get(key, 0) - delta
        return {key: amount for key, amount in found.items() if amount}


def read_chain(path: Path) -> Chain:
    """Raises ``Unreadable``."""
    if not path.is_file():
        raise Unreadable(f"{path} is missing: the run was cut short or its file was removed")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return Chain(tuple(_entries(connection)), _balances(connection))
    except (sqlite3.Error, msgspec.MsgspecError, KeyError, TypeError) as error:
        raise Unreadable(f"{path} is no chain of a run: {error}") from None


def _balances(connection: sqlite3.Connection) -> dict[tuple[str, str, str], int]:
    rows = connection.execute("SELECT account, asset, partition, amount FROM balances")
    return {(account, asset, partition): amount for account, asset, partition, amount in rows}


def _entries(connection: sqlite3.Connection) -> Iterator[Entry]:
    postings: dict[tuple[int, int], list[tuple[str, str, str, int]]] = {}
    for height, position, *posting in connection.execute(
        "SELECT height, position, account, asset, partition, delta FROM postings ORDER BY rowid"
    ):
        postings.setdefault((height, position), []).append(tuple(posting))
    day = ""
    # What the ledger does by itself comes before a block's transactions, though listed after.
    rows = connection.execute(
        "SELECT r.height, r.position, r.sender, r.number, r.type, r.code, r.minted, t.body "
        "FROM receipts r LEFT JOIN transactions t USING (height, position) "
        "ORDER BY r.height, t.position IS NOT NULL, r.position"
    )
    for height, position, sender, number, type_name, code, minted, content in rows:
        body = _body(content)
        if (type_name, code) == ("DAY_OPEN", "OK"):
            day = body["date"]
        yield Entry(
            height=height,
            position=position,
            sender=sender,
            number=number,
            type=type_name,
            code=code,
            day=day,
            body=body,
            minted=tuple((asset, amount) for asset, amount in msgspec.json.decode(minted)),
            postings=tuple(postings.get((height, position), ())),
        )


def _body(content: str | None) -> dict[str, Any]:
    """A transaction's body; of an operation that is none, nothing."""
    if content is None:
        return {}
    plain = msgspec.json.decode(content)
    body = plain.get("body", {}) if isinstance(plain, dict) else {}
    return body if isinstance(body, dict) else {}
