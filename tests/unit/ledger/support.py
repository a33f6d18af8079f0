"""A small sovereign world for ledger tests: who is there, and how one sends transactions."""

from __future__ import annotations

import csv
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from consensus.crypto import FastScheme, Signer
from consensus.encoding import encode
from consensus.messages import Batch, CoSignature, Request
from nodes.ledger.execution import Ledger
from nodes.ledger.genesis import Genesis, OpeningBalance, Policies, Seat
from nodes.ledger.memo import Memo
from nodes.ledger.receipts import BlockOutcome, Receipt
from nodes.ledger.records import Account, FxFix, Party, Series
from nodes.ledger.transactions import AnyBody, Transaction, body_of

MILLION = 100_000_000
"""Paisa in a million rupees."""

AUCTION_DAY = date(2021, 3, 3)
SETTLEMENT_DAY = date(2021, 3, 4)
RECORD_DAY = date(2021, 8, 19)
COUPON_DAY = date(2021, 8, 20)
"""A Friday: coupon 2 of ``PIB`` is paid, to who held at Thursday's close."""
BIDS_CSV = Path(__file__).parents[3] / "scenarios" / "data" / "pib-51-3y-bids.csv"


def key(name: str) -> bytes:
    """A public key for ``name``; the ledger compares keys and verifies no signature."""
    return sha256(b"key of " + name.encode()).digest()


def party(id_: str, role: Any, **more: Any) -> Party:
    return Party(id=id_, role=role, public_key=key(id_), **more)


VOTES = FastScheme()
"""Signatures of the validators' votes, for evidence."""


def voter(number: int) -> Signer:
    """Signs as validator ``node-{number}`` of the first committee."""
    return VOTES.signer(b"vote %d" % number + bytes(26))


PIB = Series(
    id="pib-51-3y",
    instrument="pib",
    issue_date=date(2020, 8, 20),
    maturity_date=date(2023, 8, 20),
    denomination=10_000_000,
    issuer_account="mof/proceeds",
    coupon_e4=70_000,
)

BILL = Series(
    id="mtb-364",
    instrument="mtb",
    issue_date=date(2021, 1, 14),
    maturity_date=date(2022, 1, 13),
    denomination=500_000,
    issuer_account="mof/proceeds",
)

PARTIES = (
    party("mof", "mof"),
    party("sbp", "sbp"),
    party("pvara", "pvara"),
    party("secp", "secp"),
    party("exchange-a", "vasp", licence="LICENSED", goaml=True, incorporated=True),
    party("exchange-b", "vasp", licence="LICENSED", goaml=True, incorporated=True),
    party("exchange-n", "vasp"),
    party("dealer-1", "dealer"),
    party("dealer-2", "dealer"),
    party("vault", "vault"),
    party("ali", "investor", custodian="exchange-a"),
    party("sara", "investor", custodian="dealer-1"),
    *(party(f"node-{number}", "validator") for number in range(1, 7)),
)

HOUSES = ("sbp", "exchange-a", "exchange-b", "exchange-n", "dealer-1", "dealer-2", "vault")

GENESIS = Genesis(
    chain="test",
    validators=tuple(
        Seat(id=f"node-{number}", public_key=voter(number).public_key) for number in range(1, 6)
    ),
    parties=PARTIES,
    first_business_day=AUCTION_DAY,
    accounts=(
        Account(id="mof/proceeds", owner="mof"),
        *(Account(id=f"{id_}/main", owner=id_) for id_ in HOUSES),
        Account(id="ali/main", owner="ali", custodian="exchange-a"),
        Account(id="sara/main", owner="sara", custodian="dealer-1"),
    ),
    currencies=("PKR",),
    series=(PIB, BILL),
    balances=(
        *(
            OpeningBalance(account=f"{id_}/main", asset="PKR", amount=20_000 * MILLION)
            for id_ in HOUSES
        ),
        OpeningBalance(account="ali/main", asset="PKR", amount=1_000 * MILLION),
        OpeningBalance(account="sara/main", asset="PKR", amount=1_000 * MILLION),
        OpeningBalance(
            account="exchange-a/main", asset="pib-51-3y", amount=100 * MILLION, fx_rate_e4=1_600_000
        ),
        OpeningBalance(
            account="dealer-1/main", asset="pib-51-3y", amount=100 * MILLION, fx_rate_e4=1_600_000
        ),
    ),
    fx_fixes=(FxFix(date=date(2021, 3, 2), rate_e4=1_570_000),),
)


