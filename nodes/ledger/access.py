"""Who may send what: roles.csv, read once and enforced alike for every transaction type.

A row names initiators, co-signers, the licence states in which it is allowed, and whether it
works while paused; a bar separates alternatives. The licence column binds VASPs, and investors
through a VASP custodian. The order of checks is role, pause, licence, co-signers.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib import resources
from typing import Final

import msgspec

from nodes.ledger import validators
from nodes.ledger.act import Act
from nodes.ledger.codes import E_KEY, E_LICENCE, E_PAUSED, E_ROLE, Refused
from nodes.ledger.records import Party
from nodes.ledger.state import PAUSED
from nodes.ledger.transactions import Body, CashBurn, KeyRotate

ANY: Final = "any"
AUTHORITIES: Final = ("mof", "sbp", "pvara")
"""Any two of these pause the ledger."""


class Row(msgspec.Struct, frozen=True):
    """One row of roles.csv."""

    transaction: str
    initiators: tuple[str, ...]
    co_signers: str
    licence_states: tuple[str, ...]
    """Empty where licences play no part (also for ``any``)."""
    while_paused: bool


def _alternatives(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


def read_rows() -> tuple[Row, ...]:
    """The rows of the shipped roles.csv, in its order."""
    text = resources.files("nodes.ledger").joinpath("roles.csv").read_text(encoding="utf-8")
    return tuple(
        Row(
            transaction=row["transaction"],
            initiators=_alternatives(row["initiator"]),
            co_signers=row["co_signers"],
            licence_states=tuple(s for s in _alternatives(row["licence_states"]) if s != ANY),
            while_paused=row["while_paused"] == "yes",
        )
        for row in csv.DictReader(text.splitlines())
    )


ROWS: Final = read_rows()

_BY_INITIATOR: Final[dict[tuple[str, str], Row]] = {
    (row.transaction, initiator): row for row in ROWS for initiator in row.initiators
}


def row_for(type_name: str, role: str) -> Row | None:
    """The row under which a party of ``role`` may send ``type_name``, if there is one."""
    return _BY_INITIATOR.get((type_name, role)) or _BY_INITIATOR.get((type_name, ANY))


def check(act: Act, type_name: str, body: Body) -> None:
    """Refuse (E_ROLE, E_PAUSED, E_LICENCE, E_KEY) what roles.csv doesn't allow ``act``."""
    sender = act.sender
    row = row_for(type_name, sender.role)
    if row is None and validators.is_member(act, sender.id):
        row = row_for(type_name, "validator")
    if row is None:
        raise Refused(E_ROLE, f"{sender.role} may not send {type_name}")
    if not row.while_paused and act.get(PAUSED) is not None:
        raise Refused(E_PAUSED)
    if row.licence_states:
        holder = licence_holder(act, sender)
        if holder is not None and holder.licence not in row.licence_states:
            raise Refused(E_LICENCE, f"licence of {holder.id} is {holder.licence}")
    if row.co_signers:
        CO_SIGNERS[row.co_signers](act, body)


def licence_holder(act: Act, party: Party) -> Party | None:
    """The VASP whose licence binds ``party``: itself, or its custodian; None if there is none."""
    if party.role == "vasp":
        return party
    if party.role == "investor":
        custodian = act.party(party.custodian)
        if custodian is not None and custodian.role == "vasp":
            return custodian
    return None


def _role_signs(role: str) -> Callable[[Act, Body], None]:
    def rule(act: Act, body: Body) -> None:
        if all(party.role != role for party in act.cosigners):
            raise Refused(E_ROLE, f"{role} must co-sign")

    return rule


def _another_authority(act: Act, body: Body) -> None:
    for party in act.cosigners:
        if party.role in AUTHORITIES and party.role != act.sender.role:
            return
    raise Refused(E_ROLE, "another of mof, sbp, pvara must co-sign")


def _account_owner(act: Act, body: Body) -> None:
    assert isinstance(body, CashBurn)
    account = act.account(body.account)
    if account is None:
        raise Refused(E_ROLE, f"no account {body.account}")
    if account.owner != act.sender.id and account.owner not in [p.id for p in act.cosigners]:
        raise Refused(E_ROLE, f"{account.owner} must co-sign")


def _own_new_key(act: Act, body: Body) -> None:
    # Execution lets a co-signature of the sender itself through only under the new key.
    assert isinstance(body, KeyRotate)
    if act.sender not in act.cosigners:
        raise Refused(E_KEY, "the new key must co-sign")


CO_SIGNERS: Final[dict[str, Callable[[Act, Body], None]]] = {
    "pvara": _role_signs("pvara"),
    "sbp": _role_signs("sbp"),
    "vault": _role_signs("vault"),
    "another of the three": _another_authority,
    "account owner": _account_owner,
    "own new key": _own_new_key,
    "a quorum of validators": validators.check_carried,
}
"""By the words of the ``co_signers`` column."""
