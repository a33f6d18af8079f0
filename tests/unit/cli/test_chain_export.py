"""The SQLite file of a run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from chainsim.chain_export import write_chain
from consensus.messages import Batch, Commit, CommitCertificate, CoSignature, Request
from consensus.types import ZERO_DIGEST
from nodes.block import Block, Header
from nodes.ledger.receipts import Posting, Receipt

OPENING = {
    ("sbp/cash", "PKR", "free"): 500,
    ("sbp/cash", "PKR", "reserved"): 3,
    ("gone", "PKR", "free"): 7,
}


def block(height: int, operation: bytes, number: int = 1) -> Block:
    request = Request(b"chain", 0, "exchange-a", number, operation, b"key", b"sig")
    request = msgspec.structs.replace(request, cosignatures=(CoSignature("sbp", b"k", b"s"),))
    batch = Batch(1_000 * height, (request,))
    commits = tuple(Commit(b"chain", 0, id_, 3, height, batch.digest, b"s") for id_ in "abc")
    receipt = Receipt(
        height,
        0,
        "exchange-a",
        number,
        "TRANSFER",
        "OK",
        minted=(("PKR", 5),),
        postings=(
            Posting("sbp/cash", "PKR", "free", -100),
            Posting("exchange-a/cash", "PKR", "free", 100),
            Posting("gone", "PKR", "free", -7),
        ),
        data=(("price", "94.9435"),),
    )
    header = Header(height, ZERO_DIGEST, 1_000 * height, 0, batch.digest, b"t", b"r", b"s" * 32)
    certificate = CommitCertificate(0, 3, height, batch.digest, commits)
    released = Receipt(
        height,
        0,
        "",
        0,
        "DVP_EXPIRE",
        "OK",
        postings=(
            Posting("sbp/cash", "PKR", "reserved", -3),
            Posting("sbp/cash", "PKR", "free", 3),
        ),
    )
    return Block(
        header=header,
        batch=batch,
        receipts=(receipt,),
        system_receipts=(released,),
        reply_root=b"replies",
        certificate=certificate,
    )


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_every_table_tells_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    only = block(1, msgspec.msgpack.encode({"type": "TRANSFER", "amount": 5}))
    write_chain(path, [only], OPENING, {"scenario": "quick"})
    assert query(path, "SELECT * FROM meta") == [("scenario", "quick")]
    assert query(path, "SELECT height, hash, view, transactions FROM blocks") == [
        (1, only.header.hash.hex(), 3, 1)
    ]
    assert query(path, "SELECT sender, number, type, body, cosigners FROM transactions") == [
        ("exchange-a", 1, "TRANSFER", '{"type":"TRANSFER","amount":5}', "sbp")
    ]
    assert query(path, "SELECT position, type, minted, data FROM receipts") == [
        (0, "TRANSFER", '[["PKR",5]]', '{"price":"94.9435"}'),
        (1, "DVP_EXPIRE", "[]", "{}"),
    ]
    assert query(path, "SELECT count(*), sum(position) FROM postings") == [(5, 2)]
    assert query(path, "SELECT account, amount FROM balances") == [
        ("exchange-a/cash", 100),
        ("sbp/cash", 403),
    ]
    assert query(path, "SELECT validator, view FROM votes") == [("a", 3), ("b", 3), ("c", 3)]


def test_what_a_hostile_client_sends_is_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    write_chain(path, [block(1, b"\xc1\xff", number=2**64 - 1)], {}, {})
    (row,) = query(path, "SELECT number, body FROM transactions")
    assert row[1] == '"c1ff"'
    assert row[0] == str(2**64 - 1)
