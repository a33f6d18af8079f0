"""Parties, keys, accounts, licences, days, rates: who has which standing, and when."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from consensus.messages import CoSignature
from nodes.ledger.licensing import EDGES
from nodes.ledger.parties import valid_lei
from tests.unit.ledger.support import AUCTION_DAY, GENESIS, Desk, key, money, with_party

REAL_LEI = "506700GE1G29325QX363"
"""GLEIF's own."""


def test_lei_check_digits() -> None:
    lei = REAL_LEI
    assert valid_lei(lei)
    for index, digit in enumerate(lei):
        other = "1" if digit != "1" else "2"
        assert not valid_lei(lei[:index] + other + lei[index + 1 :])
    assert not valid_lei(lei.lower())
    assert not valid_lei(lei[:-1])


def register(**changes: Any) -> dict[str, Any]:
    return {"id": "new", "role": "dealer", "public_key": key("new")} | changes


@pytest.mark.parametrize(
    ("sender", "changes", "code"),
    [
        ("sbp", {}, "OK"),
        ("pvara", {"role": "vasp", "lei": REAL_LEI}, "OK"),
        ("pvara", {"lei": "506700GE1G29325QX364"}, "E_LEI"),
        ("pvara", {"role": "investor"}, "E_ROLE"),
        ("exchange-a", {"role": "investor"}, "OK"),
        ("dealer-1", {"role": "investor"}, "OK"),
        ("exchange-a", {}, "E_ROLE"),
        ("dealer-1", {"role": "sbp"}, "E_ROLE"),
        ("sbp", {"id": "mof"}, "E_DUP"),
        ("sbp", {"public_key": key("mof")}, "E_DUP"),
    ],
)
def test_register(sender: str, changes: dict[str, Any], code: str) -> None:
    desk = Desk()
    assert desk.do(sender, "PARTY_REGISTER", **register(**changes)).code == code
    if code == "OK":
        party = desk.ledger.get("party", "new")
        assert party.licence == "NONE"
        assert party.custodian == (sender if party.role == "investor" else "")
        assert desk.do("new", "FX_FIX", date=AUCTION_DAY, rate_e4=1).code == "E_ROLE"


def test_an_lei_names_one_party() -> None:
    desk = Desk()
    desk.ok("sbp", "PARTY_REGISTER", **register(lei=REAL_LEI))
    again = register(id="other", public_key=key("other"), lei=REAL_LEI)
    assert desk.do("sbp", "PARTY_REGISTER", **again).code == "E_DUP"
    desk = Desk(with_party("dealer-1", lei=REAL_LEI))
    assert desk.do("sbp", "PARTY_REGISTER", **register(lei=REAL_LEI)).code == "E_DUP"


def rotate(desk: Desk, sender: str, old: str, new: str, signed_by: str | None = None) -> str:
    body = {"new_public_key": key(new)}
    from nodes.ledger.transactions import body_of

    request = desk.request(
        sender,
        body_of("KEY_ROTATE", body),
        public_key=key(old),
        cosignatures=(CoSignature(sender, key(signed_by or new), b""),),
    )
    return desk.block(request).receipts[0].code


def test_key_rotation() -> None:
    desk = Desk()
    assert rotate(desk, "vault", "vault", "v2", signed_by="v3") == "E_SIG"
    assert rotate(desk, "vault", "vault", "mof") == "E_KEY", "in use by another"
    assert rotate(desk, "vault", "vault", "v2") == "OK"
    assert rotate(desk, "vault", "vault", "v3") == "E_SIG", "the old key is dead"
    assert rotate(desk, "vault", "v2", "vault") == "OK", "and free to be used again"


@pytest.mark.parametrize(
    ("sender", "owner", "code"),
    [
        ("exchange-a", "ali", "OK"),
        ("exchange-a", "exchange-a", "OK"),
        ("dealer-1", "sara", "OK"),
        ("exchange-b", "ali", "E_CUSTODY"),
        ("sbp", "mof", "E_CUSTODY"),
        ("exchange-a", "nobody", "E_UNVERIFIED"),
    ],
)
def test_open_account(sender: str, owner: str, code: str) -> None:
    desk = Desk()
    assert desk.do(sender, "ACCOUNT_OPEN", id="new/one", owner=owner).code == code
    if code == "OK":
        assert desk.do(sender, "ACCOUNT_OPEN", id="new/one", owner=owner).code == "E_DUP"
        account = desk.ledger.get("account", "new/one")
        assert account.custodian == ("" if sender == owner else sender)


