"""The chain of a run as an SQLite file: open it with any SQLite tool.

Digests are lower-case hex, amounts integer
minor units, times microseconds of virtual time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from nodes.block import Block
from nodes.ledger.receipts import Posting, Receipt

BalanceKey = tuple[str, str, str]
"""(account, asset, partition), as in ``nodes.ledger.receipts.Posting``."""

SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    height INTEGER PRIMARY KEY, hash TEXT NOT NULL, parent TEXT NOT NULL, time_us NOT NULL,
    epoch INTEGER NOT NULL, view INTEGER NOT NULL, transactions INTEGER NOT NULL,
    batch_digest TEXT NOT NULL, transactions_root TEXT NOT NULL, receipts_root TEXT NOT NULL,
    state_root TEXT NOT NULL, reply_root TEXT NOT NULL);
CREATE TABLE transactions (
    height INTEGER NOT NULL REFERENCES blocks, position INTEGER NOT NULL, digest TEXT NOT NULL,
    sender TEXT NOT NULL, number NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
    cosigners TEXT NOT NULL, PRIMARY KEY (height, position)) WITHOUT ROWID;
CREATE TABLE receipts (
    height INTEGER NOT NULL, position INTEGER NOT NULL, sender TEXT NOT NULL,
    number NOT NULL, type TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL,
    minted TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (height, position)) WITHOUT ROWID;
CREATE TABLE postings (
    height INTEGER NOT NULL, position INTEGER NOT NULL, account TEXT NOT NULL,
    asset TEXT NOT NULL, partition TEXT NOT NULL, delta INTEGER NOT NULL);
CREATE TABLE balances (
    account TEXT NOT NULL, asset TEXT NOT NULL, partition TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (account, asset, partition)) WITHOUT ROWID;
CREATE TABLE votes (
    height INTEGER NOT NULL REFERENCES blocks, view INTEGER NOT NULL, validator TEXT NOT NULL,
    digest TEXT NOT NULL, signature TEXT NOT NULL, PRIMARY KEY (height, validator)) WITHOUT ROWID;
CREATE INDEX receipts_by_code ON receipts (code);
CREATE INDEX postings_by_account ON postings (account, asset);
"""

_LARGEST: Final = 2**63 - 1


def write_chain(
    path: Path,
    blocks: Iterable[Block],
    opening: Mapping[BalanceKey, int],
    meta: Mapping[str, str],
) -> None:
    """Writes a new file. ``opening`` are the balances at genesis, to which postings are added."""
    balances = dict(opening)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
        with connection:
            _insert(connection, "meta", sorted(meta.items()))
            for block in blocks:
                _write_block(connection, block)
                for _, posting in _postings(block):
                    key = (posting.account, posting.asset, posting.partition)
                    balances[key] = balances.get(key, 0) + posting.delta
            rows = [(*key, amount) for key, amount in sorted(balances.items()) if amount]
            _insert(connection, "balances", rows)


def _write_block(connection: sqlite3.Connection, block: Block) -> None:
    header = block.header
    height = header.height
    row = (
        height,
        header.hash.hex(),
        header.parent.hex(),
        _integer(header.time_us),
        header.epoch,
        block.certificate.view,
        len(block.batch.requests),
        header.batch_digest.hex(),
        header.transactions_root.hex(),
        header.receipts_root.hex(),
        header.state_root.hex(),
        block.reply_root.hex(),
    )
    _insert(connection, "blocks", [row])
    _insert(connection, "transactions", _transaction_rows(block))
    _insert(connection, "receipts", _receipt_rows(block))
    postings = [
        (height, position, p.account, p.asset, p.partition, p.delta)
        for position, p in _postings(block)
    ]
    _insert(connection, "postings", postings)
    votes = {commit.sender: commit for commit in block.certificate.commits}
    rows = [
        (height, vote.view, sender, vote.digest.hex(), vote.signature.hex())
        for sender, vote in votes.items()
    ]
    _insert(connection, "votes", rows)


def _receipts(block: Block) -> tuple[Receipt, ...]:
    """Those of the requests, then what the ledger did by itself: as in the receipts root."""
    return block.receipts + block.system_receipts


def _postings(block: Block) -> Iterator[tuple[int, Posting]]:
    """With the position of the receipt that made each."""
    for position, receipt in enumerate(_receipts(block)):
        for posting in receipt.postings:
            yield position, posting


def _transaction_rows(block: Block) -> list[tuple[Any, ...]]:
    types = dict(enumerate(receipt.type for receipt in block.receipts))
    return [
        (
            block.header.height,
            position,
            request.digest.hex(),
            request.sender,
            _integer(request.number),
            types.get(position, ""),
            _readable(request.operation),
            ",".join(signature.party for signature in request.cosignatures),
        )
        for position, request in enumerate(block.batch.requests)
    ]


def _receipt_rows(block: Block) -> list[tuple[Any, ...]]:
    return [
        (
            block.header.height,
            position,
            receipt.client,
            _integer(receipt.number),
            receipt.type,
            receipt.code,
            receipt.detail,
            _json(receipt.minted),
            _json(dict(receipt.data)),
        )
        for position, receipt in enumerate(_receipts(block))
    ]


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    rows = list(rows)
    if rows:
        marks = ",".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _integer(value: int) -> int | str:
    """SQLite holds 64 bits; a hostile client may send more (those columns have no type)."""
    return value if -_LARGEST <= value <= _LARGEST else str(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _readable(operation: bytes) -> str:
    """The operation as JSON; as hex in quotes if it isn't MessagePack (a hostile client's)."""
    try:
        return _json(msgspec.msgpack.decode(operation))
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, ValueError, RecursionError):
        return _json(operation.hex())
