"""Claims of trusted issuers: who may make which, until when they count, and who takes them back."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from nodes.ledger.genesis import TrustedIssuers
from tests.unit.ledger.support import AUCTION_DAY, SETTLEMENT_DAY, Desk, key, money, with_policies

LATER = date(2021, 3, 5)


def newcomer(desk: Desk) -> None:
    """An investor of exchange-a, registered without a check of its identity."""
    fields = {"id": "omar", "role": "investor", "public_key": key("omar"), "verified": False}
    desk.ok("exchange-a", "PARTY_REGISTER", **fields)


def opens(desk: Desk, id_: str = "omar/main") -> str:
    return desk.do("exchange-a", "ACCOUNT_OPEN", id=id_, owner="omar").code


def test_a_claim_of_identity_verifies() -> None:
    desk = Desk()
    newcomer(desk)
    assert opens(desk) == "E_UNVERIFIED"
    desk.ok("exchange-a", "CLAIM_ADD", subject="omar", topic="accredited")
    assert opens(desk) == "E_UNVERIFIED", "another topic proves no identity"
    desk.ok("exchange-b", "CLAIM_ADD", subject="omar", topic="identity")
    assert opens(desk) == "OK"


def test_until_it_expires_or_is_revoked() -> None:
    desk = Desk()
    newcomer(desk)
    desk.open_day(AUCTION_DAY)
    expires = {"subject": "omar", "topic": "identity", "expires": SETTLEMENT_DAY}
    desk.ok("exchange-a", "CLAIM_ADD", **expires)
    desk.open_day(SETTLEMENT_DAY)
    assert opens(desk) == "OK", "the last day counts"
    desk.open_day(LATER)
    pay = {"source": "exchange-a/main", "target": "omar/main", "amount": money(1)}
    assert desk.do("exchange-a", "TRANSFER", **pay).code == "E_UNVERIFIED"
    assert desk.do("exchange-a", "CLAIM_ADD", **expires).code == "E_DATE"
    desk.ok("exchange-a", "CLAIM_ADD", subject="omar", topic="identity")
    desk.ok("dealer-1", "CLAIM_ADD", subject="omar", topic="identity")
    desk.ok("exchange-a", "CLAIM_REVOKE", subject="omar", topic="identity")
    assert desk.do("exchange-a", "TRANSFER", **pay).code == "OK", "dealer-1 still vouches"
    desk.ok("dealer-1", "CLAIM_REVOKE", subject="omar", topic="identity")
    assert desk.do("exchange-a", "TRANSFER", **pay).code == "E_UNVERIFIED"


def test_renewing_replaces_ones_own_claim() -> None:
    desk = Desk()
    for _ in range(3):
        desk.ok("exchange-a", "CLAIM_ADD", subject="ali", topic="accredited")
    desk.ok("dealer-1", "CLAIM_ADD", subject="ali", topic="accredited")
    claims = desk.ledger.get("claim", "ali", "accredited", "").claims
    assert [claim.issuer for claim in claims] == ["exchange-a", "dealer-1"]


@pytest.mark.parametrize(
    ("sender", "fields", "code"),
    [
        ("exchange-a", {}, "OK"),
        ("exchange-a", {"subject": "nobody"}, "E_UNVERIFIED"),
        ("exchange-a", {"topic": "a good sort"}, "E_TOPIC"),
        ("pvara", {"topic": "accredited"}, "E_TOPIC"),
        ("dealer-1", {"topic": "identity"}, "E_ISSUER"),
    ],
)
def test_trust_is_by_topic(sender: str, fields: dict[str, Any], code: str) -> None:
    topics = (
        TrustedIssuers(topic="identity", issuers=("pvara", "vasp")),
        TrustedIssuers(topic="accredited", issuers=("exchange-a",)),
    )
    desk = Desk(with_policies(claim_topics=topics))
    body = {"subject": "ali", "topic": "accredited"} | fields
    assert desk.do(sender, "CLAIM_ADD", **body).code == code


def test_only_ones_own_claims() -> None:
    desk = Desk()
    desk.ok("exchange-a", "CLAIM_ADD", subject="ali", topic="accredited")
    for who in ("exchange-b", "dealer-1", "pvara"):
        revoke = {"subject": "ali", "topic": "accredited"}
        assert desk.do(who, "CLAIM_REVOKE", **revoke).code == "E_ISSUER"
    desk.ok("exchange-a", "CLAIM_REVOKE", subject="ali", topic="accredited")
    assert desk.ledger.get("claim", "ali", "accredited", "") is None


def test_registering_somebody_as_verified_is_a_claim_too() -> None:
    desk = Desk()
    pay = {"source": "exchange-a/main", "target": "ali/main", "amount": money(1)}
    assert desk.do("exchange-b", "CLAIM_REVOKE", subject="ali", topic="identity").code == "E_ISSUER"
    desk.ok("exchange-a", "CLAIM_REVOKE", subject="ali", topic="identity")
    assert desk.do("exchange-a", "TRANSFER", **pay).code == "E_UNVERIFIED"
    again = desk.do("exchange-a", "CLAIM_REVOKE", subject="ali", topic="identity")
    assert again.code == "E_ISSUER", "once"
    desk.ok("pvara", "CLAIM_REVOKE", subject="dealer-2", topic="identity")
    back = pay | {"target": "dealer-2/main"}
    assert desk.do("exchange-a", "TRANSFER", **back).code == "E_UNVERIFIED"


def test_a_client_moves_to_another_custodian() -> None:
    """Its firm has lost the licence; the client signs, the new firm opens, the client transfers."""
    desk = Desk()
    for state in ("SUSPENDED", "REVOKED"):
        desk.ok("pvara", "LICENCE_SET", party="exchange-a", state=state)
    move = {"source": "ali/main", "target": "ali/new", "amount": money(500)}
    assert desk.do("ali", "TRANSFER", **move).code == "E_LICENCE"
    account = {"id": "ali/new", "owner": "ali"}
    assert desk.do("exchange-b", "ACCOUNT_OPEN", **account).code == "E_CUSTODY"
    assert desk.do("exchange-b", "ACCOUNT_OPEN", "sara", **account).code == "E_CUSTODY"
    receipt = desk.ok("exchange-b", "ACCOUNT_OPEN", "ali", **account)
    assert dict(receipt.data) == {"moved_from": "exchange-a"}
    assert desk.ok("ali", "TRANSFER", **move).postings
    back = {"source": "ali/new", "target": "ali/main", "amount": money(1)}
    assert desk.do("ali", "TRANSFER", **back).code == "E_LICENCE", "nothing flows back in"


def test_nobody_takes_over_a_firm() -> None:
    desk = Desk()
    account = {"id": "x", "owner": "dealer-1"}
    assert desk.do("exchange-b", "ACCOUNT_OPEN", "dealer-1", **account).code == "E_CUSTODY"