def test_unverified_owners_get_no_account() -> None:
    desk = Desk(with_party("ali", verified=False))
    assert desk.do("exchange-a", "ACCOUNT_OPEN", id="x", owner="ali").code == "E_UNVERIFIED"


def test_onboarding_from_noc_to_licence() -> None:
    """The whole way, with each step refused as long as one before it is missing."""
    desk = Desk()

    def move(state: str) -> str:
        return desk.do("pvara", "LICENCE_SET", party="exchange-n", state=state).code

    assert desk.do("pvara", "GOAML_ATTEST", party="exchange-n").code == "E_NO_NOC"
    assert desk.do("secp", "SECP_INCORPORATE", party="exchange-n").code == "E_NO_NOC"
    assert move("NOC_GRANTED") == "OK"
    assert move("APPLIED") == "E_NO_REGULATION"
    desk.ok("mof", "REGULATIONS_COMMENCE", "pvara")
    assert desk.do("mof", "REGULATIONS_COMMENCE", "pvara").code == "E_DUP"
    assert move("APPLIED") == "E_NOT_INCORPORATED"
    desk.ok("secp", "SECP_INCORPORATE", party="exchange-n")
    assert move("APPLIED") == "E_EDGE", "not registered with goAML"
    desk.ok("pvara", "GOAML_ATTEST", party="exchange-n")
    assert move("LICENSED") == "E_EDGE"
    assert move("APPLIED") == "OK"
    pay = {"source": "exchange-n/main", "target": "exchange-a/main", "amount": money(1)}
    assert desk.do("exchange-n", "TRANSFER", **pay).code == "E_LICENCE"
    assert move("LICENSED") == "OK"
    assert desk.do("exchange-n", "TRANSFER", **pay).code == "OK"
    assert move("SUSPENDED") == "OK"
    assert desk.do("exchange-n", "TRANSFER", **pay).code == "E_LICENCE"


def test_only_the_edges_of_the_machine() -> None:
    """All pairs of states, against LEDGER.md's drawing."""
    drawn = {
        ("NONE", "NOC_GRANTED"),
        ("NOC_GRANTED", "APPLIED"),
        ("NOC_GRANTED", "LAPSED"),
        ("APPLIED", "LICENSED"),
        ("LICENSED", "SUSPENDED"),
        ("SUSPENDED", "LICENSED"),
        ("SUSPENDED", "REVOKED"),
    }
    for source in EDGES:
        for target in EDGES:
            genesis = with_party("exchange-n", licence=source, goaml=True, incorporated=True)
            desk = Desk(replace(genesis, regulations_commenced=True))
            code = desk.do("pvara", "LICENCE_SET", party="exchange-n", state=target).code
            assert code == ("OK" if (source, target) in drawn else "E_EDGE"), (source, target)


def test_licences_are_for_vasps() -> None:
    for party in ("dealer-1", "ali", "nobody"):
        receipt = Desk().do("pvara", "LICENCE_SET", party=party, state="NOC_GRANTED")
        assert receipt.code == "E_EDGE"


def test_days_follow_the_calendar() -> None:
    desk = Desk(replace(GENESIS, holidays=(date(2021, 3, 8),)))

    def open_day(day: int) -> str:
        return desk.do("sbp", "DAY_OPEN", date=date(2021, 3, day)).code

    assert open_day(4) == "E_DATE", "the first is genesis's"
    assert open_day(3) == "OK"
    assert open_day(3) == "E_DATE"
    assert [open_day(day) for day in (5, 4, 5, 6, 7, 8, 9)] == [
        "E_DATE", "OK", "OK", "E_DATE", "E_DATE", "E_DATE", "OK",
    ]  # fmt: skip


def test_fx_is_fixed_once_a_day_and_for_that_day() -> None:
    desk = Desk()

    def fix(day: int) -> str:
        return desk.do("sbp", "FX_FIX", date=date(2021, 3, day), rate_e4=1_570_000).code

    assert fix(3) == "E_DATE", "no day is open"
    desk.open_day()
    assert [fix(day) for day in (2, 4, 3, 3)] == ["E_LATE", "E_DATE", "OK", "E_DUP"]
