"""Generated from roles.csv: for every type, the wrong sender, licence or moment is refused.

The expectations are read here from the specification itself, not through the ledger's reader.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import replace

import nodes.ledger
from nodes.ledger.execution import HANDLERS
from nodes.ledger.records import Licence, Role
from nodes.ledger.transactions import BODIES
from tests.unit.ledger.samples import ALL, Sample
from tests.unit.ledger.support import GENESIS, Desk, party

ROOT = Path(__file__).parents[3]
SPECIFICATION = Path(nodes.ledger.__file__).with_name("roles.csv")

with SPECIFICATION.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))

SENDERS: dict[str, str] = {
    "mof": "mof",
    "sbp": "sbp",
    "pvara": "pvara",
    "secp": "secp",
    "vasp": "exchange-b",
    "dealer": "dealer-2",
    "vault": "vault",
    "investor": "sara",
    "validator": "node-1",
}
ROLES: tuple[str, ...] = get_args(Role)
LICENCES: tuple[str, ...] = get_args(Licence)


def rows_of(type_name: str) -> list[dict[str, str]]:
    return [row for row in ROWS if row["transaction"] == type_name]


def row_of(type_name: str, role: str) -> dict[str, str] | None:
    for row in rows_of(type_name):
        if role in row["initiator"].split("|") or row["initiator"] == "any":
            return row
    return None


def role_of(desk: Desk, party: str) -> str:
    return str(desk.ledger.get("party", party).role)


def set_licence(desk: Desk, party: str, licence: str) -> None:
    """Put a party in a licence state without walking there."""
    changed: Any = replace(desk.ledger.get("party", party), licence=licence)
    state = desk.ledger._state
    state.adopt({("party", party): changed}, state.rehashed({("party", party): changed}))


def test_the_specification_is_shipped_unchanged() -> None:
    copy = ROOT / "scenarios" / "data" / "roles.csv"
    assert copy.read_bytes() == SPECIFICATION.read_bytes()


def test_every_type_has_body_row_and_handler() -> None:
    assert BODIES.keys() == HANDLERS.keys()
    assert BODIES.keys() == {row["transaction"] for row in ROWS}, "no more, no less"


@pytest.mark.parametrize(("type_name", "make"), ALL)
def test_the_right_one_may(type_name: str, make: Callable[[Desk], Sample]) -> None:
    """The control for all tests below: unchanged, the sample succeeds."""
    desk = Desk()
    sender, body, cosigners = make(desk)
    before = desk.ledger.state_root
    receipt = desk.send(sender, body, *cosigners, **envelope(type_name, body, cosigners))
    assert (receipt.type, receipt.code) == (type_name, "OK"), receipt
    assert desk.ledger.state_root != before


def envelope(type_name: str, body: Any, cosigners: tuple[str, ...]) -> dict[str, Any]:
    """KEY_ROTATE is co-signed by the new key."""
    if type_name != "KEY_ROTATE" or not cosigners:
        return {}
    from consensus.messages import CoSignature

    return {"cosignatures": (CoSignature(cosigners[0], body.new_public_key, b""),)}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("type_name", "make"), ALL)
def test_the_wrong_role_may_not(type_name: str, make: Callable[[Desk], Sample], role: str) -> None:
    if row_of(type_name, role) is not None:
        return  # may: another party of that role fails, if at all, for a reason of its own
    desk = Desk()
    _, body, cosigners = make(desk)
    before = desk.ledger.state_root
    receipt = desk.send(SENDERS[role], body, *(c for c in cosigners if c != SENDERS[role]))
    assert receipt.code == "E_ROLE", receipt
    assert not receipt.postings
    assert not receipt.minted
    assert desk.ledger.state_root == before


@pytest.mark.parametrize(("type_name", "make"), ALL)
def test_while_paused(type_name: str, make: Callable[[Desk], Sample]) -> None:
    if type_name in ("PAUSE", "UNPAUSE"):
        return  # their samples are about the pause itself
    desk = Desk()
    sender, body, cosigners = make(desk)
    desk.ok("mof", "PAUSE", "sbp")
    before = desk.ledger.state_root
    receipt = desk.send(sender, body, *cosigners, **envelope(type_name, body, cosigners))
    row = row_of(type_name, role_of(desk, sender))
    assert row is not None
    if row["while_paused"] == "yes":
        assert receipt.code == "OK"
    else:
        assert receipt.code == "E_PAUSED"
        assert desk.ledger.state_root == before


@pytest.mark.parametrize("licence", LICENCES)
@pytest.mark.parametrize(("type_name", "make"), ALL)
def test_licence(type_name: str, make: Callable[[Desk], Sample], licence: str) -> None:
    """Binds VASPs, and investors through their custodian."""
    desk = Desk()
    sender, body, cosigners = make(desk)
    role = role_of(desk, sender)
    if role not in ("vasp", "investor"):
        return
    row = row_of(type_name, role)
    assert row is not None
    holder = sender if role == "vasp" else desk.ledger.get("party", sender).custodian
    set_licence(desk, holder, licence)
    before = desk.ledger.state_root
    receipt = desk.send(sender, body, *cosigners)
    if licence in row["licence_states"].split("|") or row["licence_states"] in ("", "any"):
        assert receipt.code == "OK", receipt
    else:
        assert receipt.code == "E_LICENCE"
        assert desk.ledger.state_root == before


def test_a_dealers_client_needs_no_licence() -> None:
    desk = Desk()
    receipt = desk.do(
        "sara",
        "TRANSFER",
        source="sara/main",
        target="dealer-2/main",
        amount={"asset": "PKR", "amount": 1},
    )
    assert receipt.code == "OK"


@pytest.mark.parametrize(("type_name", "make"), ALL)
def test_missing_co_signer(type_name: str, make: Callable[[Desk], Sample]) -> None:
    desk = Desk()
    sender, body, cosigners = make(desk)
    if not cosigners:
        return
    before = desk.ledger.state_root
    wanted = {"KEY_ROTATE": "E_KEY", "VALIDATOR_UPDATE": "E_QUORUM"}.get(type_name, "E_ROLE")
    assert desk.send(sender, body).code == wanted
    stranger = "secp" if sender != "secp" else "mof"
    assert desk.send(sender, body, stranger).code == wanted
    assert desk.ledger.state_root == before


@pytest.mark.parametrize("first", ["mof", "sbp", "pvara"])
@pytest.mark.parametrize("second", ["mof", "sbp", "pvara", "secp"])
def test_any_two_of_three_pause(first: str, second: str) -> None:
    receipt = Desk().do(first, "PAUSE", *([second] if second != first else []))
    assert (receipt.code == "OK") == (second not in (first, "secp"))


def test_two_of_one_role_are_not_two_authorities() -> None:
    deputy = party("pvara-deputy", "pvara")
    desk = Desk(replace(GENESIS, parties=(*GENESIS.parties, deputy)))
    assert desk.do("pvara", "PAUSE", "pvara-deputy").code == "E_ROLE"
    assert desk.do("pvara", "PAUSE", "pvara-deputy", "sbp").code == "OK"


def test_a_cash_account_of_the_state_banks_own_needs_no_co_signer() -> None:
    desk = Desk()
    burn = {"account": "sbp/main", "amount": {"asset": "PKR", "amount": 5}}
    assert desk.do("sbp", "CASH_BURN", **burn).code == "OK"
    assert desk.do("sbp", "CASH_BURN", **(burn | {"account": "nobody"})).code == "E_ROLE"