def with_policies(**policies: Any) -> Genesis:
    return replace(GENESIS, policies=Policies(**policies))


def with_party(id_: str, **changes: Any) -> Genesis:
    """The genesis with one party changed."""
    return replace(
        GENESIS,
        parties=tuple(replace(p, **changes) if p.id == id_ else p for p in GENESIS.parties),
    )


class Desk:
    """Sends transactions to one ledger, one block for each call of ``block``."""

    def __init__(self, genesis: Genesis = GENESIS, memo: Memo | None = None) -> None:
        self.ledger = Ledger(genesis, memo, VOTES.verifier())
        self.time_us = 0
        self.numbers: dict[str, int] = {}
        self.receipts: list[Receipt] = []
        self.system_receipts: list[Receipt] = []

    def request(
        self,
        sender: str,
        body: AnyBody | bytes,
        cosigners: tuple[str, ...] = (),
        *,
        number: int | None = None,
        expiry: int = 0,
        **changes: Any,
    ) -> Request:
        """A request of the next number of ``sender``; ``changes`` to the envelope's fields."""
        if number is None:
            number = self.numbers[sender] = self.numbers.get(sender, 0) + 1
        operation = body if isinstance(body, bytes) else encode(Transaction(body, expiry))
        current = self.ledger.get("party", sender)
        fields: dict[str, Any] = {
            "chain": self.ledger.genesis.hash,
            "epoch": 0,
            "sender": sender,
            "number": number,
            "operation": operation,
            "public_key": current.public_key if current else key(sender),
            "cosignatures": tuple(CoSignature(id_, key(id_), b"") for id_ in cosigners),
        }
        return Request(**(fields | changes))

    def block(self, *requests: Request, after_us: int = 1_000) -> BlockOutcome:
        """Execute one block, ``after_us`` later than the one before, and audit the result."""
        outcome = self.ledger.execute_block(
            self.ledger.height + 1, self.time_us, Batch(self.time_us + after_us, requests)
        )
        self.time_us = outcome.time_us
        self.receipts.extend(outcome.receipts)
        self.system_receipts.extend(outcome.system_receipts)
        assert self.ledger.audit() == []
        return outcome

    def send(self, sender: str, body: AnyBody | bytes, *cosigners: str, **more: Any) -> Receipt:
        """One transaction in a block of its own."""
        return self.block(self.request(sender, body, cosigners, **more)).receipts[0]

    def do(self, sender: str, type_name: str, *cosigners: str, **fields: Any) -> Receipt:
        """As ``send``, the body given by type and plain fields."""
        return self.send(sender, body_of(type_name, fields), *cosigners)

    def ok(self, sender: str, type_name: str, *cosigners: str, **fields: Any) -> Receipt:
        """As ``do``, and it must succeed."""
        receipt = self.do(sender, type_name, *cosigners, **fields)
        assert receipt.code == "OK", receipt
        return receipt

    def open_day(self, day: date = AUCTION_DAY) -> None:
        self.ok("sbp", "DAY_OPEN", date=day)

    def roots(self) -> tuple[bytes, bytes]:
        return self.ledger.state_root, self.ledger.reply_root


def money(amount: int, asset: str = "PKR") -> dict[str, Any]:
    return {"asset": asset, "amount": amount}


def csv_rows() -> list[dict[str, str]]:
    """The State Bank's own log."""
    with BIDS_CSV.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
